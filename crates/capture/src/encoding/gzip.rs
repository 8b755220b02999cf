//! Gzip. posthog-js 1.449 sends it without any marker, so the magic bytes decide, never a hint.

use flate2::Decompress;

use super::inflate::Output;
use crate::Error;
use crate::memory::Budget;

const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
const LARGEST_WINDOW_BITS: u8 = 15;

/// Whether these bytes are gzip.
pub(crate) fn has_magic(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Decompresses all members; what follows the last one is ignored, as `gzip` does.
pub(crate) fn gunzip(
    mut input: &[u8],
    limit: usize,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, Error> {
    let mut output = Output::new(limit, budget);
    while has_magic(input) {
        let stream = Decompress::new_gzip(LARGEST_WINDOW_BITS);
        let taken = output
            .append(input, stream, likely_size(input))
            .map_err(|failure| failure.because("invalid GZIP data"))?;
        input = input.get(taken..).unwrap_or_default();
    }
    Ok(output.into_bytes())
}

/// The size that the last four bytes state, where it is possible, and a little room to end in.
fn likely_size(input: &[u8]) -> usize {
    /// Deflate cannot expand further.
    const LARGEST_RATIO: usize = 1032;
    let stated = input.last_chunk().map_or(0, |size| u32::from_le_bytes(*size)) as usize;
    stated.min(input.len().saturating_mul(LARGEST_RATIO)) + 64
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::{Busy, Memory, Settings, Unbounded};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn gunzip_up_to(input: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &Settings::default(), 0);
        gunzip(input, limit, &mut budget)
    }

    #[test]
    fn concatenated_members_are_one_payload() {
        let mut input = gzip(b"{\"a\":");
        input.extend(gzip(b"1}"));
        input.extend(b"\0\0\0");
        assert_eq!(gunzip_up_to(&input, 100).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn a_truncated_or_damaged_stream_is_refused() {
        let whole = gzip(&[b'x'; 10_000]);
        let mut damaged = whole.clone();
        let checksum = damaged.len() - 8;
        damaged[checksum] ^= 1;
        for input in [&whole[..whole.len() - 1], &whole[..12], &damaged] {
            let error = gunzip_up_to(input, 1 << 20).unwrap_err();
            assert_eq!(error.to_string(), "failed to decode request: invalid GZIP data");
        }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
        let input = gzip(&vec![b'x'; 100_000]);
        assert_eq!(gunzip_up_to(&input, 100_000).unwrap().len(), 100_000);
        let error = gunzip_up_to(&input, 99_999).unwrap_err();
        assert_eq!(error.status().as_u16(), 413);
    }

    #[test]
    fn a_bomb_stops_at_the_budget_and_not_after_it() {
        struct Small {
            left: usize,
        }
        impl Memory for Small {
            fn reserve(&mut self, bytes: usize) -> Result<(), Busy> {
                self.left = self.left.checked_sub(bytes).ok_or(Busy)?;
                Ok(())
            }
        }
        let bomb = gzip(&vec![0; 50 << 20]);
        let mut small = Small { left: 1 << 20 };
        let mut budget = Budget::new(&mut small, &Settings::default(), 0);
        assert_eq!(gunzip(&bomb, 100 << 20, &mut budget), Err(Error::Busy));
    }
}
