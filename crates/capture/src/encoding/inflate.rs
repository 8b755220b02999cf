//! Inflating under a limit, with memory asked for before each growth.

use flate2::{Decompress, FlushDecompress, Status};

use crate::Error;
use crate::memory::Budget;

/// Less is not worth asking for.
const SMALLEST_BUFFER: usize = 4 * 1024;

/// The output of one payload, which may be several streams.
pub(super) struct Output<'b, 'm> {
    bytes: Vec<u8>,
    limit: usize,
    budget: &'b mut Budget<'m>,
}

/// Why a stream did not inflate.
pub(super) enum Failure {
    /// It is not what it says, or ends early.
    Corrupt,
    /// It is too large, or there is no memory for it.
    Refused(Error),
}

impl Failure {
    /// The error that it is, with the words for a corrupt stream.
    pub(super) fn because(self, why: &'static str) -> Error {
        match self {
            Self::Corrupt => Error::undecodable(why),
            Self::Refused(error) => error,
        }
    }
}

impl<'b, 'm> Output<'b, 'm> {
    pub(super) fn new(limit: usize, budget: &'b mut Budget<'m>) -> Self {
        let bytes = Vec::new();
        Self { bytes, limit, budget }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends one stream, of this size at a guess, and returns how many bytes of the input it took.
    pub(super) fn append(
        &mut self,
        input: &[u8],
        mut stream: Decompress,
        guess: usize,
    ) -> Result<usize, Failure> {
        self.grow(guess)?;
        loop {
            let taken = stream.total_in() as usize;
            let before = (taken, self.bytes.len());
            let rest = input.get(taken..).unwrap_or_default();
            let status = stream
                .decompress_vec(rest, &mut self.bytes, FlushDecompress::None)
                .map_err(|_| Failure::Corrupt)?;
            if self.bytes.len() > self.limit {
                let error = Error::inflated_too_large(self.limit, self.bytes.len());
                return Err(Failure::Refused(error));
            }
            let after = (stream.total_in() as usize, self.bytes.len());
            match status {
                Status::StreamEnd => return Ok(after.0),
                _ if self.bytes.len() == self.bytes.capacity() => self.grow(self.bytes.len())?,
                _ if before == after => return Err(Failure::Corrupt),
                _ => {}
            }
        }
    }

    /// Makes room for so many bytes more, but no more than show that the limit is passed.
    fn grow(&mut self, wanted: usize) -> Result<(), Failure> {
        let most = self.limit.saturating_add(1) - self.bytes.len();
        let spare = self.bytes.capacity() - self.bytes.len();
        let room = wanted.max(SMALLEST_BUFFER).min(most);
        if room > spare {
            self.budget.reserve(room - spare).map_err(Failure::Refused)?;
            self.bytes.reserve_exact(room);
        }
        Ok(())
    }
}
