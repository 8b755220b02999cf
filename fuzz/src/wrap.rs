//! Other ways to send the same body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_ENCODING;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::Sent;
use crate::opinion::Disguise;

/// The ways that PostHog's SDKs have, which need no header.
pub(crate) const UNDECLARED: [Disguise; 4] = [as_gzip, as_base64, as_gzip_in_base64, as_query];

/// The way that a header declares.
pub(crate) fn declared_gzip(sent: &Sent) -> Option<(Sent, &'static str)> {
    let is_plain = !sent.headers.contains_key(CONTENT_ENCODING) && !sent.body.is_empty();
    // What looks like gzip is one already.
    if !is_plain || sent.body.starts_with(&MAGIC) {
        return None;
    }
    let mut wrapped = sent.clone();
    wrapped.body = gzip(&sent.body).into();
    wrapped.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Some((wrapped, "gzip by its header"))
}

fn as_gzip(sent: &Sent) -> Option<(Sent, &'static str)> {
    wrapped(sent, "gzip", gzip)
}

fn as_base64(sent: &Sent) -> Option<(Sent, &'static str)> {
    wrapped(sent, "base64", |body| STANDARD.encode(body).into())
}

fn as_gzip_in_base64(sent: &Sent) -> Option<(Sent, &'static str)> {
    wrapped(sent, "gzip in base64", |body| STANDARD.encode(gzip(body)).into())
}

fn as_query(sent: &Sent) -> Option<(Sent, &'static str)> {
    // A signature covers the body alone.
    if !is_wrappable(sent) || sent.settings.signed {
        return None;
    }
    let mut wrapped = sent.clone();
    let data = percent_encode(&sent.body, NON_ALPHANUMERIC);
    let before = sent.query.as_deref().unwrap_or_default();
    wrapped.query = Some(format!("{before}&data={data}"));
    wrapped.body = Bytes::new();
    Some((wrapped, "query"))
}

fn wrapped(
    sent: &Sent,
    name: &'static str,
    wrap: impl Fn(&[u8]) -> Vec<u8>,
) -> Option<(Sent, &'static str)> {
    is_wrappable(sent).then(|| {
        let mut wrapped = sent.clone();
        wrapped.body = wrap(&sent.body).into();
        (wrapped, name)
    })
}

/// Whether the body means the same in other clothes: LZString goes by its hint, before base64.
fn is_wrappable(sent: &Sent) -> bool {
    let is_hinted = sent.query.as_ref().is_some_and(|query| query.contains("compression"));
    !is_hinted && sent.plain_body().is_some()
}

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A gzip stream of stored blocks: a real encoder would take longer than everything else here.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = body.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let mut crc = flate2::Crc::new();
    crc.update(body);
    stream.extend(crc.sum().to_le_bytes());
    stream.extend(crc.amount().to_le_bytes());
    stream
}
