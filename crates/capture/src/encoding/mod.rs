//! What payloads are wrapped in. One file per wrapping.

mod base64;
mod content;
mod deflate;
mod gzip;
mod inflate;
mod lz_string;
mod streams;

pub(crate) use self::base64::decode as base64;
pub(crate) use content::undo as undo_content_encoding;
pub(crate) use deflate::inflate;
pub(crate) use gzip::{gunzip, has_magic as has_gzip_magic};
pub(crate) use lz_string::decompress as decompress_lz_string;
pub(crate) use streams::{has_zstd_magic, unbrotli, unzstd};
