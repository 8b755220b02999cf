//! Whether a request can be answered, before it is kept for later.

use serde_json::Value;

use super::wrong::{Wrong, wrong};
use super::{
    Errors, Funnels, Kind, Lifecycle, Paths, Retention, Stickiness, Trends, WebOverview, WebTable,
    request,
};

impl Kind {
    /// Checks a request as it would be when it is answered; its `kind` says what it is.
    ///
    /// # Errors
    /// When it is of no kind, or a field is not what it must be; the message names it.
    pub fn check(text: &[u8]) -> Result<Self, String> {
        check(text).map_err(|wrong| wrong.to_string())
    }
}

fn check(text: &[u8]) -> Result<Kind, Wrong> {
    let kind = kind_of(text)?;
    let request = request::read(text, kind.name_of_request())?;
    match kind {
        Kind::Trends => request::parse::<Trends>(request).map(drop)?,
        Kind::Funnels => request::parse::<Funnels>(request).map(drop)?,
        Kind::Retention => request::parse::<Retention>(request).map(drop)?,
        Kind::Lifecycle => request::parse::<Lifecycle>(request).map(drop)?,
        Kind::Stickiness => request::parse::<Stickiness>(request).map(drop)?,
        Kind::Paths => request::parse::<Paths>(request).map(drop)?,
        Kind::Errors => request::parse::<Errors>(request).map(drop)?,
        Kind::WebOverview => request::parse::<WebOverview>(request).map(drop)?,
        Kind::WebTable => request::parse::<WebTable>(request).map(drop)?,
    }
    Ok(kind)
}

fn kind_of(text: &[u8]) -> Result<Kind, Wrong> {
    let request: Value =
        serde_json::from_slice(text).map_err(|error| wrong("body", error.to_string()))?;
    let name = request.get("kind").and_then(Value::as_str).unwrap_or_default();
    let found = Kind::ALL.iter().find(|(_, kind)| kind.name_of_request() == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.iter().map(|(_, kind)| kind.name_of_request()).collect();
        wrong("kind", format!("one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_checked_by_its_kind() {
        let trends =
            br#"{"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "x"}]}"#;
        assert_eq!(Kind::check(trends), Ok(Kind::Trends));
        let wrong = |text: &str| Kind::check(text.as_bytes()).unwrap_err();
        assert!(wrong(r#"{"kind": "TrendsQuery", "serie": []}"#).contains("serie"));
        assert!(wrong(r#"{"series": []}"#).starts_with("kind: one of TrendsQuery, "));
        assert!(wrong("[]").starts_with("kind"));
        assert!(wrong("{").starts_with("body"));
    }
}
