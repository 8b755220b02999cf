//! `hogflare schema`: what other systems and readers must know of the rows.

use std::fmt::Write;
use std::process::ExitCode;

use event::{Column, Kind, Table};

/// Prints the schema of a table's stream: `scripts/pipeline-schema.json` for `events`, else
/// `scripts/<table>-pipeline-schema.json`.
pub(crate) fn pipelines(table: Table) -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&sink::pipelines::schema(table))?);
    Ok(ExitCode::SUCCESS)
}

/// Prints `docs/events.md`.
pub(crate) fn events() -> anyhow::Result<ExitCode> {
    print!("{}", events_page());
    Ok(ExitCode::SUCCESS)
}

/// Prints `docs/tables.md`.
pub(crate) fn tables() -> anyhow::Result<ExitCode> {
    print!("{}", tables_page());
    Ok(ExitCode::SUCCESS)
}

/// The reference of the table `events`.
fn events_page() -> String {
    format!("{EVENTS}{}", columns(Table::Events))
}

/// The reference of all others.
fn tables_page() -> String {
    let mut page = String::from(TABLES);
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Events) {
        let (name, doc) = (table.name(), table.doc());
        let layout = layout(table);
        write!(page, "\n## `{name}`\n\n{doc} {layout}\n\n").expect("a String grows");
        page.push_str(&columns(table));
    }
    page
}

/// How the rows of a table lie, and which of them count.
fn layout(table: Table) -> String {
    match table.sorted_by() {
        [key @ .., version] if table.keeps_latest() => {
            let key: Vec<String> = key.iter().map(|name| format!("`{name}`")).collect();
            format!("Of the rows with the same {} the highest `{version}` counts.", key.join(", "))
        }
        _ => format!("Partitioned by the day of `{}`.", table.time()),
    }
}

/// The columns of a table, a line each.
fn columns(table: Table) -> String {
    let mut page = String::from("| column | type | null | |\n|---|---|---|---|\n");
    for Column { name, kind, required, doc, .. } in table.columns() {
        let kind = match kind {
            Kind::Text => "text",
            Kind::Json => "JSON as text",
            Kind::Integer => "integer",
            Kind::Timestamp => "timestamp",
        };
        let null = if *required { "" } else { "yes" };
        writeln!(page, "| `{name}` | {kind} | {null} | {doc} |").expect("a String grows");
    }
    page
}

const EVENTS: &str = "\
# The table `events`

One row an event. Names follow PostHog's `events` table and batch export. In `hogflare sql` the view
`events` adds `event_type` (= `event`) and `api_key` (= `token`), the names of Hogflare's first rows;
`events_raw` is the table itself.

Timestamps are UTC with microseconds. `properties` has every member that the SDK sent, byte for byte,
but for `$elements` and `$elements_chain`, which become `elements_chain`; appended are `$ip` where the
SDK sent none and `$sent_at` where the time of sending is known; behind the Worker also the client's place
(`$geoip_*`) and network (`cf_*`), unless the SDK sent another `$ip` or `$geoip_disable`. A repeated key is there once, with its
last value.

Columns that copy a property take text from strings and numbers, and integers from numbers and from text
that is one. A value of another kind leaves the column NULL, and is counted in the metric
`hogflare_lake_misfit_properties_total`; `properties` has it all the same.

An event time more than 23 hours ahead of the server's clock becomes the time of receipt, and so does
one before 1971; what was sent is in `extra` as `original_timestamp`.

What is not counted as an event is in [other tables](tables.md).

";

const TABLES: &str = "\
# The tables beside `events`

[`events`](events.md) holds what PostHog's table of that name would hold. Whatever else is accepted has a
table of its own, in `hogflare sql` and in the lake (`default.<name>`) alike. All of them are there from the
first start, empty where nothing came. `(journal_id, journal_offset)` is a row's place among the rows of
all tables: each is in exactly one.

Tables of persons and groups have versions, of which the highest of a key counts: [persons.md](persons.md) tells how to
read them, and how events find the person that they belong to now.

A stream of events at Cloudflare gets rows of `events` only; with the lake off also heatmaps and quarantined events, whose
`extra` has the reason as `quarantined`, since nothing else would keep them. Each table of persons and groups can have a
stream of its own ([cloudflare/pipelines.md](cloudflare/pipelines.md)).
";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sink::pipelines::{TableStream, schema};

    fn committed(path: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        std::fs::read_to_string(root.join(path)).unwrap()
    }

    #[test]
    fn generated_pages_are_fresh() {
        assert_eq!(committed("docs/events.md"), super::events_page(), "run `make schema`");
        assert_eq!(committed("docs/tables.md"), super::tables_page(), "run `make schema`");
        for TableStream { table, .. } in TableStream::ALL {
            let schema = serde_json::to_string_pretty(&schema(table)).unwrap();
            let path = format!("scripts/{}-pipeline-schema.json", table.name());
            assert_eq!(committed(&path).trim_end(), schema, "run `make schema`");
        }
        let settings = crate::config::reference();
        assert_eq!(committed("docs/configuration.md"), settings, "run `make schema`");
    }
}
