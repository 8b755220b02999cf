//! Recordings as `$snapshot` rows of the pipeline, as the original sent them.

use std::sync::Arc;

use event::{Erased, Erasures, PersonId, Place, Recording, Row, TeamId, Timestamp, Token};
use journal::{JournalId, Offset, Record};
use serde_json::json;
use serde_json::value::RawValue;
use sink::Error;
use sink::pipelines::{JsonRow, RowSource, event_row};
use uuid::Uuid;

/// Room for a row's other members beside its snapshot data.
const OVERHEAD_BYTES: usize = 4 * 1024;

/// Turns recordings into rows whose snapshot data fits the pipeline's request limit.
pub struct SnapshotRows {
    /// Largest row in bytes.
    pub max_row_bytes: usize,
    /// The project of a token.
    pub team_of: Box<dyn Fn(&Token) -> TeamId + Send + Sync>,
    /// What is not sent any more.
    pub erasures: Erasures,
}

impl RowSource for SnapshotRows {
    fn rows(&self, record: &Record, journal_id: JournalId) -> Result<Vec<JsonRow>, Error> {
        let recordings = event::decode_recordings(record.payload.clone()).map_err(|error| {
            Error::paused(format!("recording at offset {}: {error}", record.first))
        })?;
        let erased = self.erasures.view();
        let mut rows = Vec::new();
        for (offset, recording) in (record.first.get()..).zip(&recordings) {
            let place = Place {
                journal_id: journal_id.as_uuid(),
                offset,
                received_at: Timestamp::from_micros(recording.created_at_micros),
            };
            let goes = |erased: &Arc<Erased>| {
                erased.has_recording(&recording.token, &recording.distinct_id, place)
            };
            if erased.as_ref().is_some_and(goes) {
                continue;
            }
            let pieces = split(&recording.items, self.max_row_bytes.saturating_sub(OVERHEAD_BYTES));
            let token = Token::new(recording.token.as_str());
            let team = (self.team_of)(&token);
            let offset = Offset::new(offset);
            rows.extend((0_u32..).zip(&pieces).map(|(piece, items)| {
                let row = row(recording, &token, team, items, piece);
                (offset, event_row(&row, offset, journal_id))
            }));
        }
        Ok(rows)
    }
}

/// Cuts a JSON array into arrays of at most so many bytes; an item is never cut.
fn split(items: &str, max_bytes: usize) -> Vec<String> {
    if items.len() <= max_bytes {
        return vec![items.to_owned()];
    }
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(items) else {
        return vec![items.to_owned()];
    };
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for item in items {
        if !piece.is_empty() && piece.len() + item.get().len() + 2 > max_bytes {
            pieces.push(format!("[{piece}]"));
            piece.clear();
        }
        if !piece.is_empty() {
            piece.push(',');
        }
        piece.push_str(item.get());
    }
    pieces.push(format!("[{piece}]"));
    pieces
}

fn row(recording: &Recording, token: &Token, team: TeamId, items: &str, piece: u32) -> Row {
    let distinct_id = event::DistinctId::new(recording.distinct_id.as_str());
    let person = PersonId::of_first_distinct_id(team, token, &distinct_id);
    let (person_id_high, person_id_low) = person.0.as_u64_pair();
    let meta = json!({
        "$session_id": recording.session_id,
        "$window_id": recording.window_id,
        "$snapshot_source": recording.snapshot_source,
        "$lib": recording.lib,
    });
    let meta = meta.to_string();
    let members = meta.strip_suffix('}').unwrap_or_default();
    let (uuid_high, uuid_low) = piece_uuid(recording, piece).as_u64_pair();
    Row {
        uuid_high,
        uuid_low,
        event: "$snapshot".into(),
        distinct_id: recording.distinct_id.clone(),
        timestamp_micros: recording.timestamp_micros,
        created_at_micros: recording.created_at_micros,
        team_id: team.0,
        token: recording.token.clone(),
        person_id_high,
        person_id_low,
        properties: format!("{members},\"$snapshot_data\":{items}}}"),
        session_id: Some(recording.session_id.clone()).filter(|id| !id.is_empty()),
        window_id: Some(recording.window_id.clone()).filter(|id| !id.is_empty()),
        extra: recording.extra.clone(),
        ..Row::default()
    }
}

/// Each piece has a uuid of its own, the same at every try: queries keep one row of each.
fn piece_uuid(recording: &Recording, piece: u32) -> Uuid {
    let uuid = Uuid::from_u64_pair(recording.uuid_high, recording.uuid_low);
    match piece {
        0 => uuid,
        later => Uuid::new_v5(&uuid, &later.to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_and_hold_every_item_once() {
        let items = r#"[{"a":1},{"a":2},{"a":3}]"#;
        let pieces = split(items, 18);
        assert_eq!(pieces, [r#"[{"a":1},{"a":2}]"#, r#"[{"a":3}]"#]);
        assert_eq!(split(items, 1_000), [items]);
    }

    #[test]
    fn a_row_has_the_names_that_the_original_used() {
        let recording = Recording { session_id: "s-1".into(), ..Recording::default() };
        let row = row(&recording, &Token::new("phc_a"), TeamId(3), "[1]", 0);
        let later = self::row(&recording, &Token::new("phc_a"), TeamId(3), "[1]", 1);
        assert_ne!(later.uuid(), row.uuid());
        assert_eq!(row.team_id, 3);
        let properties: serde_json::Value = serde_json::from_str(&row.properties).unwrap();
        assert_eq!(row.event, "$snapshot");
        assert_eq!(properties["$session_id"], "s-1");
        assert_eq!(properties["$snapshot_data"], json!([1]));
    }
}
