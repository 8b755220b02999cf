//! Walking over JSON text without making a tree of it.
//!
//! What is walked over has been validated when it was decoded, so the walk only looks for where
//! members begin and end. Of anything else it yields what it has found so far, and never panics.

use std::borrow::Cow;

use memchr::memchr2;

/// The text of a raw string, borrowed unless it has escapes; `None` for any other value.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let quoted = raw.strip_prefix('"')?.strip_suffix('"')?;
    match memchr::memchr(b'\\', quoted.as_bytes()) {
        None => Some(Cow::Borrowed(quoted)),
        Some(_) => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}

/// The raw string of a text.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether JavaScript would take a raw value for true.
pub(crate) fn is_truthy(raw: &str) -> bool {
    !matches!(raw, "null" | "false" | "\"\"") && raw.parse() != Ok(0.0_f64)
}

/// Whether a raw value is an object.
pub(crate) fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

/// One member of an object, as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// Where its key begins.
    pub(crate) start: usize,
    /// Where its value ends.
    pub(crate) end: usize,
    key: &'a str,
    /// Its raw value.
    pub(crate) value: &'a str,
}

impl<'a> Member<'a> {
    /// Its name, without escapes.
    pub(crate) fn name(&self) -> Cow<'a, str> {
        string(self.key).unwrap_or_default()
    }
}

/// The members of an object in order.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    /// Of a raw object; of anything else there are none.
    pub(crate) fn of(text: &'a str) -> Self {
        let at = match text.trim_start().starts_with('{') {
            true => text.len() - text.trim_start().len() + 1,
            false => text.len(),
        };
        Self { text, at }
    }

    fn skip_blanks(&mut self, also: u8) {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !byte.is_ascii_whitespace() && byte != also {
                break;
            }
            self.at += 1;
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let bytes = self.text.as_bytes();
        self.skip_blanks(b',');
        let start = self.at;
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(bytes, start)?;
        self.at = key_end;
        self.skip_blanks(b':');
        let value_start = self.at;
        let end = value_end(bytes, value_start)?;
        self.at = end;
        let key = self.text.get(start..key_end)?;
        let value = self.text.get(value_start..end)?;
        Some(Member { start, end, key, value })
    }
}

/// Where the string that begins here ends, its quotation mark included.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Where the value that begins here ends.
pub(crate) fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => string_end(bytes, start),
        b'{' | b'[' => nested_end(bytes, start),
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            let rest = bytes.get(start..)?;
            Some(start + rest.iter().position(ends).unwrap_or(rest.len()))
        }
    }
}

fn nested_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        Members::of(text)
            .map(|member| (member.name().into_owned(), member.value.to_owned()))
            .collect()
    }

    #[test]
    fn members_are_found_as_they_stand() {
        let text = r#" { "a" : 1.50 ,"\u0062":"x\"},", "c":[{"d":"]"}] , "e" : null } "#;
        let found = pairs(text);
        let expected = [("a", "1.50"), ("b", r#""x\"},""#), ("c", r#"[{"d":"]"}]"#), ("e", "null")];
        assert_eq!(found, expected.map(|(name, raw)| (name.to_owned(), raw.to_owned())));
    }

    #[test]
    fn truth_is_javascripts() {
        assert!(["1", "true", "\"false\"", "{}", "[]"].iter().all(|raw| is_truthy(raw)));
        assert!(["0", "0.0", "-0", "null", "false", "\"\""].iter().all(|raw| !is_truthy(raw)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\{\\}\\[\\]\",:\\\\ aé1]{0,40}") {
            drop(pairs(&text));
        }

        #[test]
        fn it_reads_what_a_tree_reads(
            object in prop::collection::btree_map(".{0,6}", crate::samples::json(), 0..6),
            is_pretty: bool,
        ) {
            let text = match is_pretty {
                true => serde_json::to_string_pretty(&object).unwrap(),
                false => serde_json::to_string(&object).unwrap(),
            };
            let found = pairs(&text);
            prop_assert_eq!(found.len(), object.len());
            for (name, raw) in found {
                prop_assert_eq!(&serde_json::from_str::<Value>(&raw).unwrap(), &object[&name]);
            }
        }
    }
}
