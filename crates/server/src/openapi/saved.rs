//! What people keep of a project.

use serde_json::{Value, json};
use state::SavedKind;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::{HttpMethod, PathItem};

use super::access::{changing, failing, id, reading, reference};
use super::parts::{
    JSON, READ_KEY, answer, at, bodiless, body, in_path, inline, named, operation, with,
};
use super::persons::project;

const TAG: &str = "saving";

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![("Saved", shown()), ("ToSave", wanted())]
}

/// All of a kind.
pub(crate) fn saved(kind: SavedKind) -> PathItem {
    let list = json!({
        "type": "object",
        "required": ["saved"],
        "properties": { "saved": { "type": "array", "items": reference("Saved") } },
    });
    let list = named_after(kind, "list", "Lists what is saved of a project")
        .security(with(READ_KEY))
        .parameter(project())
        .response("200", answer("By name", JSON, inline(list)));
    let make = named_after(kind, "save", "Saves another")
        .parameter(project())
        .request_body(Some(body(JSON, named("ToSave"))))
        .response("201", answer("What is saved", JSON, named("Saved")));
    let mut item = at(HttpMethod::Get, reading(list, &["400"]).build());
    item.post = Some(changing(make, &["400", "413"]).build());
    item
}

/// One of them.
pub(crate) fn saved_one(kind: SavedKind) -> PathItem {
    let show = named_after(kind, "show", "Shows one")
        .security(with(READ_KEY))
        .parameter(id("Which"))
        .response("200", answer("It", JSON, named("Saved")));
    let change = named_after(kind, "change", "Puts something else in its place")
        .parameter(id("Which"))
        .request_body(Some(body(JSON, named("ToSave"))))
        .response("200", answer("What is saved", JSON, named("Saved")));
    let delete = named_after(kind, "delete", "Deletes one")
        .parameter(id("Which"))
        .response("204", bodiless("It is gone"));
    let mut item = at(HttpMethod::Get, reading(show, &["404"]).build());
    item.put = Some(changing(change, &["400", "404", "413"]).build());
    item.delete = Some(changing(delete, &["404"]).build());
    item
}

/// Its link.
pub(crate) fn share(kind: SavedKind) -> PathItem {
    let link = json!({
        "type": "object",
        "required": ["token", "url"],
        "properties": { "token": { "type": "string" }, "url": { "type": "string" } },
    });
    let share = named_after(kind, "share", "Makes a link that anybody may follow")
        .parameter(id("Which"))
        .response("201", answer("The link, told this once", JSON, inline(link)));
    let unshare = named_after(kind, "unshare", "Ends what the link opens")
        .parameter(id("Which"))
        .response("204", bodiless("The link opens nothing any more"));
    let mut item = at(HttpMethod::Post, changing(share, &["404"]).build());
    item.delete = Some(changing(unshare, &["404"]).build());
    item
}

/// `/api/shared/{token}`.
pub(crate) fn shared() -> PathItem {
    let token = in_path("token", "What the link ends with", json!({ "type": "string" }));
    let insight = json!({
        "type": "object",
        "required": ["id", "name", "description", "definition"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "definition": { "type": "object" },
        },
    });
    let shown = json!({
        "type": "object",
        "required": ["id", "kind", "name", "description", "definition", "time_zone", "insights"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "kind": { "type": "string", "enum": SavedKind::ALL },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "definition": { "type": "object" },
            "updated_at": { "type": "string", "format": "date-time" },
            "time_zone": { "type": "string" },
            "insights": {
                "type": "array",
                "items": insight,
                "description": "Itself, or those that its tiles name",
            },
        },
    });
    let operation = operation(TAG, "shared", "Shows what a link opens, to anybody")
        .parameter(token)
        .response("200", answer("It", JSON, inline(shown)));
    at(HttpMethod::Get, failing(operation, &["400", "404", "503"]).build())
}

/// `/api/shared/{token}/answers/{id}`.
pub(crate) fn shared_answer() -> PathItem {
    let token = in_path("token", "What the link ends with", json!({ "type": "string" }));
    let answered = json!({ "type": ["object", "array"] });
    let operation = operation(TAG, "shared_answer", "Answers what a link shows, to anybody")
        .parameter(token)
        .parameter(id("Which insight or query of those that the link shows"))
        .response("200", answer("As the insight or the query is answered", JSON, inline(answered)));
    at(HttpMethod::Get, failing(operation, &["400", "403", "404", "408", "500", "503"]).build())
}

fn named_after(kind: SavedKind, verb: &str, summary: &str) -> OperationBuilder {
    operation(TAG, &format!("{verb}_{}", kind.name()), summary)
}

fn wanted() -> Value {
    json!({
        "type": "object",
        "required": ["name", "definition"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 200 },
            "description": { "type": "string", "maxLength": 2000 },
            "definition": {
                "type": "object",
                "description": "Of an insight its request, with its `kind`; of a query an object with \
                                its SQL as `query`; of a dashboard its `tiles`; of a note any",
            },
        },
    })
}

fn shown() -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "type": "object",
        "required": ["id", "project", "name", "description", "definition", "created_at", "updated_at"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "project": { "type": "integer", "format": "int64" },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "definition": { "type": "object" },
            "owner": { "type": ["string", "null"] },
            "created_at": time,
            "updated_at": time,
            "is_shared": { "type": "boolean" },
        },
    })
}
