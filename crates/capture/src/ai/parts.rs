//! The parts of a multipart body.

use bytes::Bytes;
use futures::FutureExt;
use futures::stream;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use multer::{Field, Multipart};
use serde_json::json;

use crate::Error;
use crate::memory::Budget;

const EVENT: &str = "event";
const PROPERTIES: &str = "event.properties";
/// Largest part `event`, in bytes.
const EVENT_BYTES: usize = 32 * 1024;
/// Largest event with its properties, in bytes.
const BOTH_BYTES: usize = 8 * 1024 * 1024;

/// A part, as the answer tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its size in bytes.
    pub length: usize,
    /// Its content type, where it states one.
    pub content_type: Option<String>,
    /// Its content encoding, where it states one.
    pub content_encoding: Option<String>,
}

/// The body of a success.
pub fn accepted_body(parts: &[Part]) -> String {
    let part = |part: &Part| {
        json!({
            "name": part.name,
            "length": part.length,
            "content-type": part.content_type,
            "content-encoding": part.content_encoding,
        })
    };
    json!({ "accepted_parts": parts.iter().map(part).collect::<Vec<_>>() }).to_string()
}

/// The two parts that there may be.
pub(super) struct Parts {
    pub(super) event: Bytes,
    pub(super) properties: Option<Bytes>,
    pub(super) accepted: Vec<Part>,
}

impl Parts {
    /// Reads them from a body that is there as a whole.
    pub(super) fn of(
        headers: &HeaderMap,
        body: Bytes,
        budget: &mut Budget<'_>,
    ) -> Result<Self, Error> {
        let boundary = boundary(headers)?;
        // The parser copies the body once as a whole and once in parts.
        budget.reserve(body.len().saturating_mul(2))?;
        let whole = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(body)));
        let reading = read(Multipart::new(whole, boundary));
        // Nothing is waited for, so that one poll reads all.
        reading.now_or_never().unwrap_or(Err(Error::undecodable("Multipart parsing failed")))
    }

    fn add(&mut self, name: &'static str, part: Part, bytes: Bytes) -> Result<(), Error> {
        match name {
            EVENT => self.event = bytes,
            _ => self.properties = Some(bytes),
        }
        self.accepted.push(part);
        let bytes = self.event.len() + self.properties.as_ref().map_or(0, Bytes::len);
        match bytes > BOTH_BYTES {
            true => Err(Error::part_too_large("Combined event and properties", bytes, BOTH_BYTES)),
            false => Ok(()),
        }
    }
}

/// The boundary that the content type states.
fn boundary(headers: &HeaderMap) -> Result<String, Error> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(Error::undecodable("Content-Type must be multipart/form-data"));
    }
    multer::parse_boundary(content_type)
        .map_err(|_| Error::undecodable("Invalid boundary in Content-Type"))
}

async fn read(mut multipart: Multipart<'_>) -> Result<Parts, Error> {
    let unreadable = |_| Error::undecodable("Multipart parsing failed");
    let mut parts = Parts { event: Bytes::new(), properties: None, accepted: Vec::new() };
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        let name = name(&field, &parts.accepted)?;
        let header = |name| field.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (content_type, content_encoding) = (header(CONTENT_TYPE), header(CONTENT_ENCODING));
        let bytes = field.bytes().await.map_err(unreadable)?;
        if name == EVENT && bytes.len() > EVENT_BYTES {
            return Err(Error::part_too_large("Event part", bytes.len(), EVENT_BYTES));
        }
        let part = Part { name, length: bytes.len(), content_type, content_encoding };
        parts.add(name, part, bytes)?;
    }
    match parts.accepted.is_empty() {
        true => Err(Error::unparsable("Missing required 'event' part in multipart data")),
        false => Ok(parts),
    }
}

/// The name of a part, if it may stand there.
fn name(field: &Field<'_>, before: &[Part]) -> Result<&'static str, Error> {
    let name = field.name().unwrap_or("unknown");
    let known = [EVENT, PROPERTIES].into_iter().find(|known| *known == name);
    match known {
        _ if before.is_empty() && name != EVENT => {
            Err(Error::unparsable(format!("First part must be 'event', got '{name}'")))
        }
        None => Err(Error::unparsable(format!(
            "Unknown multipart field: '{name}'. Expected 'event' or 'event.properties'"
        ))),
        Some(known) if before.iter().any(|part| part.name == known) => {
            Err(Error::unparsable(format!("Duplicate '{known}' part found")))
        }
        Some(known) => Ok(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_tells_of_every_part() {
        let part = Part {
            name: EVENT,
            length: 3,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
        };
        let body: serde_json::Value = serde_json::from_str(&accepted_body(&[part])).unwrap();
        let expected = json!({"accepted_parts": [{"name": "event", "length": 3,
            "content-type": "application/json", "content-encoding": null}]});
        assert_eq!(body, expected);
    }
}
