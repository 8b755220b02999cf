//! From a request to its payload, through whatever it is wrapped in.

use std::borrow::Cow;

use super::Encoding;
use crate::encoding::{gunzip, has_gzip_magic, undo_content_encoding};
use crate::memory::Budget;
use crate::payload::Source;
use crate::{Error, Note, Notes, Settings, repair, text};

/// What a body turned out to be.
pub(super) enum Payload<'a> {
    Json(Cow<'a, str>),
    Protobuf(Cow<'a, [u8]>),
}

impl<'a> Payload<'a> {
    /// Unwraps a body: encodings of the header, and gzip without one.
    pub(super) fn of(
        source: &Source<'a>,
        settings: &Settings,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<Self, Error> {
        let (headers, body) = (source.headers, source.body);
        if Encoding::declared(headers) == Encoding::Json {
            return source.text(settings, budget, notes).map(Self::Json);
        }
        if body.len() > settings.wire_limit {
            return Err(Error::body_too_large(settings.wire_limit));
        }
        if body.is_empty() {
            return Err(Error::EmptyPayload);
        }
        let (body, limit) = (Cow::Borrowed(body), settings.inflated_limit);
        let mut payload = undo_content_encoding(headers, body, limit, budget)?;
        if has_gzip_magic(&payload) {
            payload = Cow::Owned(gunzip(&payload, limit, budget)?);
        }
        // No message of ours starts so: it would be field 15, a group.
        match payload.first() {
            Some(b'{') => mislabelled_json(payload, notes),
            _ => Ok(Self::Protobuf(payload)),
        }
    }
}

/// JSON that was declared to be protobuf.
fn mislabelled_json<'a>(bytes: Cow<'a, [u8]>, notes: &mut Notes) -> Result<Payload<'a>, Error> {
    let text = text::decode(bytes, notes);
    let text = text.ok_or(Error::undecodable("invalid UTF8 in request payload"))?;
    let (text, replaced) = repair::lone_surrogates(text);
    notes.take_many(Note::LoneSurrogate, replaced);
    Ok(Payload::Json(text))
}
