//! `Content-Encoding: deflate`, which is zlib by the book and raw deflate by habit.

use flate2::Decompress;

use super::inflate::Output;
use crate::Error;
use crate::memory::Budget;

/// Decompresses either kind, told apart by zlib's header.
pub(crate) fn inflate(
    input: &[u8],
    limit: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, Error> {
    // Events compress four- to twelvefold.
    let guess = input.len().saturating_mul(8).min(1024 * 1024);
    let mut output = Output::new(limit, budget);
    output
        .append(input, Decompress::new(has_zlib_header(input)), guess)
        .map_err(|failure| failure.because("invalid deflate data"))?;
    Ok(output.into_bytes())
}

/// RFC 1950: method 8 with a 32 KiB window, and a check over both bytes.
fn has_zlib_header(input: &[u8]) -> bool {
    match input {
        [method @ 0x78, flags, ..] => (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::*;
    use crate::{Settings, Unbounded};

    fn inflated(input: &[u8]) -> Result<Vec<u8>, Error> {
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &Settings::default(), 0);
        inflate(input, 1 << 20, &mut budget)
    }

    #[test]
    fn zlib_and_raw_deflate_both_inflate() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"{\"event\":\"e\"}").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(b"{\"event\":\"e\"}").unwrap();
        for input in [zlib.finish().unwrap(), raw.finish().unwrap()] {
            assert_eq!(inflated(&input).unwrap(), b"{\"event\":\"e\"}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(inflated(b"").is_err());
        assert!(inflated(b"\x78\x9c").is_err());
        assert!(inflated(&[0xff; 20]).is_err());
    }
}
