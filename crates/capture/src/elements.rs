//! Clicked elements in PostHog's text form.
//!
//! Per element, innermost first, joined by `;`: the tag, its classes sorted, each after a point, a
//! colon, and `key="value"` for each attribute, sorted and without separators:
//!
//! ```text
//! a.btn.btn-sm:attr__href="/x"href="/x"nth-child="1"nth-of-type="2"text="Go"
//! ```

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::json::{self, Members};
use crate::text::cut_utf16;

const TEXT_UTF16_UNITS: usize = 400;
const HREF_UTF16_UNITS: usize = 2048;

/// The members of an element: names, and raw values.
type Element<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// The text form of a raw `$elements`, or `None` where that is no array of objects.
pub(crate) fn chain(raw: &str) -> Option<String> {
    let elements: Vec<Members<'_>> = serde_json::from_str(raw).ok()?;
    let mut chain = String::with_capacity(raw.len());
    for (index, Members(members)) in elements.into_iter().enumerate() {
        if index > 0 {
            chain.push(';');
        }
        let named = |(key, raw)| (json::string(key).unwrap_or_default(), raw);
        append_element(&mut chain, &members.into_iter().map(named).collect());
    }
    Some(chain)
}

fn append_element(chain: &mut String, element: &Element<'_>) {
    chain.push_str(&value(element, "tag_name").map(text).unwrap_or_default());
    for class in classes(value(element, "attr__class").unwrap_or_default()) {
        chain.push('.');
        chain.extend(class.split('"'));
    }
    chain.push(':');
    for (key, value) in attributes(element) {
        append_escaped(chain, key);
        chain.push_str("=\"");
        append_escaped(chain, &value);
        chain.push('"');
    }
}

/// A member's raw value; of a repeated name the last counts.
fn value<'a>(element: &Element<'a>, name: &str) -> Option<&'a str> {
    let found = element.iter().rev().find(|(candidate, _)| candidate == name);
    found.map(|&(_, raw)| raw).filter(|&raw| raw != "null")
}

/// The attributes in order: those sent as `attr__…`, and those that PostHog derives.
fn attributes<'e, 'a>(element: &'e Element<'a>) -> Vec<(&'e str, Cow<'a, str>)> {
    let truthy = |name| value(element, name).filter(|raw| !json::is_falsy(raw)).map(text);
    let count = |name| value(element, name).map_or(Cow::Borrowed("0"), text);
    let cut = |units| move |text| cut_utf16(text, units);
    let derived = [
        ("text", truthy("$el_text").map(cut(TEXT_UTF16_UNITS))),
        ("nth-child", Some(count("nth_child"))),
        ("nth-of-type", Some(count("nth_of_type"))),
        ("href", truthy("attr__href").map(cut(HREF_UTF16_UNITS))),
        ("attr_id", truthy("attr__id")),
    ];
    let mut attributes = Vec::with_capacity(derived.len() + element.len());
    // Of a repeated name the last counts: it comes first, and the others go.
    for (name, raw) in element.iter().rev() {
        if name.starts_with("attr__") {
            attributes.push((name.as_ref(), text(raw)));
        }
    }
    attributes.extend(derived.into_iter().filter_map(|(name, value)| Some((name, value?))));
    attributes.sort_by(|(one, _), (other, _)| compare(one, other));
    attributes.dedup_by(|later, kept| later.0 == kept.0);
    attributes
}

/// The classes, sorted: of an array its items, of a string its words.
fn classes(raw: &str) -> Vec<Cow<'_, str>> {
    let mut classes: Vec<Cow<'_, str>> = match raw.starts_with('[') {
        true => items(raw).iter().map(|&item| text(item)).collect(),
        false => text(raw).split(' ').map(|word| word.to_owned().into()).collect(),
    };
    classes.retain(|class| !class.is_empty());
    classes.sort_unstable();
    classes
}

fn items(raw: &str) -> Vec<&str> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap_or_default();
    items.into_iter().map(|item| item.get()).collect()
}

/// A raw value as JavaScript's `toString` gives it.
fn text(raw: &str) -> Cow<'_, str> {
    match json::string(raw) {
        Some(text) => text,
        None if raw.starts_with('[') => {
            let texts: Vec<_> = items(raw).iter().map(|&item| text(item)).collect();
            Cow::Owned(texts.join(","))
        }
        None => Cow::Borrowed(raw),
    }
}

fn append_escaped(chain: &mut String, text: &str) {
    let mut pieces = text.split('"');
    chain.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        chain.push_str("\\\"");
        chain.push_str(piece);
    }
}

