//! One embedded file, and how text is put in front of it without compressing it again.
//!
//! A gzip file is a header of ten bytes, blocks, and a trailer: checksum and length of the content.
//! References within blocks go back by a distance, so blocks mean the same wherever they stand. Text
//! goes before them as stored blocks; the trailer is made anew from what is known of both parts.

use std::io::Read;

use crc32fast::Hasher;
use flate2::read::GzDecoder;

/// Bytes before the first block.
const HEADER_BYTES: usize = 10;
/// Bytes of checksum and length after the last block.
const TRAILER_BYTES: usize = 8;
/// Most bytes that a stored block may have.
const STORED_BLOCK_BYTES: usize = 0xffff;

/// An embedded file.
#[derive(Debug)]
pub struct Asset {
    /// The file as gzip.
    pub gzip: &'static [u8],
    /// Its entity tag, a weak one: it holds for both encodings.
    pub etag: &'static str,
    pub(crate) crc: u32,
    pub(crate) length: u32,
}

impl Asset {
    /// The file itself, for a client that takes no gzip.
    pub fn inflated(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.length as usize);
        GzDecoder::new(self.gzip).read_to_end(&mut content).expect("embedded gzip is whole");
        content
    }

    /// Gzip of the text and then the file.
    pub fn gzip_after(&self, text: &[u8]) -> Vec<u8> {
        let (header, rest) = self.gzip.split_at(HEADER_BYTES);
        let (blocks, _) = rest.split_at(rest.len() - TRAILER_BYTES);
        let mut gzip = Vec::with_capacity(self.gzip.len() + text.len() + 64);
        gzip.extend(header);
        for part in text.chunks(STORED_BLOCK_BYTES) {
            let length = part.len() as u16;
            gzip.push(0);
            gzip.extend(length.to_le_bytes());
            gzip.extend((!length).to_le_bytes());
            gzip.extend(part);
        }
        gzip.extend(blocks);
        gzip.extend(self.crc_after(text).to_le_bytes());
        gzip.extend(self.length.wrapping_add(text.len() as u32).to_le_bytes());
        gzip
    }

    /// The entity tag of the text and then the file.
    pub fn etag_after(&self, text: &[u8]) -> String {
        format!("W/\"{}-{:08x}\"", crate::version(), self.crc_after(text))
    }

    fn crc_after(&self, text: &[u8]) -> u32 {
        let mut crc = Hasher::new();
        crc.update(text);
        crc.combine(&Hasher::new_with_initial_len(self.crc, self.length.into()));
        crc.finalize()
    }
}
