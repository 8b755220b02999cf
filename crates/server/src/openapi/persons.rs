//! Persons.

use serde_json::{Value, json};
use utoipa::openapi::path::{OperationBuilder, Parameter};
use utoipa::openapi::{HttpMethod, PathItem};

use super::erasures::operation_of_delete;
use super::parts::{JSON, answer, at, for_readers, in_path, in_query, inline, named, operation};

const TAG: &str = "reading";

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![("Person", shown()), ("Error", error())]
}

/// `/api/persons`.
pub(crate) fn persons() -> PathItem {
    let page = json!({
        "type": "object",
        "required": ["persons", "next"],
        "properties": {
            "persons": { "type": "array", "items": { "$ref": "#/components/schemas/Person" } },
            "next": { "type": ["integer", "null"], "description": "`after` of the next page" },
        },
    });
    let after = json!({ "type": "integer", "format": "int64", "minimum": 0 });
    let search = "What a distinct id, the email or the name has in it";
    let operation = operation(TAG, "persons", "Lists persons, the newest first")
        .parameter(project())
        .parameter(in_query("search", search, json!({ "type": "string" })))
        .parameter(in_query("after", "Where the page before ended", after))
        .parameter(limit())
        .response("200", answer("A page of persons", JSON, inline(page)));
    at(HttpMethod::Get, failures(operation).build())
}

/// `/api/persons/:id`.
pub(crate) fn person() -> PathItem {
    let operation = operation(TAG, "person", "Shows a person")
        .parameter(id())
        .parameter(project())
        .response("200", answer("The person", JSON, named("Person")));
    let mut item = at(HttpMethod::Get, failures(operation).build());
    let delete = operation_of_delete().parameter(id()).parameter(project());
    item.delete = Some(delete.build());
    item
}

/// `/api/persons/:id/events`.
pub(crate) fn person_events() -> PathItem {
    let before = json!({ "type": "string", "format": "date-time" });
    let rows = json!({
        "type": "object",
        "required": ["events", "next"],
        "properties": {
            "events": { "type": "array", "items": { "type": "object" } },
            "next": { "type": ["string", "null"], "description": "`before` of the next page" },
        },
    });
    let operation = operation(TAG, "person_events", "Shows what a person did, the last first")
        .parameter(id())
        .parameter(project())
        .parameter(in_query("before", "Only what happened before", before))
        .parameter(limit())
        .response("200", answer("Rows of `events`", JSON, inline(rows)));
    at(HttpMethod::Get, failures(operation).build())
}

fn failures(operation: OperationBuilder) -> OperationBuilder {
    let operation = for_readers(operation);
    ["400", "401", "403", "404", "503"].into_iter().fold(operation, |operation, status| {
        let meaning = match status {
            "400" => "A parameter is not what it must be",
            "401" => "Nobody is logged in, and no key is shown",
            "403" => "It is for other projects, or does not read",
            "404" => "There is no such person, or none are kept",
            _ => "They cannot be read now",
        };
        operation.response(status, answer(meaning, JSON, named("Error")))
    })
}

pub(super) fn id() -> Parameter {
    let id = json!({ "type": "string", "minLength": 1 });
    in_path("id", "Its id, one that it had before a merge, or a distinct id", id)
}

pub(super) fn project() -> Parameter {
    let number = json!({ "type": "integer", "format": "int64", "minimum": 1, "default": 1 });
    in_query("project", "Number of the project", number)
}

fn limit() -> Parameter {
    let number = json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 });
    in_query("limit", "How many at most", number)
}

fn shown() -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "type": "object",
        "required": ["id", "distinct_ids", "properties", "created_at", "is_identified"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "distinct_ids": { "type": "array", "items": { "type": "string" } },
            "properties": { "type": "object" },
            "created_at": time,
            "last_seen_at": { "type": ["string", "null"], "format": "date-time" },
            "is_identified": { "type": "boolean" },
        },
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": { "type": "string" } },
    })
}
