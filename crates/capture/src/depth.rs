//! How deep a JSON value nests, without recursion.

use memchr::memchr2;

/// Whether a valid JSON value nests deeper than so many levels.
///
/// Each level takes two bytes at least, so short values need no look; strings are skipped whole.
#[inline]
pub(crate) fn exceeds(value: &str, levels: usize) -> bool {
    let value = value.as_bytes();
    value.len() > 2 * levels
        && matches!(value.first(), Some(b'{' | b'['))
        && scan_exceeds(value, levels)
}

fn scan_exceeds(mut rest: &[u8], levels: usize) -> bool {
    let mut depth = 0usize;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(rest),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}

/// What follows the string whose opening quote has been read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(found) = memchr2(b'"', b'\\', rest) {
        let is_quote = rest.get(found) == Some(&b'"');
        let skipped = if is_quote { found + 1 } else { found + 2 };
        rest = rest.get(skipped..).unwrap_or_default();
        if is_quote {
            return rest;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_limit_itself_is_allowed() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(!exceeds(&nested(128), 128));
        assert!(exceeds(&nested(129), 128));
        assert!(exceeds(&("{\"a\":".repeat(129) + "1" + &"}".repeat(129)), 128));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = format!("[\"{}\\\"[[[\",[]]", "[".repeat(300));
        assert!(!exceeds(&text, 2));
        assert!(exceeds(&format!("[\"{}\",[[]]]", "]".repeat(300)), 2));
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree(text in "(\\[|\\]|\\{\"a\":|\\}|1|,|\"[\\[\\]]*\"){0,40}", levels in 0usize..6) {
            fn depth(value: &serde_json::Value) -> usize {
                match value {
                    serde_json::Value::Array(items) => {
                        1 + items.iter().map(depth).max().unwrap_or(0)
                    }
                    serde_json::Value::Object(members) => {
                        1 + members.values().map(depth).max().unwrap_or(0)
                    }
                    _ => 0,
                }
            }
            if let Ok(value) = serde_json::from_str(&text) {
                prop_assert_eq!(exceeds(&text, levels), depth(&value) > levels);
            }
        }
    }
}
