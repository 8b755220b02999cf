//! What is wrong with a question, and in which of its fields.

use std::fmt;

use crate::Error;

/// A field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    field: String,
    message: String,
}

/// Says what is wrong with a field.
pub(crate) fn wrong(field: impl Into<String>, message: impl Into<String>) -> Wrong {
    Wrong { field: field.into(), message: message.into() }
}

impl Wrong {
    /// A range that no calendar has.
    pub(crate) fn range(error: jiff::Error) -> Self {
        wrong("dateRange", error.to_string())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::Invalid(wrong.to_string())
    }
}
