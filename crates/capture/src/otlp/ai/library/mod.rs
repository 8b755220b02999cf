//! What single libraries say their own way. One file each, with the same two functions: `before`
//! and `after` the naming of what all say alike.

mod pydantic_ai;
mod traceloop;
mod vercel;

use super::draft::Draft;
use crate::Error;
use crate::memory::Budget;

/// A library with ways of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    PydanticAi,
    Traceloop,
    Vercel,
}

const LIBRARIES: [(Library, &[&str]); 3] = [
    (Library::PydanticAi, pydantic_ai::MARKS),
    (Library::Traceloop, traceloop::MARKS),
    (Library::Vercel, vercel::MARKS),
];

impl Library {
    /// The first that has left its mark among the attributes.
    pub(super) fn of(draft: &Draft) -> Option<Self> {
        let mut marked =
            LIBRARIES.iter().filter(|(_, marks)| marks.iter().any(|mark| draft.has(mark)));
        marked.next().map(|&(library, _)| library)
    }

    /// Runs the naming between what this library needs before and after it.
    pub(super) fn around(
        self,
        draft: &mut Draft,
        budget: &mut Budget<'_>,
        naming: fn(&mut Draft, &mut Budget<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::PydanticAi => {
                naming(draft, budget)?;
                pydantic_ai::after(draft, budget)
            }
            Self::Traceloop => {
                naming(draft, budget)?;
                traceloop::after(draft);
                Ok(())
            }
            Self::Vercel => {
                let said = vercel::before(draft, budget)?;
                naming(draft, budget)?;
                vercel::after(draft, &said, budget)
            }
        }
    }
}
