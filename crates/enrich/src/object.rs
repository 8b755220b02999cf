//! Changing members of a JSON object without touching the others.

use serde_json::Value;

use crate::json::{self, Members};

/// Members to add to objects, written once and added many times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Added {
    /// `"name":value` between commas.
    text: String,
    names: Vec<String>,
}

impl Added {
    pub(crate) fn push(&mut self, name: &str, value: &Value) {
        self.push_raw(name, &value.to_string());
    }

    pub(crate) fn push_raw(&mut self, name: &str, raw: &str) {
        append(&mut self.text, &json::quote(name));
        self.text.push(':');
        self.text.push_str(raw);
        self.names.push(name.to_owned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The object with these members at its end, in place of any of the same name.
    pub(crate) fn over(&self, object: &str) -> String {
        let is_ours = |name: &str| match self.has(name) {
            true => Edit::Drop,
            false => Edit::Keep,
        };
        match rewrite(object, |name, _| is_ours(name)) {
            Some(rest) => self.after(&rest),
            None => self.after(object),
        }
    }

    /// Like [`Added::over`], but without reading the object, which must have none of the names.
    pub(crate) fn after(&self, object: &str) -> String {
        joined(object, &self.text)
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// The object with the text of more members, which it must not have, at its end.
fn joined(object: &str, members: &str) -> String {
    let open = object.trim_end().strip_suffix('}').unwrap_or(object).trim_end();
    let theirs = open.trim_start();
    let theirs = theirs.strip_prefix('{').unwrap_or(theirs);
    let mut text = String::with_capacity(theirs.len() + members.len() + 3);
    text.push('{');
    text.push_str(theirs);
    if !theirs.trim_start().is_empty() && !members.is_empty() {
        text.push(',');
    }
    text.push_str(members);
    text.push('}');
    text
}

/// Adds a member to others.
fn append(text: &mut String, member: &str) {
    if !text.is_empty() && !member.is_empty() {
        text.push(',');
    }
    text.push_str(member);
}

/// What becomes of a member.
#[derive(Debug)]
pub(crate) enum Edit {
    /// It stays byte for byte.
    Keep,
    /// It goes.
    Drop,
    /// It gets this raw value.
    Replace(String),
}

/// The object with its members edited; `None` where all of them stay.
pub(crate) fn rewrite(object: &str, mut edit: impl FnMut(&str, &str) -> Edit) -> Option<String> {
    let mut writing = Writing { source: object, ..Writing::default() };
    for member in Members::of(object) {
        let value_start = member.end - member.value.len();
        match edit(&member.name(), member.value) {
            Edit::Keep => writing.keep(member.start, member.end),
            Edit::Drop => writing.leave_out(),
            Edit::Replace(raw) => {
                writing.keep(member.start, value_start);
                writing.leave_out();
                writing.text.push_str(&raw);
            }
        }
    }
    writing.finish()
}

/// An object being written from runs of another's members.
#[derive(Default)]
struct Writing<'a> {
    source: &'a str,
    text: String,
    /// Members that stay and are not written yet.
    run: Option<(usize, usize)>,
    is_changed: bool,
}

impl Writing<'_> {
    fn keep(&mut self, start: usize, end: usize) {
        let run_start = self.run.map_or(start, |(run_start, _)| run_start);
        self.run = Some((run_start, end));
    }

    fn leave_out(&mut self) {
        self.flush();
        self.is_changed = true;
    }

    fn flush(&mut self) {
        if let Some((start, end)) = self.run.take() {
            append(&mut self.text, self.source.get(start..end).unwrap_or_default());
        }
    }

    fn finish(mut self) -> Option<String> {
        if !self.is_changed {
            return None;
        }
        self.flush();
        Some(format!("{{{}}}", self.text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::tree;

    fn added() -> Added {
        let mut added = Added::default();
        added.push("a", &Value::from(1));
        added.push("\"q", &Value::from("ö"));
        added
    }

    #[test]
    fn values_stay_as_they_stand() {
        assert_eq!(added().over(r#"{"z": 1.50, "a":0}"#), r#"{"z": 1.50,"a":1,"\"q":"ö"}"#);
        assert_eq!(added().after(r#"{"z": 1.50 } "#), r#"{"z": 1.50,"a":1,"\"q":"ö"}"#);
        assert_eq!(added().after(" { } ".trim()), r#"{"a":1,"\"q":"ö"}"#);
        assert_eq!(Added::default().after(r#"{"z":1}"#), r#"{"z":1}"#);
    }

    #[test]
    fn edits_leave_the_rest_alone() {
        let object = r#"{ "a" : 1.50 ,"b" : [ 1 ], "c":3 ,"d":"\u00e9" }"#;
        let edited = |wanted: &str, edit: fn() -> Edit| {
            rewrite(object, |name, _| if wanted.contains(name) { edit() } else { Edit::Keep })
        };
        assert_eq!(edited("", || Edit::Drop), None);
        let without_b = r#"{"a" : 1.50,"c":3 ,"d":"\u00e9"}"#;
        assert_eq!(edited("b", || Edit::Drop).as_deref(), Some(without_b));
        assert_eq!(edited("abcd", || Edit::Drop).as_deref(), Some("{}"));
        let replaced = r#"{"a" : 0,"b" : [ 1 ], "c":0,"d":"\u00e9"}"#;
        assert_eq!(edited("ac", || Edit::Replace("0".into())).as_deref(), Some(replaced));
    }

    proptest! {
        #[test]
        fn no_name_is_there_twice(names in prop::collection::btree_set("[a-c]", 0..4)) {
            let object: serde_json::Map<String, Value> =
                names.into_iter().map(|name| (name, Value::from(2))).collect();
            let text = serde_json::to_string(&object).unwrap();
            let merged = added().over(&text);
            let found: Vec<_> = Members::of(&merged).map(|member| member.name()).collect();
            let distinct: std::collections::BTreeSet<_> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
            prop_assert!(object.keys().all(|name| found.iter().any(|found| found == name)));
        }

        #[test]
        fn edits_equal_those_of_a_tree(
            object in prop::collection::btree_map(".{0,4}", crate::samples::json(), 0..8),
            fates in prop::collection::vec(0..3_u8, 8),
        ) {
            let text = serde_json::to_string_pretty(&object).unwrap();
            let mut expected = serde_json::Map::new();
            let mut remaining = fates.iter().copied();
            let edited = rewrite(&text, |name, raw| match remaining.next() {
                Some(1) => Edit::Drop,
                Some(2) => {
                    expected.insert(name.into(), Value::from("new"));
                    Edit::Replace("\"new\"".into())
                }
                _ => {
                    expected.insert(name.into(), tree(raw));
                    Edit::Keep
                }
            });
            prop_assert_eq!(tree(&edited.unwrap_or(text)), Value::Object(expected));
        }
    }
}
