//! The prepared statements of a connection, or its portals: what they are called, and what they weigh.

use std::collections::HashMap;

use pgwire::api::DEFAULT_NAME;
use pgwire::error::PgWireResult;

use crate::error::wrong;

/// How many there may be.
const MOST: usize = 1_000;
/// What all of them may weigh, in bytes.
const MOST_BYTES: usize = 16 << 20;
/// PostgreSQL cuts names off at 63; nobody needs longer ones.
const LONGEST: usize = 255;

/// By name what it weighs.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, usize>);

impl Names {
    /// Takes one in, in place of another of its name.
    ///
    /// # Errors
    /// When there are too many, or they are too heavy; then it is not taken in.
    pub(crate) fn add(&mut self, name: Option<&str>, bytes: usize) -> PgWireResult<()> {
        let name = name.unwrap_or(DEFAULT_NAME);
        if name.len() > LONGEST {
            return Err(wrong("42622", format!("a name is longer than {LONGEST} bytes")));
        }
        let others = self.0.iter().filter(|(other, _)| *other != name);
        let (count, held) =
            others.fold((0, 0), |(count, held), (_, bytes)| (count + 1, held + bytes));
        if count >= MOST || held + bytes > MOST_BYTES {
            let message = format!(
                "more than {MOST} prepared statements or portals, or more than {MOST_BYTES} bytes of them: \
                 close some"
            );
            return Err(wrong("54000", message));
        }
        self.0.insert(name.to_owned(), bytes);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_end_of_names_and_of_bytes() {
        let mut names = Names::default();
        for number in 0..MOST {
            names.add(Some(&number.to_string()), 1).unwrap();
        }
        assert!(names.add(Some("more"), 1).is_err());
        names.add(Some("7"), 2).unwrap();
        names.remove("7");
        names.add(Some("more"), 1).unwrap();
        names.clear();
        names.add(None, MOST_BYTES).unwrap();
        assert!(names.add(Some("a"), 1).is_err());
        names.add(None, 5).unwrap();
        names.add(Some("a"), 1).unwrap();
        assert!(names.add(Some(&"x".repeat(LONGEST + 1)), 1).is_err());
    }
}
