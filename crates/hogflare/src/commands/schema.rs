//! `hogflare schema`: what other systems and readers must know of the rows.

use std::fmt::Write;
use std::process::ExitCode;

use event::{COLUMNS, Column, Kind};

/// Prints `scripts/pipeline-schema.json`.
pub(crate) fn pipelines() -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&sink::pipelines::schema())?);
    Ok(ExitCode::SUCCESS)
}

/// Prints `scripts/persons-pipeline-schema.json`.
pub(crate) fn persons() -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&sink::pipelines::persons_schema())?);
    Ok(ExitCode::SUCCESS)
}

/// Prints `docs/events.md`.
pub(crate) fn events() -> anyhow::Result<ExitCode> {
    print!("{}", reference());
    Ok(ExitCode::SUCCESS)
}

/// The reference of the table `events`.
fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("| column | type | null | |\n|---|---|---|---|\n");
    for Column { name, kind, required, doc, .. } in COLUMNS {
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

const INTRODUCTION: &str = "\
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
`hogflare_lake_misfits_total`; `properties` has it all the same.

An event time more than 23 hours ahead of the server's clock becomes the time of receipt, and so does
one before 1971; what was sent is in `extra` as `original_timestamp`.

";

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn committed(path: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        std::fs::read_to_string(root.join(path)).unwrap()
    }

    #[test]
    fn generated_pages_are_fresh() {
        assert_eq!(committed("docs/events.md"), super::reference(), "run `make schema`");
        let persons = serde_json::to_string_pretty(&sink::pipelines::persons_schema()).unwrap();
        let schema = committed("scripts/persons-pipeline-schema.json");
        assert_eq!(schema.trim_end(), persons, "run `make schema`");
        let settings = crate::config::reference();
        assert_eq!(committed("docs/configuration.md"), settings, "run `make schema`");
    }
}
