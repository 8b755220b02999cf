//! Events that are acknowledged and not stored.

use serde::Deserialize;

/// Fits events of this token, this distinct id and this name, as far as each is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DropRule {
    /// Project API key.
    pub token: Option<String>,
    /// Distinct id.
    pub distinct_id: Option<String>,
    /// Event name; a `*` at its end stands for anything.
    pub event: Option<String>,
}

impl DropRule {
    /// Fits all events of a token.
    pub(super) fn of_token(token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::default() }
    }

    pub(super) fn fits_everything(&self) -> bool {
        *self == Self::default() || self.token.is_none() && self.event.as_deref() == Some("*")
    }

    pub(super) fn fits(&self, token: &str, distinct_id: &str, event: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        let is_named = self.event.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(start) => event.starts_with(start),
            None => event == wanted,
        });
        is_named && is(&self.token, token) && is(&self.distinct_id, distinct_id)
    }
}
