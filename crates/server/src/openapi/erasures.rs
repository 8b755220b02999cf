//! Erasures, and their receipts.

use serde_json::{Value, json};
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::{HttpMethod, PathItem};

use super::access::{changing, failing};
use super::parts::{
    ADMIN_KEY, JSON, answer, at, body, for_readers, in_path, inline, named, operation, with,
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
    let mut item = at(HttpMethod::Get, for_receipts(list).build());
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
    at(HttpMethod::Get, for_receipts(operation).build())
}

/// `DELETE /api/persons/:id`.
pub(super) fn operation_of_delete() -> OperationBuilder {
    for_admins(operation(TAG, "delete_person", "Deletes a person, and all that it did"))
}

fn for_receipts(operation: OperationBuilder) -> OperationBuilder {
    let operation = for_readers(operation).security(with(ADMIN_KEY));
    failing(operation, &["401", "403", "503"])
}

fn for_admins(operation: OperationBuilder) -> OperationBuilder {
    let operation = operation
        .security(with(ADMIN_KEY))
        .response("202", answer("It is durable; rows go from now on", JSON, named("Receipt")))
        .response("400", answer("It is not what it must be", JSON, named("Error")))
        .response("404", answer("There is no such person", JSON, named("Error")));
    let too_many = "The person has more distinct ids than one erasure takes";
    let operation = operation.response("409", answer(too_many, JSON, named("Error")));
    changing(operation, &["413"])
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
