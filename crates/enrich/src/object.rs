//! Adding members to a JSON object without touching the others.

use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Members to add to objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members(Vec<(String, Value)>);

impl Members {
    pub(crate) fn push(&mut self, name: &str, value: Value) {
        self.0.push((name.to_owned(), value));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same members under other names.
    pub(crate) fn renamed(&self, rename: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|(name, value)| (rename(name), value.clone())).collect())
    }

    /// The object with these members at its end, in place of any of the same name.
    pub(crate) fn over(&self, object: &str) -> String {
        let mut text = Text::default();
        for (name, value) in members(object) {
            if !self.has(&name) {
                text.push(&name, value.get());
            }
        }
        self.0.iter().for_each(|(name, value)| text.push(name, &value.to_string()));
        text.finish()
    }

    /// The object with those of these members at its end that it lacks.
    pub(crate) fn under(&self, object: &str) -> String {
        let theirs = members(object);
        let mut text = Text::default();
        theirs.iter().for_each(|(name, value)| text.push(name, value.get()));
        for (name, value) in &self.0 {
            if !theirs.iter().any(|(their, _)| their == name) {
                text.push(name, &value.to_string());
            }
        }
        text.finish()
    }

    /// Like [`Members::over`], but without reading the object, which must have none of the names.
    pub(crate) fn after(&self, object: &str) -> String {
        let mut text = Text::continued(object);
        self.0.iter().for_each(|(name, value)| text.push(name, &value.to_string()));
        text.finish()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }
}

/// An object being written.
#[derive(Default)]
struct Text(String);

impl Text {
    /// Goes on where this object ends.
    fn continued(object: &str) -> Self {
        let open = object.trim_end().strip_suffix('}').unwrap_or(object).trim_end();
        let members = open.strip_prefix('{').unwrap_or(open);
        Self(members.to_owned())
    }

    fn push(&mut self, name: &str, raw: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(raw);
    }

    fn finish(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// The members of an object in order, their values as they stand.
fn members(object: &str) -> Vec<(String, &RawValue)> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    // What is stored is a valid object; of anything else nothing is kept.
    serde_json::Deserializer::from_str(object).deserialize_map(InOrder).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn added() -> Members {
        let mut added = Members::default();
        added.push("a", Value::from(1));
        added.push("\"q", Value::from("ö"));
        added
    }

    #[test]
    fn values_stay_as_they_stand() {
        assert_eq!(added().over(r#"{"z": 1.50, "a":0}"#), r#"{"z":1.50,"a":1,"\"q":"ö"}"#);
        assert_eq!(added().under(r#"{"a":0}"#), r#"{"a":0,"\"q":"ö"}"#);
        assert_eq!(added().after(r#"{"z": 1.50 } "#), r#"{"z": 1.50,"a":1,"\"q":"ö"}"#);
        assert_eq!(added().after(" { } ".trim()), r#"{"a":1,"\"q":"ö"}"#);
    }

    proptest! {
        #[test]
        fn no_name_is_there_twice(names in prop::collection::vec("[a-c]", 0..5)) {
            let mut object = serde_json::Map::new();
            for name in names {
                object.insert(name, Value::from(2));
            }
            let text = serde_json::to_string(&object).unwrap();
            for merged in [added().over(&text), added().under(&text)] {
                let members = members(&merged);
                let distinct: std::collections::BTreeSet<_> =
                    members.iter().map(|(name, _)| name).collect();
                prop_assert_eq!(distinct.len(), members.len());
                prop_assert!(object.keys().all(|name| distinct.contains(name)));
            }
        }
    }
}
