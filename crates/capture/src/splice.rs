//! Objects made of the text of others: spans are copied, nothing is written anew.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::document::{Member, Source, Span};
use crate::json::Members;

/// Writes an object of these neighbouring members, less the dropped ones (indexes in ascending order), plus
/// appended ones (`"key":value`; an empty text appends nothing).
pub(crate) fn splice(
    source: Source<'_>,
    members: &[Member],
    dropped: &[u32],
    appended: &[&str],
) -> String {
    let mut object = String::with_capacity(capacity(members, appended));
    object.push('{');
    let mut dropped = dropped.iter().copied().peekable();
    let mut run: Option<Span> = None;
    for (index, member) in members.iter().enumerate() {
        if dropped.next_if_eq(&(index as u32)).is_some() {
            append_run(&mut object, source, run.take());
        } else {
            let start = run.map_or(member.key.start, |run| run.start);
            let end = member.value.end;
            run = Some(Span { start, end });
        }
    }
    append_run(&mut object, source, run);
    for member in appended {
        append(&mut object, member);
    }
    object.push('}');
    object
}

/// Writes an object like [`splice`], of members between which others may stand in the text.
pub(crate) fn gather(
    source: Source<'_>,
    members: &[Member],
    dropped: &[u32],
    appended: &[&str],
) -> String {
    let mut object = String::from("{");
    let mut dropped = dropped.iter().copied().peekable();
    for (index, member) in members.iter().enumerate() {
        if dropped.next_if_eq(&(index as u32)).is_none() {
            append(
                &mut object,
                source.get(Span { start: member.key.start, end: member.value.end }),
            );
        }
    }
    appended.iter().for_each(|member| append(&mut object, member));
    object.push('}');
    object
}

fn capacity(members: &[Member], appended: &[&str]) -> usize {
    let kept = match (members.first(), members.last()) {
        (Some(first), Some(last)) => (last.value.end - first.key.start) as usize,
        _ => 0,
    };
    kept + appended.iter().map(|text| text.len() + 1).sum::<usize>() + 2
}

fn append_run(object: &mut String, source: Source<'_>, run: Option<Span>) {
    append(object, run.map_or("", |run| source.get(run)));
}

fn append(object: &mut String, members: &str) {
    if members.is_empty() {
        return;
    }
    if object.len() > 1 {
        object.push(',');
    }
    object.push_str(members);
}

/// Writes an object of the members of both, those of `over` winning; values stay as they are.
pub(crate) fn overlay(under: &str, over: &str) -> String {
    let under = Members::of(under).0;
    let all: Vec<_> = under.into_iter().chain(Members::of(over).0).collect();
    let last: HashMap<Cow<'_, str>, usize> = all
        .iter()
        .enumerate()
        .map(|(index, (key, _))| (crate::json::string(key).unwrap_or_default(), index))
        .collect();
    let mut object = String::from("{");
    for (index, (key, value)) in all.iter().enumerate() {
        let name = crate::json::string(key).unwrap_or_default();
        if last.get(&name) == Some(&index) {
            append(&mut object, key);
            object.push(':');
            object.push_str(value);
        }
    }
    object.push('}');
    object
}

/// Finds keys that an object repeats. Reused from object to object, so that it rarely allocates.
#[derive(Debug, Default)]
pub(crate) struct Repetitions {
    /// Open addressing, a power of two; 0 is free, else a member's index plus one.
    table: Vec<u32>,
}

/// Longer than chance makes it: someone chose the keys, and a hash with a secret takes over.
const LONGEST_PROBE: usize = 16;

impl Repetitions {
    /// Adds the indexes of all members that a later one of the same name replaces.
    pub(crate) fn find(&mut self, source: Source<'_>, members: &[Member], replaced: &mut Vec<u32>) {
        let before = replaced.len();
        if members.len() > 1 && self.find_quickly(source, members, replaced).is_none() {
            replaced.truncate(before);
            find_surely(source, members, replaced);
        }
    }

    /// Compares keys as they look; `None` where that does not do.
    fn find_quickly(
        &mut self,
        source: Source<'_>,
        members: &[Member],
        replaced: &mut Vec<u32>,
    ) -> Option<()> {
        let slots = (members.len() * 2).next_power_of_two().max(16);
        self.table.clear();
        self.table.resize(slots, 0);
        for (index, member) in (0u32..).zip(members) {
            let Cow::Borrowed(name) = source.name(member) else {
                return None;
            };
            let mut slot = hash(name) as usize & (slots - 1);
            let mut probes = 0;
            loop {
                let place = self.table.get_mut(slot)?;
                let earlier = place.checked_sub(1).map(|earlier| earlier as usize);
                match earlier.and_then(|earlier| members.get(earlier)) {
                    None => {
                        *place = index + 1;
                        break;
                    }
                    Some(other) if source.name(other) == name => {
                        replaced.push(*place - 1);
                        *place = index + 1;
                        break;
                    }
                    Some(_) => slot = (slot + 1) & (slots - 1),
                }
                probes += 1;
                if probes > LONGEST_PROBE {
                    return None;
                }
            }
        }
        Some(())
    }
}

