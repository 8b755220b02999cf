//! Merging runs: a streaming pass over all inputs, in key order.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use journal::Offset;

use super::cursor::RunCursor;
use super::key::Key;
use super::run::{Run, Unusable};
use super::run_writer::RunWriter;

/// Keys between two pauses: a few milliseconds of work.
const KEYS_BETWEEN_PAUSES: u64 = 1 << 15;

/// Why a merge did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error("{} is damaged: {cause}", run.path.display())]
    Input { run: Arc<Run>, cause: Unusable },
    #[error("the merged run cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("it was interrupted")]
    Interrupted,
}

/// Writes the keys of all inputs, the oldest input first in the list.
///
/// A key in several of them keeps its oldest row. Between stretches of work `pause` may do something
/// more urgent, or break off.
pub(crate) fn merge(
    inputs: &[Arc<Run>],
    output: &mut RunWriter<'_>,
    mut pause: impl FnMut() -> ControlFlow<()>,
) -> Result<(), MergeError> {
    let mut cursors = inputs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut keys = 0_u64;
    while let Some((key, offset)) = smallest(&cursors) {
        output.push(key, offset)?;
        for cursor in &mut cursors {
            if cursor.head().is_some_and(|(head, _)| head == key) {
                advance(cursor)?;
            }
        }
        keys += 1;
        if keys.is_multiple_of(KEYS_BETWEEN_PAUSES) && pause().is_break() {
            return Err(MergeError::Interrupted);
        }
    }
    Ok(())
}

/// The smallest key at which a cursor stands, and its row in the oldest run.
fn smallest(cursors: &[RunCursor]) -> Option<(Key, Offset)> {
    let mut smallest: Option<(Key, Offset)> = None;
    for head in cursors.iter().filter_map(RunCursor::head) {
        if smallest.is_none_or(|(key, _)| head.0 < key) {
            smallest = Some(head);
        }
    }
    smallest
}

fn open(run: &Arc<Run>) -> Result<RunCursor, MergeError> {
    RunCursor::new(Arc::clone(run))
        .map_err(|cause| MergeError::Input { run: Arc::clone(run), cause })
}

fn advance(cursor: &mut RunCursor) -> Result<(), MergeError> {
    let advanced = cursor.advance();
    advanced.map_err(|cause| MergeError::Input { run: Arc::clone(cursor.run()), cause })
}
