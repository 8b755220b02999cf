//! The journal's promises, one file each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(unreachable_pub, reason = "everything here is one binary")]

mod clean_stops;
mod corruption;
mod failed_writes;
mod known_faults;
mod lying_disks;
mod model;
mod offsets;
mod power_loss;
mod readers;
mod real_disk;
mod recording;
mod retention;
mod space;
mod support;
