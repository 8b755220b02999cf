//! The door for events of the past.

use serde_json::json;
use utoipa::openapi::{HttpMethod, PathItem};

use super::access::changing;
use super::parts::{ADMIN_KEY, JSON, answer, at, body, in_query, inline, named, operation, with};

const TAG: &str = "importing";

/// `/api/import`.
pub(crate) fn import() -> PathItem {
    let batch = json!({
        "type": "object",
        "required": ["api_key", "batch"],
        "properties": {
            "api_key": super::parts::token(),
            "batch": {
                "type": "array",
                "minItems": 1,
                "items": { "$ref": "#/components/schemas/Event" },
            },
            "historical_migration": { "type": "boolean" },
        },
    });
    let count = json!({ "type": "integer", "format": "int64", "minimum": 0 });
    let brought = json!({
        "type": "object",
        "required": ["status", "stored", "duplicates", "dropped"],
        "properties": {
            "status": { "const": 1, "type": "integer" },
            "stored": count,
            "duplicates": count,
            "dropped": count,
        },
    });
    let persons = in_query(
        "persons",
        "`keep` leaves the properties of known persons and groups as they are; `only` changes them, and \
         keeps the events apart from others",
        json!({ "type": "string", "enum": ["change", "keep", "only"], "default": "change" }),
    );
    let bring = operation(TAG, "import", "Takes events of the past, as they are")
        .parameter(persons)
        .request_body(Some(body(JSON, inline(batch))))
        .security(with(ADMIN_KEY))
        .response("200", answer("Stored: on disk, whatever happens next", JSON, inline(brought)))
        .response("400", answer("It is not what it must be", JSON, named("Error")));
    at(HttpMethod::Post, changing(bring, &["408", "413"]).build())
}
