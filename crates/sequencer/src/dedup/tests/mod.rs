//! The window's promises, on a simulated disk.

mod failures;
mod limits;
mod model;
mod runs;
