//! From a V1 body to its text. Here the header says what the body is wrapped in, and is right.

use std::borrow::Cow;

use super::headers::Encoding;
use super::{Error, INFLATED_LIMIT, WIRE_LIMIT};
use crate::encoding::{gunzip, has_gzip_magic, has_zstd_magic, inflate, unbrotli, unzstd};
use crate::memory::Budget;
use crate::{Note, Notes, Settings, repair, text};

/// The text of a body.
pub(super) fn text<'a>(
    body: &'a [u8],
    encoding: Option<Encoding>,
    settings: &Settings,
    budget: &mut Budget<'_>,
    notes: &mut Notes,
) -> Result<Cow<'a, str>, Error> {
    if body.len() > WIRE_LIMIT {
        return Err(Error::body_too_large(WIRE_LIMIT));
    }
    if body.is_empty() {
        return Err(Error::EmptyBody);
    }
    // Reaching the limit counts as passing it.
    let limit = settings.inflated_limit.min(INFLATED_LIMIT - 1);
    let bytes = match encoding {
        Some(encoding) => Cow::Owned(unwrap(body, encoding, limit, budget)?),
        None => Cow::Borrowed(body),
    };
    let why = || Error::RequestParsing { why: "the body is not UTF-8".to_owned() };
    let text = text::decode(bytes, notes).ok_or_else(why)?;
    let (text, replaced) = repair::lone_surrogates(text);
    notes.take_many(Note::LoneSurrogate, replaced);
    Ok(text)
}

fn unwrap(
    body: &[u8],
    encoding: Encoding,
    limit: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, crate::Error> {
    match encoding {
        Encoding::Gzip if has_gzip_magic(body) => gunzip(body, limit, budget),
        Encoding::Gzip => Err(crate::Error::undecodable("the body is not gzip")),
        Encoding::Deflate => inflate(body, limit, budget),
        Encoding::Brotli => unbrotli(body, limit, budget),
        Encoding::Zstd if has_zstd_magic(body) => unzstd(body, limit, budget),
        Encoding::Zstd => Err(crate::Error::undecodable("the body is not zstd")),
    }
}
