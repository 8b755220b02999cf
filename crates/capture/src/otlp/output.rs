//! JSON text that is written under the budget.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::memory::Budget;

/// Less is not worth asking for.
const SMALLEST_GROWTH: usize = 1024;
/// Bytes that are spelled at a time; of 3, as base64 has groups of that.
const STEP: usize = 3 * 256;

/// A text in the making; memory is asked for before it grows.
pub(super) struct Output<'b, 'm> {
    text: String,
    budget: &'b mut Budget<'m>,
}

impl<'b, 'm> Output<'b, 'm> {
    pub(super) fn new(budget: &'b mut Budget<'m>) -> Self {
        Self { text: String::new(), budget }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Appends text as it is.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Error> {
        let spare = self.text.capacity() - self.text.len();
        if text.len() > spare {
            let growth = text.len().max(self.text.len()).max(SMALLEST_GROWTH);
            self.budget.reserve(growth)?;
            self.text.reserve_exact(growth);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Appends a text as it stands within a JSON string.
    pub(super) fn escaped(&mut self, text: &str) -> Result<(), Error> {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)) {
            let (plain, escaped) = rest.split_at(at);
            self.push(plain)?;
            let byte = escaped.bytes().next().unwrap_or_default();
            match byte {
                b'"' => self.push("\\\"")?,
                b'\\' => self.push("\\\\")?,
                b'\n' => self.push("\\n")?,
                _ => self.push(&format!("\\u{byte:04x}"))?,
            }
            rest = escaped.get(1..).unwrap_or_default();
        }
        self.push(rest)
    }

    /// Appends bytes as a JSON string of hexadecimal digits.
    pub(super) fn hex(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.push("\"")?;
        for step in bytes.chunks(STEP) {
            self.push(&hex::encode(step))?;
        }
        self.push("\"")
    }

    /// Appends bytes as a JSON string in base64.
    pub(super) fn base64(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.push("\"")?;
        for step in bytes.chunks(STEP) {
            self.push(&STANDARD.encode(step))?;
        }
        self.push("\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Settings, Unbounded};

    fn written(write: impl FnOnce(&mut Output<'_, '_>) -> Result<(), Error>) -> String {
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &Settings::default(), 0);
        let mut output = Output::new(&mut budget);
        write(&mut output).unwrap();
        output.into_text()
    }

    #[test]
    fn growth_is_asked_for_first() {
        let settings = Settings { memory_budget: 5_000, ..Settings::default() };
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &settings, 0);
        let mut output = Output::new(&mut budget);
        let pushed = (0..100).try_for_each(|_| output.push(&"x".repeat(100)));
        assert!(matches!(pushed, Err(Error::TooLarge { .. })));
        assert!(output.text.capacity() <= 5_000);
    }

    proptest! {
        #[test]
        fn strings_read_back(text in "(?s).{0,40}") {
            let raw = written(|output| output.escaped(&text));
            let read: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            prop_assert_eq!(read, text);
        }

        #[test]
        fn bytes_are_spelled_whole(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let hex = written(|output| output.hex(&bytes));
            prop_assert_eq!(hex, format!("\"{}\"", ::hex::encode(&bytes)));
            let base64 = written(|output| output.base64(&bytes));
            prop_assert_eq!(base64, format!("\"{}\"", STANDARD.encode(&bytes)));
        }
    }
}
