//! What clients set and show. Nothing here changes an answer: values are remembered to be shown.

use std::collections::BTreeMap;

/// What the server says it is: drivers choose their questions by it.
pub(crate) const SERVER_VERSION: &str = "16.6";
const SERVER_VERSION_NUMBER: &str = "160006";

/// What a client may set, with what it is before; every name in small letters.
const SETTABLE: &[(&str, &str)] = &[
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("datestyle", "ISO, MDY"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("geqo", "on"),
    ("idle_in_transaction_session_timeout", "0"),
    ("intervalstyle", "postgres"),
    ("jit", "off"),
    ("lc_messages", "C"),
    ("lc_monetary", "C"),
    ("lc_numeric", "C"),
    ("lc_time", "C"),
    ("lock_timeout", "0"),
    ("role", "none"),
    ("row_security", "on"),
    ("search_path", "\"$user\", public"),
    ("session_characteristics", ""),
    ("statement_timeout", "0"),
    ("synchronous_commit", "on"),
    ("synchronize_seqscans", "on"),
    ("timezone", "UTC"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "on"),
    ("work_mem", "4MB"),
    ("xmloption", "content"),
];

/// What can only be shown.
const FIXED: &[(&str, &str)] = &[
    ("integer_datetimes", "on"),
    ("is_superuser", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", SERVER_VERSION_NUMBER),
    ("standard_conforming_strings", "on"),
];

/// The longest value that is remembered.
const LONGEST: usize = 1_000;

/// What one connection has set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Remembers a value, or with `None` forgets it; whether there is such a setting.
    pub(crate) fn set(&mut self, name: &str, value: Option<String>) -> bool {
        let name = name.to_ascii_lowercase();
        // `SET standard_conforming_strings = on`, which is what it is, is what some drivers send.
        let is_so = FIXED.iter().any(|(fixed, is)| *fixed == name && value.as_deref() == Some(is));
        if !SETTABLE.iter().any(|(settable, _)| *settable == name) {
            return is_so;
        }
        match value.filter(|value| value.len() <= LONGEST) {
            Some(value) => self.0.insert(name, value),
            None => self.0.remove(&name),
        };
        true
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        self.0.clear();
    }

    /// The value of a setting.
    pub(crate) fn show(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let set = self.0.get(&name).cloned();
        set.or_else(|| {
            let all = SETTABLE.iter().chain(FIXED);
            all.clone().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let known = SETTABLE.iter().chain(FIXED);
        let mut all: BTreeMap<_, _> =
            known.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.extend(self.0.clone());
        all
    }
}

/// What is told whoever comes in, by the names that drivers look for.
pub(crate) const TOLD: &[(&str, &str)] = &[
    ("server_version", "server_version"),
    ("server_encoding", "server_encoding"),
    ("client_encoding", "client_encoding"),
    ("DateStyle", "datestyle"),
    ("IntervalStyle", "intervalstyle"),
    ("TimeZone", "timezone"),
    ("integer_datetimes", "integer_datetimes"),
    ("standard_conforming_strings", "standard_conforming_strings"),
    ("is_superuser", "is_superuser"),
    ("default_transaction_read_only", "default_transaction_read_only"),
    ("application_name", "application_name"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_shown_and_no_more() {
        let mut settings = Settings::default();
        assert!(settings.set("Application_Name", Some("psql".into())));
        assert_eq!(settings.show("application_name").as_deref(), Some("psql"));
        assert!(!settings.set("datafusion.execution.batch_size", Some("1".into())));
        assert!(!settings.set("server_version", Some("9".into())));
        assert!(settings.set("standard_conforming_strings", Some("on".into())));
        assert_eq!(settings.show("server_version").as_deref(), Some("16.6"));
        assert_eq!(settings.show("no_such"), None);
        settings.reset();
        assert_eq!(settings.show("application_name").as_deref(), Some(""));
    }
}
