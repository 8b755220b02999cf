//! The stream's schema, `scripts/pipeline-schema.json`.

use event::{COLUMNS, Kind};
use serde_json::{Value, json};

/// Names under which the first rows of this project were published; queries still use them.
pub(super) const ALIASES: [(&str, &str); 2] = [("event_type", "event"), ("api_key", "token")];

/// The schema to create the stream with, in the form that `wrangler` reads.
pub fn schema() -> Value {
    let columns = COLUMNS.iter().map(|column| field(column.name, column.kind, column.required));
    let aliases = ALIASES.iter().map(|(alias, _)| field(alias, Kind::Text, true));
    json!({ "fields": columns.chain(aliases).collect::<Vec<_>>() })
}

fn field(name: &str, kind: Kind, required: bool) -> Value {
    match kind {
        Kind::Text => json!({ "name": name, "type": "string", "required": required }),
        Kind::Json => json!({ "name": name, "type": "json", "required": required }),
        Kind::Integer => json!({ "name": name, "type": "int64", "required": required }),
        Kind::Timestamp => {
            json!({ "name": name, "type": "timestamp", "unit": "microsecond", "required": required })
        }
    }
}
