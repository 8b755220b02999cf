//! The window's promises, on a simulated disk.

mod failures;
mod full_size;
mod limits;
mod model;
mod runs;
