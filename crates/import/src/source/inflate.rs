//! Files that may be compressed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::progress::Bar;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 256 << 10;
/// Longest window of a zstd frame that is taken: 128 MiB, as `zstd --long` writes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Tells a bar what was read.
struct Counted {
    file: File,
    bar: Option<Arc<Bar>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        if let Some(bar) = &self.bar {
            bar.read(read as u64);
        }
        Ok(read)
    }
}

/// A file's text. Brotli has no mark of its own, so its name tells.
pub(super) fn open(path: &Path, bar: Option<&Arc<Bar>>) -> anyhow::Result<Box<dyn BufRead>> {
    let file = Counted { file: File::open(path)?, bar: bar.map(Arc::clone) };
    let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
    let head = file.fill_buf()?;
    let is_brotli = path.extension().is_some_and(|end| end == "br");
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        buffered(flate2::bufread::MultiGzDecoder::new(file))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut inflating = zstd::stream::read::Decoder::with_buffer(file)?;
        inflating.window_log_max(ZSTD_WINDOW_LOG)?;
        buffered(inflating)
    } else if is_brotli {
        buffered(brotli_decompressor::Decompressor::new(file, BUFFER_BYTES))
    } else {
        Box::new(file)
    })
}

fn buffered(inflating: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, inflating))
}

/// Whether these are the first bytes of an archive or a compression that is not known here.
pub(super) fn is_unknown(head: [u8; 4]) -> bool {
    /// zip, xz, bzip2, lz4.
    const MARKS: [&[u8]; 4] = [b"PK\x03\x04", b"\xfd7zX", b"BZh", b"\x04\x22\x4d\x18"];
    MARKS.iter().any(|mark| head.starts_with(mark))
}
