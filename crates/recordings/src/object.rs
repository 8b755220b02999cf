//! One piece of a recording as an object.

use std::path::{Path, PathBuf};

use event::{Recording, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// What a path segment may hold as it is; a token or session id is a stranger's text.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
/// The folder of recordings that name no session, as old clients send them.
const NO_SESSION: &str = "-";
/// zstd's own default: rrweb JSON shrinks to about a tenth.
const COMPRESSION_LEVEL: i32 = 3;

#[derive(Serialize)]
struct Content<'a> {
    uuid: Uuid,
    token: &'a str,
    distinct_id: &'a str,
    session_id: &'a str,
    window_id: &'a str,
    snapshot_source: &'a str,
    lib: &'a str,
    timestamp: String,
    created_at: String,
    items: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<&'a RawValue>,
}

/// Where the object of the recording at this journal offset lies.
pub(crate) fn path(recording: &Recording, offset: u64) -> PathBuf {
    let segment = |text: &str| match text {
        "" => NO_SESSION.to_owned(),
        text => utf8_percent_encode(text, ESCAPED).to_string(),
    };
    let created_at = Timestamp::from_micros(recording.created_at_micros).to_string();
    let day = created_at.get(..10).unwrap_or("undated").to_owned();
    let name = format!("{offset:020}.zst");
    [segment(&recording.token), day, segment(&recording.session_id), name].iter().collect()
}

/// The offset that an object is named by; `None` for a file of another kind.
pub(crate) fn offset_of(path: &Path) -> Option<u64> {
    let is_object = path.extension().is_some_and(|extension| extension == "zst");
    path.file_stem().filter(|_| is_object)?.to_str()?.parse().ok()
}

/// The token that a folder is of.
pub(crate) fn token_of(folder: &str) -> String {
    percent_decode_str(folder).decode_utf8_lossy().into_owned()
}

/// The object's bytes.
pub(crate) fn content(recording: &Recording) -> std::io::Result<Vec<u8>> {
    let content = Content {
        uuid: Uuid::from_u64_pair(recording.uuid_high, recording.uuid_low),
        token: &recording.token,
        distinct_id: &recording.distinct_id,
        session_id: &recording.session_id,
        window_id: &recording.window_id,
        snapshot_source: &recording.snapshot_source,
        lib: &recording.lib,
        timestamp: Timestamp::from_micros(recording.timestamp_micros).to_string(),
        created_at: Timestamp::from_micros(recording.created_at_micros).to_string(),
        items: serde_json::from_str(&recording.items)?,
        extra: recording.extra.as_deref().map(serde_json::from_str).transpose()?,
    };
    zstd::encode_all(serde_json::to_vec(&content)?.as_slice(), COMPRESSION_LEVEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_token_stays_within_the_folder() {
        let recording = Recording {
            token: "../../etc".into(),
            session_id: "..".into(),
            ..Recording::default()
        };
        let path = path(&recording, 7);
        assert_eq!(
            path.to_str().unwrap(),
            "%2E%2E%2F%2E%2E%2Fetc/1970-01-01/%2E%2E/00000000000000000007.zst"
        );
        assert_eq!(token_of("%2E%2E%2F%2E%2E%2Fetc"), recording.token);
    }

    #[test]
    fn the_object_holds_what_was_sent() {
        let recording = Recording {
            items: r#"[{"type":2}]"#.into(),
            lib: "web".into(),
            ..Recording::default()
        };
        let json = zstd::decode_all(content(&recording).unwrap().as_slice()).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["items"][0]["type"], 2);
        assert_eq!(value["lib"], "web");
    }
}
