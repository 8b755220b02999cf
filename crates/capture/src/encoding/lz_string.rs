//! LZString in base64 (`compression=lz64`), as old SDKs send it and PostHog takes it.
//!
//! The text is UTF-16, compressed as LZ78 with codes that grow, in digits of six bits. A phrase of the
//! dictionary is one that was written before and the character after it, so it is kept as its place in
//! the output.

use std::ops::Range;

use crate::memory::Budget;
use crate::{Error, Note, Notes};

/// Codes that stand for no phrase.
const SHORT_CHARACTER: usize = 0;
const LONG_CHARACTER: usize = 1;
const END: usize = 2;

/// Memory for a digit of the input: at most one phrase for two digits on the average.
const BYTES_PER_DIGIT: usize = 8;

/// Decompresses text of at most `limit` bytes as UTF-8.
pub(crate) fn decompress(
    digits: &[u8],
    limit: usize,
    budget: &mut Budget<'_>,
    notes: &mut Notes,
) -> Result<String, Error> {
    budget.reserve(digits.len().saturating_mul(BYTES_PER_DIGIT))?;
    let units = Decompressor::new(digits, limit, budget).run()?;
    // A unit is three bytes of UTF-8 at most.
    budget.reserve(units.len().saturating_mul(3))?;
    let mut text = String::with_capacity(units.len());
    for character in char::decode_utf16(units) {
        text.push(character.unwrap_or_else(|_| {
            notes.take(Note::LoneSurrogate);
            char::REPLACEMENT_CHARACTER
        }));
    }
    match text.len() > limit {
        true => Err(too_large()),
        false => Ok(text),
    }
}

struct Decompressor<'i, 'b, 'm> {
    bits: Bits<'i>,
    output: Vec<u16>,
    /// Where in the output each phrase stands; the first three codes stand for none.
    phrases: Vec<(u32, u32)>,
    limit: usize,
    budget: &'b mut Budget<'m>,
}

impl<'i, 'b, 'm> Decompressor<'i, 'b, 'm> {
    fn new(digits: &'i [u8], limit: usize, budget: &'b mut Budget<'m>) -> Self {
        let bits = Bits { digits, position: 0 };
        let limit = limit.min(u32::MAX as usize / 2);
        Self { bits, output: Vec::new(), phrases: vec![(0, 0); 3], limit, budget }
    }

    fn run(mut self) -> Result<Vec<u16>, Error> {
        let mut previous = match self.bits.take(2)? {
            END => return Ok(self.output),
            kind => self.new_character(kind)?,
        };
        loop {
            // The code may be the next phrase's, which is completed only by this one.
            let width = usize::BITS - self.phrases.len().leading_zeros();
            let phrase = match self.bits.take(width)? {
                END => return Ok(self.output),
                kind @ (SHORT_CHARACTER | LONG_CHARACTER) => self.new_character(kind)?,
                code => self.repeat(code, &previous)?,
            };
            self.phrases.push((previous.start as u32, previous.len() as u32 + 1));
            previous = phrase;
        }
    }

    /// Writes a character that was not there before, and keeps it as a phrase.
    fn new_character(&mut self, kind: usize) -> Result<Range<usize>, Error> {
        let bits = match kind {
            SHORT_CHARACTER => 8,
            LONG_CHARACTER => 16,
            _ => return Err(corrupt()),
        };
        let unit = self.bits.take(bits)? as u16;
        self.make_room(1)?;
        let start = self.output.len();
        self.output.push(unit);
        self.phrases.push((start as u32, 1));
        Ok(start..start + 1)
    }

    /// Writes a phrase once more.
    fn repeat(&mut self, code: usize, previous: &Range<usize>) -> Result<Range<usize>, Error> {
        let next = self.phrases.len();
        let source = match self.phrases.get(code) {
            Some(&(start, length)) => start as usize..(start + length) as usize,
            // The phrase that this very code completes: the previous one and its own first character.
            None if code == next => previous.start..previous.end + 1,
            None => return Err(corrupt()),
        };
        self.make_room(source.len())?;
        let start = self.output.len();
        for index in source {
            self.output.push(self.output[index]);
        }
        Ok(start..self.output.len())
    }

    fn make_room(&mut self, units: usize) -> Result<(), Error> {
        let wanted = self.output.len() + units;
        if wanted > self.limit {
            return Err(too_large());
        }
        if wanted > self.output.capacity() {
            let more = wanted.max(self.output.capacity() * 2).max(1_024) - self.output.len();
            self.budget.reserve(more * size_of::<u16>())?;
            self.output.reserve_exact(more);
        }
        Ok(())
    }
}

