//! A JSON object as one text, with its members in the order of their keys.
//!
//! A person has some fifty properties, and most events repeat most of them. Kept this way, an object
//! takes two allocations, is written to disk as it is, and is compared with another in one pass.
//!
//! Keys are compared as JSON writes them, between the quotes and with as few escapes as there can
//! be. That text is the same exactly where the key is, and it can be written without escaping it
//! again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::members::Members;

/// Room for the members that are found at first.
const TYPICAL_MEMBERS: usize = 32;

/// A JSON object; of a repeated key the last value counts, as in JavaScript.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    text: Box<str>,
    members: Box<[Member]>,
}

/// Where a member is in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Member {
    /// The first byte of the key, behind its quote.
    key: u32,
    /// The first byte of the value.
    value: u32,
}

impl Object {
    /// An object of a JSON text; empty if that is anything else.
    pub fn parse(text: &str) -> Self {
        let mut members = Vec::with_capacity(TYPICAL_MEMBERS);
        members.extend(Members::of(text).map(|(key, value)| (key_of(key), value)));
        // Stable, so that the last of equal keys stays the last.
        members.sort_by(|one, other| one.0.cmp(&other.0));
        let mut last: Vec<(&str, &str)> = Vec::with_capacity(members.len());
        for (key, value) in &members {
            match last.last_mut() {
                Some(previous) if previous.0 == key => previous.1 = value,
                _ => last.push((key, value)),
            }
        }
        Self::of_sorted(last.into_iter())
    }

    /// An object of members whose keys grow.
    pub(crate) fn of_sorted<'a>(members: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        // Exactly, or both would be moved in the end.
        let (mut count, mut bytes) = (0, "{}".len());
        for (key, value) in members.clone() {
            bytes += key.len() + value.len() + if count == 0 { 3 } else { 4 };
            count += 1;
        }
        let mut text = String::with_capacity(bytes);
        let mut places = Vec::with_capacity(count);
        text.push('{');
        for (key, value) in members {
            if text.len() > 1 {
                text.push(',');
            }
            text.push('"');
            let start = text.len();
            text.push_str(key);
            text.push_str("\":");
            let (Ok(key), Ok(value_at)) = (u32::try_from(start), u32::try_from(text.len())) else {
                // Nothing that came in a request is that large.
                return Self::default();
            };
            places.push(Member { key, value: value_at });
            text.push_str(value);
        }
        text.push('}');
        Self { text: text.into_boxed_str(), members: places.into_boxed_slice() }
    }

    /// An object of members in the order of their keys.
    pub(crate) fn of_map(members: &BTreeMap<&str, &str>) -> Self {
        Self::of_sorted(members.iter().map(|(key, value)| (*key, *value)))
    }

    /// The members of `over` on top of its own.
    pub fn overlaid(&self, over: &Self) -> Self {
        let mut members: BTreeMap<&str, &str> = self.iter().collect();
        members.extend(over.iter());
        Self::of_map(&members)
    }

    /// The object as JSON.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many members it has.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Keys and raw values, in the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.members.len()).map(|index| (self.key(index), self.value(index)))
    }

    /// The raw value of a key, with as few escapes as there can be.
    pub fn get(&self, key: &str) -> Option<&str> {
        let (mut low, mut high) = (0, self.members.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key(middle).cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(self.value(middle)),
            }
        }
        None
    }

    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.members)
    }

    fn key(&self, index: usize) -> &str {
        let Member { key, value } = self.members[index];
        self.text.get(key as usize..value as usize - 2).unwrap_or_default()
    }

    fn value(&self, index: usize) -> &str {
        let start = self.members[index].value as usize;
        let end = match self.members.get(index + 1) {
            Some(next) => next.key as usize - 2,
            None => self.text.len() - 1,
        };
        self.text.get(start..end).unwrap_or_default()
    }
}

impl Default for Object {
    fn default() -> Self {
        Self { text: "{}".into(), members: Box::default() }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A key as it is compared, of what is between the quotes of a string.
pub(crate) fn key_of(quoted: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', quoted.as_bytes()).is_none() {
        return Cow::Borrowed(quoted);
    }
    match serde_json::from_str::<String>(&format!("\"{quoted}\"")) {
        Ok(text) => {
            let written = serde_json::Value::from(text).to_string();
            Cow::Owned(unquoted(&written).to_owned())
        }
        Err(_) => Cow::Borrowed(quoted),
    }
}

fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_are_in_order_and_the_last_of_a_key_counts() {
        let object = Object::parse(r#"{"b": 1, "a": {"x" : [1, 2]}, "b":"two"}"#);
        assert_eq!(object.as_str(), r#"{"a":{"x" : [1, 2]},"b":"two"}"#);
        assert_eq!(object.get("b"), Some("\"two\""));
        assert_eq!(object.get("c"), None);
    }

    #[test]
    fn a_key_is_the_same_however_it_is_escaped() {
        let object = Object::parse(r#"{"\u0024set":1,"q\"\\":2,"\u00e9":3}"#);
        assert_eq!(object.as_str(), r#"{"$set":1,"q\"\\":2,"é":3}"#);
        assert_eq!(object.get("$set"), Some("1"));
        assert_eq!(object.get(&key_of(r"q\u0022\u005c")), Some("2"));
    }

    #[test]
    fn what_is_no_object_is_empty() {
        for text in ["", "[1]", "null", "{", "\"a\""] {
            assert_eq!(Object::parse(text), Object::default());
        }
    }

    proptest! {
        #[test]
        fn it_says_what_serde_says(members in prop::collection::vec((".{0,4}", any::<u8>()), 0..9)) {
            let sent: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())))
                .collect();
            let sent = format!("{{{}}}", sent.join(","));
            let object = Object::parse(&sent);
            let value: serde_json::Value = serde_json::from_str(&sent).unwrap();
            let kept: serde_json::Value = serde_json::from_str(object.as_str()).unwrap();
            prop_assert_eq!(&kept, &value);
            for (key, value) in value.as_object().unwrap() {
                let raw = serde_json::Value::from(key.as_str()).to_string();
                let found = object.get(&key_of(unquoted(&raw))).map(str::to_owned);
                prop_assert_eq!(found, Some(value.to_string()));
            }
            prop_assert_eq!(Object::parse(object.as_str()), object);
        }
    }
}
