//! Whose flags are asked for.
//!
//! All else that a body holds, such as the properties of a person and of groups, is passed over
//! where it stands: an answer without flags needs none of it.

use std::borrow::Cow;
use std::fmt;

use event::Token;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Request;
use crate::memory::Budget;
use crate::payload::Source;
use crate::query::Query;
use crate::token::{of_headers, validate};
use crate::{Error, Memory, Notes, Settings, json};

/// Largest body inflated: twice as much as is taken on the wire, and far beyond what SDKs send.
const INFLATED_LIMIT: usize = 4 << 20;

/// The token from the query, else from the body, however it is encoded, else from a header, else the
/// default.
///
/// A body that cannot be read names none, but for want of memory: then nobody knows whose it is.
pub(super) fn find(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Option<Token>, Error> {
    let query = Query::parse(request.query);
    if let Some(token) = query.token.as_deref().and_then(valid) {
        return Ok(Some(token));
    }
    let source = Source { query: &query, headers: request.headers, body: &request.body };
    let mut budget = Budget::new(memory, settings, request.body.len());
    let limited = Settings {
        inflated_limit: settings.inflated_limit.min(INFLATED_LIMIT),
        ..settings.clone()
    };
    let of_body = match source.text(&limited, &mut budget, &mut Notes::default()) {
        Ok(text) => serde_json::from_str(&text).ok().and_then(|named: Named<'_>| named.token()),
        Err(Error::Busy) => return Err(Error::Busy),
        Err(_) => None,
    };
    let of_headers = || valid(&of_headers(request.headers)?);
    Ok(of_body.or_else(of_headers).or_else(|| settings.default_token.clone()))
}

fn valid(token: &str) -> Option<Token> {
    validate(token).ok()
}

/// What a body says under the names that a token may have, as it stands.
#[derive(Default)]
struct Named<'a> {
    token: Option<&'a str>,
    api_key: Option<&'a str>,
    dollar_token: Option<&'a str>,
}

impl Named<'_> {
    /// The first that can be a token.
    fn token(&self) -> Option<Token> {
        let raw = [self.token, self.api_key, self.dollar_token].into_iter().flatten();
        raw.filter_map(json::string).find_map(|text: Cow<'_, str>| valid(&text))
    }
}

impl<'de> Deserialize<'de> for Named<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor)
    }
}

struct NamedVisitor;

impl<'de> Visitor<'de> for NamedVisitor {
    type Value = Named<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut named = Named::default();
        while let Some(key) = map.next_key::<&RawValue>()? {
            let place = match json::string(key.get()).as_deref() {
                Some("token") => &mut named.token,
                Some("api_key") => &mut named.api_key,
                Some("$token") => &mut named.dollar_token,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = Some(map.next_value::<&RawValue>()?.get());
        }
        Ok(named)
    }
}
