//! The web pages, embedded: what `npm run build` in `web/` has made, compressed once.
//!
//! A build that found nothing there has no pages, and [`get`] finds none.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::io::Read;

use flate2::read::GzDecoder;

mod table {
    //! What `build.rs` wrote, by path.

    use crate::Asset;

    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Its media type.
    pub media_type: &'static str,
    /// Its entity tag, a weak one: it holds for every encoding.
    pub etag: &'static str,
    is_gzip: bool,
    stored: &'static [u8],
}

impl Asset {
    /// The file as gzip, unless that would not be smaller.
    pub fn gzip(&self) -> Option<&'static [u8]> {
        self.is_gzip.then_some(self.stored)
    }

    /// The file itself.
    pub fn plain(&self) -> Vec<u8> {
        if !self.is_gzip {
            return self.stored.to_vec();
        }
        let mut content = Vec::new();
        GzDecoder::new(self.stored).read_to_end(&mut content).expect("embedded gzip is whole");
        content
    }
}

/// The file at a path, such as `index.html` or `assets/index-1a2b3c.js`.
pub fn get(path: &str) -> Option<&'static Asset> {
    let found = table::FILES.binary_search_by(|(name, _)| name.cmp(&path)).ok()?;
    table::FILES.get(found).map(|(_, asset)| asset)
}

/// The paths of all files.
pub fn paths() -> impl Iterator<Item = &'static str> {
    table::FILES.iter().map(|(path, _)| *path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_and_whole() {
        for path in paths() {
            let asset = get(path).unwrap();
            assert_eq!(asset.plain().is_empty(), asset.stored.is_empty(), "{path}");
            assert!(asset.etag.starts_with("W/\"") && asset.etag.ends_with('"'));
        }
        assert!(get("nothing.html").is_none());
        assert_eq!(get("index.html").is_some(), paths().next().is_some(), "all or nothing");
    }
}
