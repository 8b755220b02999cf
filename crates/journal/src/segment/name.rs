//! Names of segment files: the first offset in 20 digits, so that `ls` shows them in order.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::offset::Offset;

const DIGITS: usize = 20;
const SUFFIX: &str = ".segment";
const UNFINISHED_SUFFIX: &str = ".segment.tmp";

/// What a name in the journal's directory stands for. Other files there are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SegmentName {
    /// A segment that begins at this offset.
    Segment(Offset),
    /// A segment that never got its name, so nothing was ever acknowledged in it.
    Unfinished,
}

impl SegmentName {
    pub(crate) fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        if let Some(digits) = name.strip_suffix(UNFINISHED_SUFFIX) {
            return parse_digits(digits).map(|_| Self::Unfinished);
        }
        parse_digits(name.strip_suffix(SUFFIX)?).map(Self::Segment)
    }
}

/// Returns the path of the segment that begins at `first`.
pub(crate) fn segment_path(dir: &Path, first: Offset) -> PathBuf {
    dir.join(format!("{:0DIGITS$}{SUFFIX}", first.get()))
}

fn parse_digits(digits: &str) -> Option<Offset> {
    if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Offset::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_left_alone() {
        let path = segment_path(Path::new("journal"), Offset::new(42));
        assert_eq!(path, Path::new("journal/00000000000000000042.segment"));
        let parse = |name: &str| SegmentName::parse(OsStr::new(name));
        assert_eq!(
            parse("00000000000000000042.segment"),
            Some(SegmentName::Segment(Offset::new(42)))
        );
        assert_eq!(parse("00000000000000000042.segment.tmp"), Some(SegmentName::Unfinished));
        for other in [
            "lake.cursor",
            "42.segment",
            "+0000000000000000042.segment",
            "99999999999999999999.segment",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
