//! The rules as they are configured.

use hmac::{Hmac, Mac};
use serde::Deserialize;

use super::Privacy;
use super::patterns::{self, Patterns};
use super::url::Urls;

/// What a project's owner wants kept, removed or hidden.
///
/// Names are of properties; one that ends with `*` stands for all that begin so. A name that is
/// blocked is removed, whatever else is said of it; one that is hashed needs no allowing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// If there are any, all other properties are removed but the few that events cannot be read
    /// without, such as `$session_id`.
    pub allow: Vec<String>,
    /// Properties to remove.
    pub block: Vec<String>,
    /// Properties whose values become the HMAC-SHA-256 of their text, in hexadecimal: equal values
    /// stay equal, and nobody without the key can tell what they were.
    pub hash: Vec<String>,
    /// The key for `hash`.
    pub hash_key: Option<String>,
    /// Whether to hide the values in the queries of addresses, such as `$current_url`.
    pub mask_url_query: bool,
    /// Names in queries whose values stay, such as `utm_*`.
    pub keep_url_query: Vec<String>,
}

/// Rules that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A name is empty, or has a `*` elsewhere than at its end.
    #[error("{name:?} is no name of a property; only its last character may be *")]
    Name {
        /// The name.
        name: String,
    },
    /// There is something to hash and no key, or an empty one.
    #[error("hash needs hash_key: without a secret anyone could try all e-mail addresses")]
    NoKey,
}

impl Rules {
    /// Whether they change nothing.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.allow, &self.block, &self.hash];
        lists.iter().all(|list| list.is_empty()) && !self.mask_url_query
    }
}

impl TryFrom<&Rules> for Privacy {
    type Error = RulesError;

    fn try_from(rules: &Rules) -> Result<Self, RulesError> {
        let lists = [&rules.allow, &rules.block, &rules.hash, &rules.keep_url_query];
        if let Some(name) = lists.into_iter().flatten().find(|name| !patterns::is_valid(name)) {
            return Err(RulesError::Name { name: name.clone() });
        }
        let key = rules.hash_key.as_deref().filter(|key| !key.is_empty());
        if key.is_none() && !rules.hash.is_empty() {
            return Err(RulesError::NoKey);
        }
        let urls = || Urls::keeping(Patterns::of(&rules.keep_url_query));
        Ok(Self {
            allow: (!rules.allow.is_empty()).then(|| Patterns::of(&rules.allow)),
            block: Patterns::of(&rules.block),
            hash: Patterns::of(&rules.hash),
            key: key.and_then(|key| Hmac::new_from_slice(key.as_bytes()).ok()),
            urls: rules.mask_url_query.then(urls),
        })
    }
}
