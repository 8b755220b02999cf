//! Trees of JSON, of little depth and with memory asked for first: a tree is many times its text.

use memchr::memchr2;
use serde_json::Value;

use crate::memory::Budget;
use crate::{Error, depth};

/// Texts that nest deeper stay texts: within a row they would come near to what readers refuse.
const TEXT_DEPTH: usize = 64;
/// An object is a node with places for eleven members.
const OBJECT_BYTES: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 64;
/// A list grows by doubling, and starts with four places.
const ITEM_BYTES: usize = 4 * size_of::<Value>();

/// The tree of a raw value.
pub(super) fn read(raw: &str, budget: &mut Budget<'_>) -> Result<Value, Error> {
    budget.reserve(cost(raw))?;
    serde_json::from_str(raw).map_err(|error| Error::unparsable(error.to_string()))
}

/// What a text says, where it is JSON; anything else as it is.
pub(super) fn parsed(value: Value, budget: &mut Budget<'_>) -> Result<Value, Error> {
    let Value::String(text) = &value else {
        return Ok(value);
    };
    if depth::exceeds(text.trim(), TEXT_DEPTH) {
        return Ok(value);
    }
    budget.reserve(cost(text))?;
    Ok(serde_json::from_str(text).unwrap_or(value))
}

/// What the tree of a text takes at most.
fn cost(text: &str) -> usize {
    let mut cost = text.len();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' => cost += OBJECT_BYTES,
            b'[' | b',' => cost += ITEM_BYTES,
            b'"' => rest = after_string(rest),
            _ => {}
        }
    }
    cost
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
    use serde_json::json;

    use super::*;
    use crate::{Settings, Unbounded};

    fn parse(text: &str, memory_budget: usize) -> Result<Value, Error> {
        let settings = Settings { memory_budget, ..Settings::default() };
        parsed(Value::from(text), &mut Budget::new(&mut Unbounded, &settings, 0))
    }

    #[test]
    fn only_json_is_parsed() {
        assert_eq!(parse(r#"[{"role":"user"}]"#, 1 << 20).unwrap(), json!([{"role": "user"}]));
        assert_eq!(parse("say [hi", 1 << 20).unwrap(), json!("say [hi"));
        let deep = "[".repeat(65) + &"]".repeat(65);
        assert_eq!(parse(&deep, 1 << 20).unwrap(), json!(deep));
    }

    #[test]
    fn a_tree_is_paid_for_before_it_grows() {
        let empty_objects = format!("[{}{{}}]", "{},".repeat(1_000));
        assert!(matches!(parse(&empty_objects, 100_000), Err(Error::TooLarge { .. })));
        let brackets_in_a_string = format!("[\"{}\"]", "{},".repeat(1_000));
        assert!(parse(&brackets_in_a_string, 100_000).is_ok());
    }
}
