//! The members of a JSON object, found without looking at more than that takes.
//!
//! Every event's properties are looked through, and what it sets of its person is compared with what
//! the person has. The text was checked when it was received; what is not JSON ends the members, and
//! harms nobody.

/// The members of an object as they were sent, repeated keys included: what is between the quotes of
/// the key, and the raw value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    /// The members of an object; none of anything else.
    pub(crate) fn of(text: &'a str) -> Self {
        let mut members = Self { text, at: 0 };
        members.skip_space();
        match members.byte() {
            Some(b'{') => members.at += 1,
            _ => members.at = text.len(),
        }
        members
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips one of these, and the space around it.
    fn skip(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.byte()? == byte).then(|| self.at += 1)?;
        self.skip_space();
        Some(())
    }

    /// Skips the rest of a string, whose quote was skipped, with the quote at its end.
    fn skip_string(&mut self) -> Option<()> {
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            match rest[found] {
                b'"' => {
                    self.at += found + 1;
                    return Some(());
                }
                // Whatever is escaped, its first byte ends nothing.
                _ => self.at += found + 2,
            }
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    self.skip_string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\n' | b'\t' | b'\r' => {
                    self.at += 1;
                    continue;
                }
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Skips a number, `true`, `false` or `null`.
    fn skip_word(&mut self) {
        let ends = |byte: u8| {
            matches!(byte, b',' | b':' | b'}' | b']' | b'"' | b' ' | b'\n' | b'\t' | b'\r')
        };
        while self.byte().is_some_and(|byte| !ends(byte)) {
            self.at += 1;
        }
    }

    fn member(&mut self) -> Option<(&'a str, &'a str)> {
        self.skip_space();
        if self.byte()? == b',' {
            self.at += 1;
        }
        self.skip_space();
        (self.byte()? == b'"').then(|| self.at += 1)?;
        let key = self.at;
        self.skip_string()?;
        let key = self.text.get(key..self.at - 1)?;
        self.skip(b':')?;
        let value = self.at;
        self.skip_value()?;
        Some((key, self.text.get(value..self.at)?))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.member();
        if member.is_none() {
            self.at = self.text.len();
        }
        member
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let members = prop::collection::btree_map(".{0,4}", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn members_are_in_their_order_with_repetitions() {
        let members: Vec<_> = Members::of(r#" { "b":1 , "a" : {"x":[ ]},"b":null } "#).collect();
        assert_eq!(members, [("b", "1"), ("a", "{\"x\":[ ]}"), ("b", "null")]);
    }

    proptest! {
        #[test]
        fn it_finds_what_serde_finds(
            sent in prop::collection::btree_map(".{0,6}", json(), 0..8),
            is_pretty in any::<bool>(),
        ) {
            let text = match is_pretty {
                true => serde_json::to_string_pretty(&sent).unwrap(),
                false => serde_json::to_string(&sent).unwrap(),
            };
            let found: Vec<(String, Value)> = Members::of(&text)
                .map(|(key, value)| {
                    let key = serde_json::from_str(&format!("\"{key}\"")).unwrap();
                    (key, serde_json::from_str(value).unwrap())
                })
                .collect();
            prop_assert_eq!(found, sent.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn what_is_no_json_comes_to_an_end(text in r#"[{}\[\]",:\\a1é ]{0,40}"#) {
            prop_assert!(Members::of(&text).count() <= text.len());
            let open = format!("{{{text}");
            prop_assert!(Members::of(&open).count() <= open.len());
        }
    }
}