fn find_surely(source: Source<'_>, members: &[Member], replaced: &mut Vec<u32>) {
    let mut last = HashMap::with_capacity(members.len());
    for (index, member) in (0u32..).zip(members) {
        replaced.extend(last.insert(source.name(member), index));
    }
}

/// Quick, and good enough for keys that nobody chose to collide.
#[inline]
fn hash(name: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = name.as_bytes();
    let mut hash = bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(ODD);
    }
    for &byte in rest {
        hash = (hash.rotate_left(9) ^ u64::from(byte)).wrapping_mul(ODD);
    }
    hash >> 32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The spans of an object's members, found independently of the document's parser.
    fn members(text: &str) -> Vec<Member> {
        let span = |piece: &str| {
            let start = (piece.as_ptr() as usize - text.as_ptr() as usize) as u32;
            Span { start, end: start + piece.len() as u32 }
        };
        Members::of(text)
            .0
            .into_iter()
            .map(|(key, value)| Member { key: span(key), value: span(value) })
            .collect()
    }

    fn without_repetitions(text: &str) -> String {
        let (source, members) = (Source::of(text), members(text));
        let mut replaced = Vec::new();
        Repetitions::default().find(source, &members, &mut replaced);
        replaced.sort_unstable();
        splice(source, &members, &replaced, &[])
    }

    #[test]
    fn what_is_kept_is_kept_byte_for_byte() {
        let text = r#"{ "a" : 1.0e2 ,"b":"\u00e9",  "c":[ 1 ] }"#;
        let members = members(text);
        let spliced = |dropped: &[u32], appended: &[&str]| {
            splice(Source::of(text), &members, dropped, appended)
        };
        assert_eq!(spliced(&[], &[]), r#"{"a" : 1.0e2 ,"b":"\u00e9",  "c":[ 1 ]}"#);
        assert_eq!(spliced(&[1], &["", "\"d\":2"]), r#"{"a" : 1.0e2,"c":[ 1 ],"d":2}"#);
        assert_eq!(spliced(&[0, 1, 2], &["\"d\":2"]), r#"{"d":2}"#);
        assert_eq!(spliced(&[0, 1, 2], &[]), "{}");
    }

    #[test]
    fn the_last_of_a_repeated_key_stays() {
        assert_eq!(without_repetitions(r#"{"a":1,"b":2,"a":3,"a":4}"#), r#"{"b":2,"a":4}"#);
        assert_eq!(without_repetitions(r#"{"a":1,"\u0061":2}"#), r#"{"\u0061":2}"#);
    }

    #[test]
    fn keys_chosen_to_collide_are_still_told_apart() {
        // Found by search: names of one length whose hashes agree in their low bits.
        let wanted = hash("00000000") & 0x3f;
        let keys: Vec<String> = (0..1_000_000u32)
            .map(|number| format!("{number:08}"))
            .filter(|key| hash(key) & 0x3ff == wanted)
            .take(40)
            .collect();
        let pairs: Vec<String> = keys.iter().map(|key| format!("\"{key}\":1")).collect();
        let text = format!("{{{},{}}}", pairs.join(","), pairs.join(","));
        assert_eq!(without_repetitions(&text), format!("{{{}}}", pairs.join(",")));
    }

    #[test]
    fn an_overlay_wins_member_by_member() {
        let merged = overlay(r#"{"a":1.0,"b":1}"#, r#"{"b":{"x": 2},"c":3}"#);
        assert_eq!(merged, r#"{"a":1.0,"b":{"x": 2},"c":3}"#);
    }

    proptest! {
        #[test]
        fn dropping_repetitions_equals_reading_a_tree(
            pairs in proptest::collection::vec(("[ab\"\\\\é]{0,2}", 0..100u8), 0..40),
        ) {
            let object: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())))
                .collect();
            let text = format!("{{{}}}", object.join(" ,"));
            let unique = without_repetitions(&text);
            let model: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
            let read: BTreeMap<String, Value> = serde_json::from_str(&unique).unwrap();
            prop_assert_eq!(&read, &model);
            prop_assert_eq!(Members::of(&unique).0.len(), model.len());
        }
    }
}
