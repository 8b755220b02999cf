//! Copies of the data folder: made while the server runs, checked, and put back.
//!
//! ```text
//! BACKUPS/
//!   2026-11-23T21-40-05.123456Z/      a backup, complete by itself
//!     manifest.json                   every file with its size and SHA-256
//!     manifest.json.sha256            the manifest's own, as sha256sum writes it
//!     data/                           the data folder
//!   2026-11-24T….partial/             one that is being made, or was cut short
//!   lock
//! ```
//!
//! A backup gets its name when all of it is on the disk. Files that the newest backup has already are linked
//! from there, so that a second backup takes little room; a backup may be removed without harm to others.
//!
//! # The cut
//!
//! Everything that says how far it has come in the journal is copied before the journal, and the journal as far
//! as it is durable then: so no cursor is ahead of it, and what lies between is done again by the next start.
//! Nothing that was copied as "there" may go before it is copied itself: the server holds segments and
//! replaced files for so long. It is asked to only after a first pass has copied what never changes, so that
//! the hold is short.

mod copier;
mod folder;
mod holder;
mod manifest;
mod restore;
mod take;

pub(crate) use self::copier::megabytes;
pub(crate) use self::folder::{Backup, Backups};
use self::manifest::Manifest;
pub(crate) use self::restore::{check, restore};
pub(crate) use self::take::{Taken, take};

/// The folder in a backup that is the data folder.
const DATA: &str = "data";
