//! Texts by number, as they come.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::people::OfId;

/// Numbers of texts. Rows that follow each other often have the same.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// By hash; of texts with the same hash the first.
    numbers: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// The others.
    others: HashMap<String, u32>,
    /// All texts behind each other, and where each ends.
    texts: String,
    ends: Vec<usize>,
    last: u32,
}

impl Texts {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        let is_last = !self.ends.is_empty() && self.text(self.last) == text;
        if !is_last {
            self.last = self.find(text);
        }
        self.last
    }

    fn find(&mut self, text: &str) -> u32 {
        let next = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let known = *self.numbers.entry(hash(text)).or_insert(next);
        if known != next && self.text(known) == text {
            return known;
        }
        let number = match known == next {
            true => next,
            false => *self.others.entry(text.to_owned()).or_insert(next),
        };
        if number == next {
            self.texts.push_str(text);
            self.ends.push(self.texts.len());
        }
        number
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        let number = number as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(number).copied().unwrap_or_default();
        self.texts.get(start.copied().unwrap_or_default()..end).unwrap_or_default()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// About how much it holds.
    pub(super) fn bytes(&self) -> usize {
        self.texts.capacity()
            + self.ends.capacity() * 8
            + self.numbers.capacity() * 16
            + self.others.capacity() * 96
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = OfId::default();
    let (whole, rest) = text.as_bytes().as_chunks::<8>();
    whole.iter().for_each(|part| hasher.write(part));
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    hasher.write(&last);
    hasher.write(&text.len().to_le_bytes());
    hasher.finish()
}

/// A hash as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        // Keys are numbers.
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_number() {
        let mut texts = Texts::default();
        let numbers = ["a", "a", "b", "a", "", "a longer one", ""].map(|text| texts.number(text));
        assert_eq!(numbers, [0, 0, 1, 0, 2, 3, 2]);
        let known = [0, 1, 2, 3].map(|number| texts.text(number));
        assert_eq!((known, texts.len()), (["a", "b", "", "a longer one"], 4));
    }

    #[test]
    fn texts_with_the_same_hash_are_two() {
        let mut texts = Texts::default();
        // As if what was there before had the hash of `b`.
        assert_eq!(texts.number("a"), 0);
        texts.numbers.insert(hash("b"), 0);
        assert_eq!([texts.number("b"), texts.number("a"), texts.number("b")], [1, 0, 1]);
        assert_eq!((texts.text(1), texts.len()), ("b", 2));
    }

    #[test]
    fn hashes_tell_zeros_and_lengths_apart() {
        let alike = ["", "\0", "\0\0", "12345678", "12345678\0"].map(hash);
        let different: std::collections::BTreeSet<u64> = alike.into_iter().collect();
        assert_eq!(different.len(), alike.len());
    }
}
