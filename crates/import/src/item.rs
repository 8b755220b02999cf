//! Events as the server's door takes them.

use event::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::columns::MAPPED;
use crate::record::{Record, quoted};
use crate::time::{self, TimeReader};

/// Names of version 5 that this crate makes are in it.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2f7e_9a41_4c53_9d1b_7a3c_58e0_b4d2);

/// Why a row cannot be an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
}

impl Reject {
    pub(crate) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// An event, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) json: String,
    /// Its day; `None` of what the lake keeps where it cannot be found again by where it came from.
    pub(crate) day: Option<i32>,
}

/// What rows of a source have in common.
#[derive(Clone, Debug)]
pub(crate) struct Maker<'a> {
    /// Says in `extra` where a row came from, so that it can be counted.
    pub(crate) mark: &'a str,
    pub(crate) token: &'a str,
    pub(crate) times: &'a TimeReader,
    pub(crate) now: Timestamp,
}

/// A uuid that is always the same for the same thing.
pub(crate) fn uuid_of(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl Maker<'_> {
    /// The event that a row is. A row without a uuid gets one of its place and its content, so that it
    /// is known when it is sent again.
    pub(crate) fn event(&self, record: &Record, row: u64) -> Result<Item, Reject> {
        self.check_token(record)?;
        let name = record.text("event").ok_or_else(|| Reject::new("no_event", ""))?;
        let distinct_id = record
            .text("distinct_id")
            .filter(|id| !id.trim().is_empty())
            .ok_or_else(|| Reject::new("no_distinct_id", ""))?;
        let timestamp = self.time(record, "timestamp")?;
        let uuid = match record.text("uuid") {
            Some(text) => {
                Uuid::try_parse(text.trim()).map_err(|_| Reject::new("bad_uuid", text))?
            }
            None => uuid_of(&format!("{}:{row}:{}", self.mark, record.json())),
        };
        let mut json = self.head(uuid, &name, &distinct_id, timestamp);
        if let Ok(created_at) = self.time(record, "created_at") {
            json.push_str(&format!(",\"original_created_at\":\"{created_at}\""));
        }
        if let Some(context) = record.get("context").and_then(|cell| cell.object().ok().flatten()) {
            json.push_str(&format!(",\"context\":{context}"));
        }
        json.push_str(",\"properties\":");
        json.push_str(&properties(record)?);
        json.push('}');
        // Heatmaps have a table of their own, which does not say where rows came from.
        Ok(Item { json, day: (name != "$$heatmap").then(|| timestamp.day()) })
    }

    /// What changes a person or a group, and is no event of anybody's.
    pub(crate) fn change(
        &self,
        uuid: Uuid,
        name: &str,
        distinct_id: &str,
        timestamp: Timestamp,
        properties: &str,
    ) -> Item {
        let head = self.head(uuid, name, distinct_id, timestamp);
        Item { json: format!("{head},\"properties\":{properties}}}"), day: Some(timestamp.day()) }
    }

    fn head(&self, uuid: Uuid, name: &str, distinct_id: &str, timestamp: Timestamp) -> String {
        let (name, distinct_id) = (quoted(name), quoted(distinct_id));
        let mark = self.mark;
        format!(
            "{{\"uuid\":\"{uuid}\",\"event\":{name},\"distinct_id\":{distinct_id},\
             \"timestamp\":\"{timestamp}\",\"import\":\"{mark}\""
        )
    }

    /// A time that the server keeps as it is.
    pub(crate) fn time(&self, record: &Record, column: &str) -> Result<Timestamp, Reject> {
        let Some(text) = record.text(column) else { return Err(Reject::new("no_timestamp", "")) };
        let Some(timestamp) = self.times.read(&text) else {
            return Err(Reject::new("unreadable_timestamp", text));
        };
        match time::trouble(timestamp, self.now) {
            Some(reason) => Err(Reject::new(reason, text)),
            None => Ok(timestamp),
        }
    }

    /// A lake of ours has the events of many tokens.
    fn check_token(&self, record: &Record) -> Result<(), Reject> {
        match record.text("token") {
            Some(other) if other != self.token => Err(Reject::new("other_token", other)),
            _ => Ok(()),
        }
    }
}

