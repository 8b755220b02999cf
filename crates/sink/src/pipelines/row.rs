//! A row of a table as its stream takes it, and the stream's schema: `scripts/pipeline-schema.json` for
//! `events`, `scripts/<table>-pipeline-schema.json` for others.

use event::{Kind, StoredRow, Table};
use serde_json::{Value, json};

use super::json::{append_member, field};

/// Names under which the first rows of this project were published; queries still use them.
const ALIASES: [(&str, &str); 2] = [("event_type", "event"), ("api_key", "token")];

/// The schema to create a table's stream with.
pub fn schema(table: Table) -> Value {
    let columns = table.columns().iter();
    let columns = columns.map(|column| field(column.name, column.kind, column.required));
    let aliases = aliases(table).iter().map(|(alias, _)| field(alias, Kind::Text, true));
    json!({ "fields": columns.chain(aliases).collect::<Vec<_>>() })
}

/// Appends the row as one JSON object.
pub(super) fn append(table: Table, stored: StoredRow<'_>, json: &mut Vec<u8>) {
    let mut separator = b'{';
    for column in table.columns() {
        let value = (column.value)(stored);
        if append_member(separator, column.name, column.kind, &value, json) {
            separator = b',';
            for (alias, _) in aliases(table).iter().filter(|(_, of)| *of == column.name) {
                append_member(separator, alias, column.kind, &value, json);
            }
        }
    }
    json.push(b'}');
}

const fn aliases(table: Table) -> &'static [(&'static str, &'static str)] {
    match table {
        Table::Events => &ALIASES,
        _ => &[],
    }
}
