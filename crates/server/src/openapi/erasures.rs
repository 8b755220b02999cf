//! Erasures, and their receipts.

use serde_json::{Value, json};
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{
    ADMIN_KEY, JSON, READ_KEY, answer, at, body, in_path, inline, named, operation, with,
};

const TAG: &str = "erasing";

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![("Receipt", receipt())]
}

/// `/api/erasures`.
pub(crate) fn erasures() -> PathItem {
    let page = json!({
        "type": "object",
        "required": ["erasures"],
        "properties": {
            "erasures": { "type": "array", "items": { "$ref": "#/components/schemas/Receipt" } },
        },
    });
    let wanted = json!({
        "type": "object",
        "required": ["id", "kind"],
        "additionalProperties": false,
        "properties": {
            "id": {
                "type": "string",
                "minLength": 1,
                "description": "A person's id, one that it had before a merge, or a distinct id",
            },
            "kind": { "type": "string", "enum": ["delete", "anonymize"] },
            "project": { "type": "integer", "format": "int64", "minimum": 1, "default": 1 },
        },
    });
    let list = operation(TAG, "erasures", "Lists receipts, the newest first")
        .response("200", answer("All receipts", JSON, inline(page)));
    let ask = operation(TAG, "erase", "Deletes a person, or makes its rows nobody's")
        .request_body(Some(body(JSON, inline(wanted))));
    let mut item = at(HttpMethod::Get, for_readers(list).build());
    item.post = Some(for_admins(ask).build());
    item
}

/// `/api/erasures/:id`.
pub(crate) fn erasure() -> PathItem {
    let id = in_path("id", "The erasure", json!({ "type": "string", "format": "uuid" }));
    let operation = operation(TAG, "erasure", "Shows a receipt: what went, and what remains where")
        .parameter(id)
        .response("200", answer("The receipt", JSON, named("Receipt")))
        .response("404", answer("There is no such erasure", JSON, named("Error")));
    at(HttpMethod::Get, for_readers(operation).build())
}

/// `DELETE /api/persons/:id`.
pub(super) fn operation_of_delete() -> OperationBuilder {
    for_admins(operation(TAG, "delete_person", "Deletes a person, and all that it did"))
}

fn for_readers(operation: OperationBuilder) -> OperationBuilder {
    operation
        .security(with(READ_KEY))
        .security(with(ADMIN_KEY))
        .response("401", answer("No key is shown", JSON, named("Error")))
}

fn for_admins(operation: OperationBuilder) -> OperationBuilder {
    let operation = operation
        .security(with(ADMIN_KEY))
        .response("202", answer("It is durable; rows go from now on", JSON, named("Receipt")));
    let failures = [
        ("400", "It is not what it must be"),
        ("401", "The administrator's key is not shown"),
        ("404", "There is no such person"),
        ("409", "The person has more distinct ids than one erasure takes"),
        ("413", "More bytes than may be"),
        ("503", "Not stored; try again"),
    ];
    failures.into_iter().fold(operation, |operation, (status, meaning)| {
        operation.response(status, answer(meaning, JSON, named("Error")))
    })
}

fn receipt() -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    let counts = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    json!({
        "type": "object",
        "required": ["id", "project", "kind", "requested_at", "is_done", "removed", "pending", "remains"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "project": { "type": "integer", "format": "int64" },
            "kind": { "type": "string", "enum": ["delete", "anonymize"] },
            "requested_at": time,
            "is_done": { "type": "boolean" },
            "persons": { "type": "integer" },
            "distinct_ids": { "type": "integer" },
            "removed": counts,
            "anonymized": counts,
            "pending": { "type": "array", "items": {
                "type": "object",
                "properties": {
                    "part": { "type": "string" },
                    "waits_for": { "type": "string" },
                },
            } },
            "remains": { "type": "array", "items": {
                "type": "object",
                "properties": {
                    "place": { "type": "string" },
                    "note": { "type": "string" },
                    "until": { "type": ["string", "null"], "format": "date-time" },
                    "statement": { "type": ["string", "null"] },
                },
            } },
        },
    })
}