/// JavaScript's `localeCompare` for attribute names: punctuation before digits before letters, `_`
/// before `-`, and case only where all else is equal, small letters first.
fn compare(one: &str, other: &str) -> Ordering {
    fn order(name: &str) -> impl Iterator<Item = (u8, char)> {
        name.chars().map(|character| match character {
            '_' => (0, character),
            '-' => (1, character),
            _ if character.is_numeric() => (3, character),
            _ if character.is_alphabetic() => {
                (4, character.to_lowercase().next().unwrap_or(character))
            }
            _ => (2, character),
        })
    }
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other);
    let split = one.floor_char_boundary(same.count());
    let (one, other) = (one.get(split..).unwrap_or(one), other.get(split..).unwrap_or(other));
    let by_case = || other.chars().cmp(one.chars());
    order(one).cmp(order(other)).then_with(by_case)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn posthogs_example_holds() {
        let elements = json!([
            {"tag_name": "a", "attr__class": "btn-sm btn", "attr__href": "/x", "nth_child": 1,
             "nth_of_type": 2, "$el_text": "Go \"now\""},
            {"tag_name": "div", "nth_child": 1, "nth_of_type": 2, "attr__id": "root"},
        ]);
        let expected = concat!(
            r#"a.btn.btn-sm:attr__class="btn-sm btn"attr__href="/x"href="/x""#,
            r#"nth-child="1"nth-of-type="2"text="Go \"now\"";"#,
            r#"div:attr__id="root"attr_id="root"nth-child="1"nth-of-type="2""#,
        );
        assert_eq!(chain(&elements.to_string()).as_deref(), Some(expected));
    }

    #[test]
    fn absent_and_odd_members_have_their_defaults() {
        let expected = r#":nth-child="0"nth-of-type="0""#;
        assert_eq!(chain(r#"[{"$el_text":"","attr__id":null}]"#).as_deref().unwrap(), {
            r#":attr__id="null"nth-child="0"nth-of-type="0""#
        });
        assert_eq!(chain("[{}]").as_deref(), Some(expected));
        assert_eq!(chain("[]").as_deref(), Some(""));
        assert_eq!(chain("[1]"), None);
        assert_eq!(chain("\"a\""), None);
    }

    #[test]
    fn classes_may_be_an_array() {
        let raw = r#"[{"tag_name":"p","attr__class":["z","a\"b"]}]"#;
        let expected = r#"p.ab.z:attr__class="z,a\"b"nth-child="0"nth-of-type="0""#;
        assert_eq!(chain(raw).as_deref(), Some(expected));
    }

    #[test]
    fn names_sort_as_in_a_locale() {
        let mut names = ["attr__data-b", "text", "attr_id", "attr__data_b", "attr__B", "attr__b"];
        names.sort_by(|one, other| compare(one, other));
        let expected = ["attr__b", "attr__B", "attr__data_b", "attr__data-b", "attr_id", "text"];
        assert_eq!(names, expected);
    }

    /// The description above, step by step over a tree.
    fn model(elements: &Value) -> String {
        let shown = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let one = |element: &Value| {
            let get = |name: &str| element.get(name).map(shown).filter(|text| !text.is_empty());
            let mut class: Vec<_> = get("attr__class")
                .map(|text| text.split(' ').map(str::to_owned).collect())
                .unwrap_or_default();
            class.sort();
            let mut attributes: Vec<(String, String)> = vec![
                ("nth-child".into(), get("nth_child").unwrap_or("0".into())),
                ("nth-of-type".into(), get("nth_of_type").unwrap_or("0".into())),
            ];
            let derived = [("text", "$el_text"), ("href", "attr__href"), ("attr_id", "attr__id")];
            for (key, name) in derived {
                attributes.extend(get(name).map(|value| (key.to_owned(), value)));
            }
            for (key, value) in element.as_object().unwrap() {
                if key.starts_with("attr__") {
                    attributes.push((key.clone(), shown(value)));
                }
            }
            attributes.sort();
            let attributes: String = attributes
                .iter()
                .map(|(key, value)| format!("{key}=\"{}\"", value.replace('"', "\\\"")))
                .collect();
            let dotted: String = class
                .iter()
                .filter(|class| !class.is_empty())
                .map(|class| format!(".{}", class.replace('"', "")))
                .collect();
            format!("{}{dotted}:{attributes}", get("tag_name").unwrap_or_default())
        };
        let elements = elements.as_array().unwrap();
        elements.iter().map(one).collect::<Vec<_>>().join(";")
    }

    proptest! {
        #[test]
        fn equals_a_plain_model(elements in proptest::collection::vec((
            "[a-z]{0,3}", "[a-c\" ]{0,9}", "[a-z/\"\\\\é]{0,5}", "[a-z]{0,3}", 0..9u8, "[a-z\"😀]{0,9}",
        ), 0..4)) {
            let elements: Vec<Value> = elements
                .into_iter()
                .map(|(tag, class, href, id, nth, text)| json!({
                    "tag_name": tag, "attr__class": class, "attr__href": href, "attr__id": id,
                    "nth_child": nth, "nth_of_type": nth, "$el_text": text,
                }))
                .collect();
            let elements = Value::from(elements);
            prop_assert_eq!(chain(&elements.to_string()), Some(model(&elements)));
        }
    }
}