/// Reads numbers, their lowest bit first, out of digits, their highest bit first.
struct Bits<'i> {
    digits: &'i [u8],
    /// In bits.
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<usize, Error> {
        let mut number = 0;
        for bit in 0..count {
            let digit = self.digits.get(self.position / 6).and_then(|&byte| value(byte));
            let digit = digit.ok_or_else(corrupt)?;
            number |= usize::from(digit >> (5 - self.position % 6) & 1) << bit;
            self.position += 1;
        }
        Ok(number)
    }
}

/// The value of a base64 digit; a form turns `+` into a space.
fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b' ' => Some(62),
        b'/' => Some(63),
        b'=' => Some(0),
        _ => None,
    }
}

fn corrupt() -> Error {
    Error::undecodable("decompress_lz64: failed decompress to UTF16")
}

fn too_large() -> Error {
    Error::TooLarge { detail: "lz64 request payload size limit exceeded".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Settings, Unbounded};

    fn decompressed(digits: &[u8], limit: usize) -> Result<String, Error> {
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &Settings::default(), 0);
        decompress(digits, limit, &mut budget, &mut Notes::default())
    }

    /// The other direction, by the book: each phrase that is not known yet is written as its longest
    /// known beginning.
    fn compress(text: &str) -> Vec<u8> {
        struct Writer {
            bits: Vec<bool>,
        }
        impl Writer {
            fn write(&mut self, number: usize, count: u32) {
                self.bits.extend((0..count).map(|bit| number >> bit & 1 == 1));
            }
        }
        let mut writer = Writer { bits: Vec::new() };
        let mut phrases: Vec<Vec<u16>> = vec![Vec::new(); 3];
        let mut codes: std::collections::HashMap<Vec<u16>, usize> = Default::default();
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut rest = units.as_slice();
        // The reader completes a phrase only with the next code, so it is one behind the writer.
        let mut pending: Option<Vec<u16>> = None;
        let (mut is_first, mut longest_known) = (true, 0);
        while let Some(&unit) = rest.first() {
            let candidates = 1..=rest.len().min(longest_known);
            let longest = candidates.rev().find(|&length| codes.contains_key(&rest[..length]));
            let width = usize::BITS - phrases.len().leading_zeros();
            let width = if is_first { 2 } else { width };
            let written = match longest {
                Some(length) => {
                    writer.write(codes[&rest[..length]], width);
                    length
                }
                None => {
                    let long = unit > 255;
                    writer.write(usize::from(long), width);
                    writer.write(unit.into(), if long { 16 } else { 8 });
                    codes.insert(vec![unit], phrases.len());
                    phrases.push(vec![unit]);
                    1
                }
            };
            let (phrase, left) = rest.split_at(written);
            if let Some(mut complete) = pending.take() {
                complete.push(phrase[0]);
                longest_known = longest_known.max(complete.len());
                codes.entry(complete.clone()).or_insert(phrases.len());
                phrases.push(complete);
            }
            pending = Some(phrase.to_vec());
            (rest, is_first) = (left, false);
        }
        let width = usize::BITS - phrases.len().leading_zeros();
        writer.write(END, if is_first { 2 } else { width });
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |bits: &[bool]| {
            let value = bits.iter().fold(0, |value, bit| value << 1 | usize::from(*bit));
            alphabet[value << (6 - bits.len())]
        };
        writer.bits.chunks(6).map(digit).collect()
    }

    #[test]
    fn what_the_library_writes_is_read() {
        // What lz-string 1.5 makes of these texts.
        let digits = b"N4IgpgbmB2AuIC4QAsCXAbdB7ABIHg3BI/Z2TE1xLJAF8g==";
        let text = "{\"event\":\"h\u{e9}llo \u{1f389} hello hello\"}";
        assert_eq!(decompressed(digits, 100).unwrap(), text);
        assert_eq!(decompressed(b"IY18ZXeQ", 100).unwrap(), "a".repeat(50));
        assert_eq!(decompressed(b"Q===", 100).unwrap(), "");
    }

    #[test]
    fn rubbish_is_refused() {
        for digits in [&b""[..], b"N", b"!!!!", b"N4Ig", b"////////"] {
            let error = decompressed(digits, 1 << 20).unwrap_err();
            assert_eq!(error.status().as_u16(), 400, "{digits:?}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let digits = compress(&"a".repeat(200_000));
        assert!(digits.len() < 2_000);
        assert_eq!(decompressed(&digits, 200_000).unwrap().len(), 200_000);
        assert_eq!(decompressed(&digits, 199_999).unwrap_err().status().as_u16(), 413);
    }

    proptest! {
        #[test]
        fn texts_come_back(text in "[ab🎉é\\PC]{0,300}") {
            prop_assert_eq!(decompressed(&compress(&text), 1 << 20).unwrap(), text);
        }

        #[test]
        fn nothing_panics(digits in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(decompressed(&digits, 10_000));
        }

        #[test]
        fn no_digits_panic(digits in "[A-Za-z0-9+/=]{0,400}") {
            drop(decompressed(digits.as_bytes(), 10_000));
        }
    }
}
