//! The names of run files: `{begin:020}-{end:020}.keys`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use journal::Offset;

const SUFFIX: &str = ".keys";
const TEMPORARY_SUFFIX: &str = ".tmp";
const ASIDE_SUFFIX: &str = ".aside";

/// What a file in the directory is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A run that covers these rows.
    Run { begin: Offset, end: Offset },
    /// A file whose writing was cut short.
    Temporary,
    /// Something else, left alone.
    Other,
}

impl Name {
    pub(crate) fn parse(name: &OsStr) -> Self {
        let Some(name) = name.to_str() else { return Self::Other };
        if name.ends_with(TEMPORARY_SUFFIX) {
            return Self::Temporary;
        }
        parse_run(name).unwrap_or(Self::Other)
    }
}

/// The path of a run.
pub(crate) fn run_path(dir: &Path, begin: Offset, end: Offset) -> PathBuf {
    dir.join(format!("{:020}-{:020}{SUFFIX}", begin.get(), end.get()))
}

/// The path under which a run is written before it is whole.
pub(crate) fn temporary_path(path: &Path) -> PathBuf {
    with_suffix(path, TEMPORARY_SUFFIX)
}

/// The path to which a run that cannot be used is moved.
pub(crate) fn aside_path(path: &Path) -> PathBuf {
    with_suffix(path, ASIDE_SUFFIX)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(suffix);
    path.with_file_name(name)
}

fn parse_run(name: &str) -> Option<Name> {
    let (begin, end) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let (begin, end) = (begin.parse().ok()?, end.parse().ok()?);
    (begin < end).then_some(Name::Run { begin: Offset::new(begin), end: Offset::new(end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_are() {
        let (begin, end) = (Offset::new(3), Offset::new(70));
        let path = run_path(Path::new("d"), begin, end);
        let parse = |path: &Path| Name::parse(path.file_name().unwrap());
        assert_eq!(parse(&path), Name::Run { begin, end });
        assert_eq!(parse(&temporary_path(&path)), Name::Temporary);
        assert_eq!(parse(&aside_path(&path)), Name::Other);
        assert_eq!(Name::parse(OsStr::new("7-7.keys")), Name::Other);
    }
}
