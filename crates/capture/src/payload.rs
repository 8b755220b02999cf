//! From a request to its JSON text, through whatever it is wrapped in.
//!
//! Hints lie: posthog-js 1.449 announces nothing, posthog-rs announces gzip twice, and old fixtures
//! announce gzip over a form. So each layer is recognized by its looks and taken off, on every lane:
//! a form, gzip, zstd and base64, all but the form up to three times. LZString alone goes by its hint.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::encoding::{
    base64, decompress_lz_string, gunzip, has_gzip_magic, has_zstd_magic, undo_content_encoding,
    unzstd,
};
use crate::memory::Budget;
use crate::query::Query;
use crate::{Error, Notes, Settings, form, repair, text};

/// base64 of gzip of base64 is the deepest that PostHog's own tests go.
const MOST_LAYERS: usize = 3;

/// Where a payload comes from.
pub(crate) struct Source<'a> {
    pub(crate) query: &'a Query<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl<'a> Source<'a> {
    /// The JSON text, if JSON it is.
    pub(crate) fn text(
        &self,
        settings: &Settings,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<Cow<'a, str>, Error> {
        let sent = self.sent(settings, budget)?;
        let (bytes, was_gzip) = self.unwrap(sent, settings, budget, notes)?;
        let text = text::decode(bytes, notes).ok_or(Error::undecodable(match was_gzip {
            true => "invalid gzip data",
            false => "invalid UTF8 in request payload",
        }))?;
        let (text, replaced) = repair::lone_surrogates(text);
        notes.take_many(crate::Note::LoneSurrogate, replaced);
        Ok(text)
    }

    /// `?data=` wins over the body, as in PostHog.
    fn sent(&self, settings: &Settings, budget: &mut Budget<'_>) -> Result<Cow<'a, [u8]>, Error> {
        if self.body.len() > settings.wire_limit {
            return Err(Error::body_too_large(settings.wire_limit));
        }
        match &self.query.data {
            Some(data) if !settings.signed => Ok(Cow::Borrowed(data)),
            _ if self.body.is_empty() => Err(Error::EmptyPayload),
            _ => undo_content_encoding(
                self.headers,
                Cow::Borrowed(self.body),
                settings.inflated_limit,
                budget,
            ),
        }
    }

    /// Takes off the layers, and says whether one of them was gzip.
    fn unwrap(
        &self,
        sent: Cow<'a, [u8]>,
        settings: &Settings,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(Cow<'a, [u8]>, bool), Error> {
        let mut payload = sent;
        let declared = self.headers.get(CONTENT_ENCODING);
        let is_lz_string = declared.is_some_and(|value| form::is_lz_string(value.as_bytes()));
        let mut may_be_lz_string = self.query.is_lz_string || is_lz_string;
        let (mut layers, mut was_form, mut was_gzip) = (0, false, false);
        let is_declared_form = form::is_declared(self.headers);
        while layers < MOST_LAYERS && !is_json(&payload) {
            let may_be_form = !was_form && (is_declared_form || form::is_likely(&payload));
            payload = if has_gzip_magic(&payload) {
                (layers, was_gzip) = (layers + 1, true);
                Cow::Owned(gunzip(&payload, settings.inflated_limit, budget)?)
            } else if has_zstd_magic(&payload) {
                layers += 1;
                Cow::Owned(unzstd(&payload, settings.inflated_limit, budget)?)
            } else if let Some(data) = may_be_form.then(|| form::data(&payload)).flatten() {
                was_form = true;
                may_be_lz_string |= form::says_lz_string(&payload);
                budget.reserve(data.len())?;
                Cow::Owned(data)
            } else if may_be_lz_string {
                (layers, may_be_lz_string) = (layers + 1, false);
                let limit = settings.inflated_limit;
                let text = decompress_lz_string(payload.trim_ascii(), limit, budget, notes)?;
                Cow::Owned(text.into_bytes())
            } else if let Some(decoded) = base64(&payload).filter(|bytes| is_plausible(bytes)) {
                layers += 1;
                budget.reserve(decoded.len())?;
                Cow::Owned(decoded)
            } else {
                break;
            };
        }
        if is_declared_form && !was_form && !is_json(&payload) {
            let why = "expected form data in POST request payload";
            return Err(Error::undecodable(why));
        }
        Ok((payload, was_gzip))
    }
}

/// Whether this starts as every payload must end up.
fn is_json(payload: &[u8]) -> bool {
    matches!(payload.trim_ascii_start(), [b'{' | b'[', ..])
}

/// Whether something decoded from base64 was meant as base64: short words are valid base64 too.
fn is_plausible(decoded: &[u8]) -> bool {
    has_gzip_magic(decoded) || is_json(decoded) || std::str::from_utf8(decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::Unbounded;

    fn unwrapped(query: Option<&str>, body: &[u8], declared: &str) -> Result<String, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, declared.parse().unwrap());
        let settings = Settings::default();
        let mut memory = Unbounded;
        let source = Source { query: &Query::parse(query), headers: &headers, body };
        source
            .text(&settings, &mut Budget::new(&mut memory, &settings, 0), &mut Notes::default())
            .map(Cow::into_owned)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = r#"{"event":"é?>"}"#;

    #[test]
    fn every_layering_ends_in_the_same_text() {
        let base64 = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
        let form = |bytes: &[u8]| {
            let set = percent_encoding::NON_ALPHANUMERIC;
            format!("ver=1&data={}", percent_encoding::percent_encode(bytes, set)).into_bytes()
        };
        let json = JSON.as_bytes();
        let layerings = [
            json.to_vec(),
            base64(json),
            gzip(json),
            form(json),
            base64(&gzip(json)),
            gzip(&base64(json)),
            base64(&gzip(&base64(json))),
            form(&base64(json)),
            form(&base64(&gzip(json))),
            gzip(&form(&base64(json))),
        ];
        for layering in &layerings {
            for declared in ["text/plain", "application/json"] {
                assert_eq!(unwrapped(None, layering, declared).unwrap(), JSON);
            }
        }
        assert_eq!(unwrapped(None, &form(json), FORM).unwrap(), JSON);
        assert_eq!(unwrapped(None, json, FORM).unwrap(), JSON);
    }

    #[test]
    fn four_layers_are_one_too_many() {
        let mut body = JSON.as_bytes().to_vec();
        for _ in 0..4 {
            body = STANDARD.encode(&body).into_bytes();
        }
        assert_ne!(unwrapped(None, &body, "text/plain").unwrap(), JSON);
    }

    #[test]
    fn the_query_wins_over_the_body() {
        let text = unwrapped(Some("data=%7B%7D"), b"{\"a\":1}", "text/plain");
        assert_eq!(text.unwrap(), "{}");
        assert_eq!(unwrapped(Some("data="), b"[]", "text/plain").unwrap(), "[]");
    }

    #[test]
    fn a_signed_request_is_its_body_alone() {
        let settings = Settings { signed: true, ..Settings::default() };
        let mut memory = Unbounded;
        let source = Source {
            query: &Query::parse(Some("data=%7B%7D")),
            headers: &HeaderMap::new(),
            body: b"",
        };
        let mut budget = Budget::new(&mut memory, &settings, 0);
        let text = source.text(&settings, &mut budget, &mut Notes::default());
        assert_eq!(text, Err(Error::EmptyPayload));
    }

    #[test]
    fn words_that_happen_to_be_base64_stay() {
        assert_eq!(unwrapped(None, b"null", "text/plain").unwrap(), "null");
    }

    #[test]
    fn what_cannot_be_decoded_says_why() {
        let why = |body: &[u8], declared| unwrapped(None, body, declared).unwrap_err().to_string();
        let prefix = "failed to decode request: ";
        assert_eq!(
            why(b"{\"\xff\xfe\"", "text/plain"),
            format!("{prefix}invalid UTF8 in request payload")
        );
        assert_eq!(why(&gzip(b"\xff\xfe"), "text/plain"), format!("{prefix}invalid gzip data"));
        assert_eq!(
            why(b"event=e&token=t", FORM),
            format!("{prefix}expected form data in POST request payload")
        );
        assert_eq!(why(b"", "text/plain"), "request missing data payload");
    }
}
