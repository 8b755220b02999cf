//! The two encodings of a body, which the answer has too.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// OTLP's JSON.
    Json,
    /// Protobuf.
    Protobuf,
}

impl Encoding {
    /// The encoding that these headers declare: JSON, unless the content type names protobuf.
    ///
    /// posthog-js sends JSON as `text/plain`, so that browsers ask no permission first.
    pub fn declared(headers: &HeaderMap) -> Self {
        let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_protobuf = declared.is_some_and(|declared| {
            let essence = declared.split(';').next().unwrap_or_default().trim();
            let known = ["application/x-protobuf", "application/protobuf"];
            known.iter().any(|known| essence.eq_ignore_ascii_case(known))
        });
        match is_protobuf {
            true => Self::Protobuf,
            false => Self::Json,
        }
    }
}

/// The content type and body of a success: a response that says nothing of partial success, which in
/// protobuf takes no bytes at all.
pub const fn success_body(encoding: Encoding) -> (&'static str, &'static [u8]) {
    match encoding {
        Encoding::Json => ("application/json", b"{}"),
        Encoding::Protobuf => ("application/x-protobuf", b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(content_type: &str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Encoding::declared(&headers)
    }

    #[test]
    fn only_protobuf_is_protobuf() {
        assert_eq!(declared("application/x-protobuf"), Encoding::Protobuf);
        assert_eq!(declared("Application/Protobuf; charset=utf-8"), Encoding::Protobuf);
        assert_eq!(declared("text/plain"), Encoding::Json);
        assert_eq!(declared("application/json"), Encoding::Json);
        assert_eq!(Encoding::declared(&HeaderMap::new()), Encoding::Json);
    }
}
