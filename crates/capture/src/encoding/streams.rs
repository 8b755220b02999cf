//! Encodings that a library undoes as a reader: brotli and zstd.

use std::io::Read;

use super::inflate::Failure;
use crate::Error;
use crate::memory::Budget;

/// Bytes read at a time.
const STEP: usize = 64 * 1024;
/// The largest zstd window that is taken, as an exponent: 8 MiB, what the format recommends to take.
const ZSTD_WINDOW_LOG: u32 = 23;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Whether these bytes are zstd.
pub(crate) fn has_zstd_magic(bytes: &[u8]) -> bool {
    bytes.starts_with(&ZSTD_MAGIC)
}

/// Decompresses zstd.
pub(crate) fn unzstd(
    input: &[u8],
    limit: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, Error> {
    const WHY: &str = "invalid zstd data";
    budget.reserve(1 << ZSTD_WINDOW_LOG)?;
    let mut decoder =
        zstd::stream::read::Decoder::new(input).map_err(|_| Error::undecodable(WHY))?;
    decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| Error::undecodable(WHY))?;
    read(decoder, limit, budget).map_err(|failure| failure.because(WHY))
}

/// Decompresses brotli.
pub(crate) fn unbrotli(
    input: &[u8],
    limit: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, Error> {
    budget.reserve(brotli_window(input))?;
    let decoder = brotli_decompressor::Decompressor::new(input, STEP);
    read(decoder, limit, budget).map_err(|failure| failure.because("invalid brotli data"))
}

/// The size of the window that a brotli stream states (RFC 7932, 9.1), in bytes.
fn brotli_window(input: &[u8]) -> usize {
    let first = input.first().copied().unwrap_or_default();
    let bits = match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => 16,
        (_, 0, 0) => 17,
        (_, 0, more) => 8 + u32::from(more),
        (_, some, _) => 17 + u32::from(some),
    };
    1 << bits
}

fn read(mut input: impl Read, limit: usize, budget: &mut Budget<'_>) -> Result<Vec<u8>, Failure> {
    let mut output = Vec::new();
    loop {
        let length = output.len();
        if output.capacity() - length < STEP {
            let room = length.max(STEP).min(limit.saturating_add(STEP) - length);
            budget.reserve(room).map_err(Failure::Refused)?;
            output.reserve_exact(room);
        }
        let step = (&mut input).take(STEP as u64).read_to_end(&mut output);
        match step.map_err(|_| Failure::Corrupt)? {
            0 => return Ok(output),
            _ if output.len() > limit => {
                return Err(Failure::Refused(Error::inflated_too_large(limit, output.len())));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Unbounded};

    fn with_budget<T>(run: impl FnOnce(&mut Budget<'_>) -> T) -> T {
        let mut memory = Unbounded;
        run(&mut Budget::new(&mut memory, &Settings::default(), 0))
    }

    /// A brotli stream made by hand: stored, not compressed, with a window of 64 KiB.
    fn stored_brotli(text: &[u8]) -> Vec<u8> {
        // RFC 7932: WBITS 16 is the bit 0; a block of no compression; an empty last block.
        let length = text.len() - 1;
        let header = (length as u32) << 4 | 1 << 20;
        let mut stream = header.to_le_bytes()[..3].to_vec();
        stream.extend_from_slice(text);
        stream.push(0b11);
        stream
    }

    #[test]
    fn zstd_is_undone_up_to_the_limit() {
        let text = vec![b'x'; 300_000];
        let frame = zstd::encode_all(text.as_slice(), 3).unwrap();
        assert!(has_zstd_magic(&frame));
        assert_eq!(with_budget(|budget| unzstd(&frame, 300_000, budget)).unwrap(), text);
        let error = with_budget(|budget| unzstd(&frame, 299_999, budget)).unwrap_err();
        assert_eq!(error.status().as_u16(), 413);
        let cut = &frame[..frame.len() - 1];
        let error = with_budget(|budget| unzstd(cut, 300_000, budget)).unwrap_err();
        assert_eq!(error.to_string(), "failed to decode request: invalid zstd data");
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.long_distance_matching(true).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, &[b'x'; 100]).unwrap();
        let frame = encoder.finish().unwrap();
        let error = with_budget(|budget| unzstd(&frame, 1 << 20, budget)).unwrap_err();
        assert_eq!(error.status().as_u16(), 400);
    }

    #[test]
    fn brotli_is_undone_and_rubbish_refused() {
        let stream = stored_brotli(b"{\"a\":1}");
        assert_eq!(with_budget(|budget| unbrotli(&stream, 100, budget)).unwrap(), b"{\"a\":1}");
        for rubbish in [&b"rubbish"[..], &stream[..5], b""] {
            let error = with_budget(|budget| unbrotli(rubbish, 100, budget)).unwrap_err();
            assert_eq!(error.status().as_u16(), 400, "{rubbish:?}");
        }
    }

    #[test]
    fn a_window_is_what_the_stream_says() {
        assert_eq!(brotli_window(&[0b0]), 1 << 16);
        assert_eq!(brotli_window(&[0b1011]), 1 << 22);
        assert_eq!(brotli_window(&[0b0000_0001]), 1 << 17);
    }
}
