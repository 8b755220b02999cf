//! `application/x-www-form-urlencoded`: queries, and the bodies of beacons and old SDKs.
//!
//! Values are bytes, not text: `data` may be JSON, base64, or what either wraps.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;

/// PostHog takes a body for a form when it starts with one of these.
const STARTS: [&[u8]; 5] = [b"data=", b"ver=", b"_=", b"ip=", b"compression="];

/// The decoded names and values of a form or query.
pub(crate) fn pairs(form: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    form.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let split = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = pair.split_at(split);
        (decode(name), decode(value.get(1..).unwrap_or_default()))
    })
}

/// Whether the content type says that the body is a form, whatever its parameters and case.
pub(crate) fn is_declared(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| {
            media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

/// Whether a body is a form by its looks; `sendBeacon` declares `text/plain` or nothing.
pub(crate) fn is_likely(body: &[u8]) -> bool {
    STARTS.iter().any(|start| body.starts_with(start))
}

/// The value of `data`, or `None` where the form has none.
pub(crate) fn data(form: &[u8]) -> Option<Vec<u8>> {
    pairs(form)
        .find(|(name, value)| name.as_ref() == b"data" && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// Whether a form says that its `data` is LZString.
pub(crate) fn says_lz_string(form: &[u8]) -> bool {
    pairs(form).any(|(name, value)| name.as_ref() == b"compression" && is_lz_string(&value))
}

/// Whether a value of `compression` names LZString.
pub(crate) fn is_lz_string(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"lz64") || value.eq_ignore_ascii_case(b"lz-string")
}

fn decode(encoded: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'+', encoded).is_none() {
        return percent_decode(encoded).into();
    }
    let spaced: Vec<u8> =
        encoded.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let decoded: Vec<_> = pairs(b"data=%7B%7D&a+b=c%2Bd&flag&&=x").collect();
        let texts: Vec<_> =
            decoded.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"data", b"{}"), (b"a b", b"c+d"), (b"flag", b""), (b"", b"x")];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_charset_does_not_hide_a_form() {
        let mut headers = HeaderMap::new();
        let value = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
        headers.insert(CONTENT_TYPE, value.parse().unwrap());
        assert!(is_declared(&headers));
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        assert!(!is_declared(&headers));
    }
}
