//! Changing members of JSON at any depth, in one pass and without recursion: what nests without
//! limit costs no more than its length.

use std::borrow::Cow;

use crate::json;
use crate::object::Edit;

/// The value with those members edited, at any depth, that are listed by name; what is within them
/// is theirs. `None` where all of them stay.
pub(crate) fn rewrite(
    value: &str,
    is_listed: impl Fn(&str) -> bool,
    edit: impl Fn(&str, &str) -> Edit,
) -> Option<String> {
    let mut text = String::new();
    let (mut written, mut at) = (0, 0);
    while let Some(member) = next_member(value, at) {
        at = member.value_start;
        if !is_listed(&member.name) {
            continue;
        }
        let Some(end) = json::value_end(value.as_bytes(), member.value_start) else { break };
        at = end;
        let raw = value.get(member.value_start..end).unwrap_or_default();
        match edit(&member.name, raw) {
            Edit::Keep => {}
            Edit::Replace(raw) => {
                text.push_str(value.get(written..member.value_start).unwrap_or_default());
                text.push_str(&raw);
                written = end;
            }
            Edit::Drop => {
                text.push_str(value.get(written..member.start).unwrap_or_default());
                written = after_comma(value, end).unwrap_or_else(|| {
                    take_comma(&mut text);
                    end
                });
                at = written;
            }
        }
    }
    (written > 0).then(|| text + value.get(written..).unwrap_or_default())
}

/// A member of an object somewhere in a value.
struct Member<'a> {
    start: usize,
    name: Cow<'a, str>,
    value_start: usize,
}

/// The next member from here on: a string is a name where a colon follows.
fn next_member(value: &str, mut at: usize) -> Option<Member<'_>> {
    let bytes = value.as_bytes();
    loop {
        let start = at + memchr::memchr(b'"', bytes.get(at..)?)?;
        at = json::string_end(bytes, start)?;
        let colon = after_blanks(bytes, at);
        if bytes.get(colon) == Some(&b':') {
            let name = json::string(value.get(start..at)?).unwrap_or_default();
            return Some(Member { start, name, value_start: after_blanks(bytes, colon + 1) });
        }
    }
}

fn after_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where a member's comma ends, if there is one behind it.
fn after_comma(value: &str, end: usize) -> Option<usize> {
    let comma = after_blanks(value.as_bytes(), end);
    (value.as_bytes().get(comma) == Some(&b',')).then_some(comma + 1)
}

/// Takes back the comma before a last member.
fn take_comma(text: &mut String) {
    let before = text.trim_ascii_end();
    let length = before.strip_suffix(',').unwrap_or(before).len();
    text.truncate(length);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::samples::{self, tree};

    fn edited(text: &str) -> String {
        let edit = |name: &str, _: &str| match name {
            "x" => Edit::Drop,
            "y" => Edit::Replace("0".into()),
            _ => Edit::Keep,
        };
        rewrite(text, |name| name < "zz", edit).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn members_go_at_any_depth_and_the_rest_stays_as_it_stands() {
        let is = |text: &str, expected: &str| assert_eq!(edited(text), expected);
        is(r#"{ "zz" : 1.0 }"#, r#"{ "zz" : 1.0 }"#);
        is(r#"{"x":1,"zz":[{"zz": 1.0,"x":{"zz":"}"} }]}"#, r#"{"zz":[{"zz": 1.0 }]}"#);
        is(r#"{"zz":1,"x":2,"x":3 , "\u0078":4}"#, r#"{"zz":1}"#);
        is(r#"["x","x:",{"x":"\",x"}]"#, r#"["x","x:",{}]"#);
        is(r#"{"zz":{"y" : [1,2],"zzz":"x"}}"#, r#"{"zz":{"y" : 0,"zzz":"x"}}"#);
        is(r#"{"a":{"x":1},"zz":{"x":1}}"#, r#"{"a":{"x":1},"zz":{}}"#);
    }

    #[test]
    fn nesting_without_limit_is_no_harm() {
        let deep = |inner: &str| r#"{"zz":"#.repeat(200_000) + inner + &"}".repeat(200_000);
        assert!(edited(&deep(r#"{"x":1}"#)) == deep("{}"));
    }

    fn expected(value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(expected).collect(),
            Value::Object(members) => {
                let kept = members.into_iter().filter(|(name, _)| name != "x");
                let member = |(name, value): (String, Value)| match name.as_str() {
                    "y" => (name, Value::from(0)),
                    _ => (name, expected(value)),
                };
                Value::Object(kept.map(member).collect())
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn it_edits_what_a_walk_over_a_tree_edits(
            inner in prop::collection::btree_map("[xyz]", samples::json(), 0..4),
            outer in prop::collection::btree_map("[xyz\"é]{1,2}", samples::json(), 0..4),
            is_pretty: bool,
        ) {
            let mut whole = serde_json::json!({"zz": [inner, 1], "x1": outer});
            whole["zzz"] = serde_json::to_value(&outer).unwrap();
            let text = match is_pretty {
                true => serde_json::to_string_pretty(&whole).unwrap(),
                false => whole.to_string(),
            };
            let edit = |name: &str, _: &str| match name {
                "x" => Edit::Drop,
                _ => Edit::Replace("0".into()),
            };
            let edited = rewrite(&text, |name| matches!(name, "x" | "y"), edit);
            prop_assert_eq!(tree(&edited.unwrap_or(text)), expected(whole));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\{\\}\\[\\]\",:\\\\ xyé1]{0,40}") {
            drop(edited(&text));
        }
    }
}