/// The properties as they stand, and behind them what exports keep beside them.
fn properties(record: &Record) -> Result<String, Reject> {
    let bad = |()| Reject::new("bad_properties", "not a JSON object");
    let object = |name: &str| match record.get(name) {
        Some(cell) => cell.object().map_err(bad),
        None => Ok(None),
    };
    let own = object("properties")?.unwrap_or_else(|| "{}".to_owned());
    let has = |name: &str| own.contains(&format!("\"{name}\""));
    let mut added = Vec::new();
    for (column, property) in [("set", "$set"), ("set_once", "$set_once")] {
        if !has(property)
            && let Some(object) = object(column)?
        {
            added.push(format!("{}:{object}", quoted(property)));
        }
    }
    let chain = record.text("elements_chain").or_else(|| elements(record));
    if let Some(chain) = chain.filter(|_| !has("$elements_chain")) {
        added.push(format!("\"$elements_chain\":{}", quoted(&chain)));
    }
    if let Some(ip) = record.text("ip").filter(|_| !has("$ip")) {
        added.push(format!("\"$ip\":{}", quoted(&ip)));
    }
    let mapped = object(MAPPED)?.map(|mapped| inner(&mapped).to_owned());
    added.extend(mapped);
    Ok(joined(&own, &added))
}

/// BigQuery's and others' column of clicked elements: PostHog's text form, written as a JSON string.
fn elements(record: &Record) -> Option<String> {
    let text = record.text("elements")?;
    match serde_json::from_str::<String>(&text) {
        Ok(chain) => Some(chain).filter(|chain| !chain.is_empty()),
        Err(_) if text.starts_with(['[', '{']) => None,
        Err(_) => Some(text),
    }
}

/// What stands between the braces.
fn inner(object: &str) -> &str {
    let object = object.trim();
    object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().trim()
}

fn joined(object: &str, added: &[String]) -> String {
    if added.is_empty() {
        return object.to_owned();
    }
    let own = Some(inner(object)).filter(|own| !own.is_empty());
    let members: Vec<&str> = own.into_iter().chain(added.iter().map(String::as_str)).collect();
    format!("{{{}}}", members.join(","))
}

/// Whether a text is JSON, whatever kind of.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::record::Cell;

    fn record(cells: &[(&str, &str)]) -> Record {
        let cell =
            |(name, text): &(&str, &str)| ((*name).to_owned(), Cell::Text((*text).to_owned()));
        Record(cells.iter().map(cell).collect())
    }

    fn made(record: &Record, row: u64) -> Result<Value, Reject> {
        let times = TimeReader::default();
        let maker = Maker {
            mark: "m",
            token: "phc_a",
            times: &times,
            now: Timestamp::from_micros(1_800_000_000_000_000),
        };
        maker.event(record, row).map(|item| serde_json::from_str(&item.json).unwrap())
    }

    const ROW: [(&str, &str); 3] =
        [("event", "buy"), ("distinct_id", "ann"), ("timestamp", "2024-01-31 12:00:00.000001")];

    #[test]
    fn a_row_is_an_event_with_what_exports_keep_beside_properties() {
        let mut row = record(&ROW);
        row.0.extend(
            record(&[("properties", r#"{"a":1}"#), ("ip", "1.2.3.4"), ("set", r#"{"b":2}"#)]).0,
        );
        row.0.extend(record(&[("elements", r#""a:text=\"x\"""#)]).0);
        let made = made(&row, 1).unwrap();
        let expected = json!({
            "a": 1, "$set": {"b": 2}, "$elements_chain": "a:text=\"x\"", "$ip": "1.2.3.4",
        });
        assert_eq!(made["properties"], expected);
        assert_eq!(made["timestamp"], "2024-01-31T12:00:00.000001Z");
    }

    #[test]
    fn a_row_without_a_uuid_has_the_same_one_each_time_and_another_at_another_place() {
        let row = record(&ROW);
        let uuid = |place: u64| made(&row, place).unwrap()["uuid"].clone();
        assert_eq!(uuid(1), uuid(1));
        assert_ne!(uuid(1), uuid(2));
    }

    #[test]
    fn rows_that_are_no_events_say_why() {
        for (column, text, reason) in [
            ("event", "", "no_event"),
            ("distinct_id", " ", "no_distinct_id"),
            ("timestamp", "soon", "unreadable_timestamp"),
            ("timestamp", "1969-01-01", "timestamp_before_1971"),
            ("timestamp", "2040-01-01", "timestamp_in_the_future"),
            ("uuid", "7", "bad_uuid"),
            ("properties", "[]", "bad_properties"),
            ("token", "phc_other", "other_token"),
        ] {
            let mut row = record(&ROW);
            row.0.retain(|(name, _)| name != column);
            row.0.push((column.to_owned(), Cell::Text(text.to_owned())));
            assert_eq!(made(&row, 1).unwrap_err().reason, reason, "{column} {text}");
        }
    }
}
