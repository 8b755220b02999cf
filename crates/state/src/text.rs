//! Text that people give, and times as they are shown.

use event::Timestamp;
use serde::Serializer;

use crate::Error;
use crate::error::wrong;

/// Takes a name: some text of one line, without white space around it.
pub(crate) fn name(field: &'static str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    let is_fine = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    match is_fine {
        true => Ok(text.to_owned()),
        false => Err(wrong(field, "1 to 200 characters on one line")),
    }
}

/// RFC 3339.
pub(crate) fn shown<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// RFC 3339, or null.
pub(crate) fn shown_if_any<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => shown(time, serializer),
        None => serializer.serialize_none(),
    }
}
