//! What a project wants, as an input says it: words in the header `policy`.
//!
//! ```text
//! policy: ip=drop allow=a* block=$browser hash=email mask keep=utm_* zone=Europe/Berlin geo
//! ```

use enrich::{Geography, IpPolicy, Place, Policy, Privacy, Rules};

use crate::Sent;

/// The words of one input.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) rules: Rules,
    pub(super) ip: IpPolicy,
    time_zone: Option<String>,
    /// Whether the edge in front knows where the client is.
    has_place: bool,
}

impl Wanted {
    pub(super) fn of(sent: &Sent) -> Self {
        let header = sent.headers.get("policy").map(|value| value.as_bytes());
        let text = String::from_utf8_lossy(header.unwrap_or_default());
        let mut wanted = Self::default();
        text.split(' ').for_each(|word| wanted.word(word));
        wanted
    }

    fn word(&mut self, word: &str) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match (name, value) {
            ("ip", "drop") => self.ip = IpPolicy::Drop,
            ("ip", "truncate") => self.ip = IpPolicy::Truncate,
            ("allow", name) => self.rules.allow.push(name.to_owned()),
            ("block", name) => self.rules.block.push(name.to_owned()),
            ("hash", name) => self.rules.hash.push(name.to_owned()),
            ("key", key) => self.rules.hash_key = Some(key.to_owned()),
            ("mask", _) => self.rules.mask_url_query = true,
            ("keep", name) => self.rules.keep_url_query.push(name.to_owned()),
            ("zone", name) => self.time_zone = Some(name.to_owned()),
            ("geo", _) => self.has_place = true,
            _ => {}
        }
    }

    /// The policy; `None` where the rules cannot be followed.
    pub(super) fn policy(&self) -> Option<Policy> {
        let privacy = Privacy::try_from(&self.rules).ok()?;
        Some(Policy { ip: self.ip, privacy, time_zone: self.time_zone.clone() })
    }

    pub(super) fn place(&self, sent: &Sent) -> Option<Place> {
        let geography = Geography {
            country_code: Some("BR".to_owned()),
            city_name: Some("S\u{e3}o \"Paulo\"".to_owned()),
            latitude: Some(-23.5),
            asn: Some(13335),
            ..Geography::default()
        };
        Place::new(sent.client_ip.filter(|_| self.has_place)?.to_canonical(), &geography)
    }
}

/// Whether a list of rules has a name, or the name whose first value it keeps of a person.
pub(super) fn has(list: &[String], name: &str) -> bool {
    let later = name.strip_prefix("$initial_");
    let later = later.into_iter().flat_map(|later| [later.to_owned(), format!("${later}")]);
    std::iter::once(name.to_owned()).chain(later).any(|name| {
        list.iter().any(|listed| match listed.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => *listed == name,
        })
    })
}
