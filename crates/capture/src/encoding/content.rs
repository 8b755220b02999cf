//! The header `Content-Encoding`, a list in the order of application.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::deflate::inflate;
use super::gzip::{gunzip, has_magic};
use super::streams::{has_zstd_magic, unbrotli, unzstd};
use crate::Error;
use crate::memory::Budget;

/// More would only multiply work; nobody sends more than one.
const MOST_ENCODINGS: usize = 4;

/// Undoes the encodings of the header, last one first.
///
/// What is not so encoded although the header says so is left alone: posthog-rs announces gzip in
/// both header and query, and proxies decompress without removing the header.
pub(crate) fn undo<'a>(
    headers: &HeaderMap,
    body: Cow<'a, [u8]>,
    limit: usize,
    budget: &mut Budget<'_>,
) -> Result<Cow<'a, [u8]>, Error> {
    let names: Vec<&str> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let mut body = body;
    for name in names.iter().rev().take(MOST_ENCODINGS) {
        let is = |candidate: &str| name.eq_ignore_ascii_case(candidate);
        if (is("gzip") || is("x-gzip") || is("gzip-js")) && has_magic(&body) {
            body = Cow::Owned(gunzip(&body, limit, budget)?);
        } else if (is("deflate") || is("zlib")) && !is_plain(&body) {
            body = Cow::Owned(inflate(&body, limit, budget)?);
        } else if is("zstd") && has_zstd_magic(&body) {
            body = Cow::Owned(unzstd(&body, limit, budget)?);
        } else if is("br") && !is_plain(&body) {
            body = Cow::Owned(unbrotli(&body, limit, budget)?);
        }
    }
    Ok(body)
}

/// Whether a body said to be compressed is JSON or gzip after all.
fn is_plain(body: &[u8]) -> bool {
    has_magic(body) || matches!(body.trim_ascii_start(), [] | [b'{' | b'[', ..])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;
    use crate::{Settings, Unbounded};

    fn undone(encodings: &str, body: &[u8]) -> Vec<u8> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encodings.parse().unwrap());
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &Settings::default(), 0);
        let body = undo(&headers, Cow::Borrowed(body), 1 << 20, &mut budget);
        body.unwrap().into_owned()
    }

    #[test]
    fn a_list_is_undone_from_its_end() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"{}").unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&zlib.finish().unwrap()).unwrap();
        let body = gzip.finish().unwrap();
        assert_eq!(undone("deflate, GZIP", &body), b"{}");
    }

    #[test]
    fn zstd_is_undone_under_any_encoding() {
        let body = zstd::encode_all(&b"{}"[..], 1).unwrap();
        assert_eq!(undone("zstd", &body), b"{}");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&body).unwrap();
        assert_eq!(undone("zstd, gzip", &gzip.finish().unwrap()), b"{}");
    }

    #[test]
    fn a_header_that_is_wrong_or_unknown_changes_nothing() {
        for encodings in
            ["gzip", "deflate", "br", "zstd", "identity", "utf-8", "gzip, gzip, deflate"]
        {
            assert_eq!(undone(encodings, b"{\"a\":1}"), b"{\"a\":1}");
        }
    }
}
