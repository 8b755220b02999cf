//! Which rows go to which stream.

use std::collections::BTreeSet;
use std::fmt;

use event::Row;
use xxhash_rust::xxh3::xxh3_64;

/// The rows of one stream: those of some tokens, and of these one part in several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    tokens: Tokens,
    part: u64,
    parts: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tokens {
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Route {
    /// Every row.
    pub fn everything() -> Self {
        Self::all_but(BTreeSet::new())
    }

    /// Rows of these tokens.
    pub fn only(tokens: BTreeSet<String>) -> Self {
        Self { tokens: Tokens::Only(tokens), part: 0, parts: 1 }
    }

    /// Rows of all tokens but these.
    pub fn all_but(tokens: BTreeSet<String>) -> Self {
        Self { tokens: Tokens::AllBut(tokens), part: 0, parts: 1 }
    }

    /// One of several parts of these rows; rows of one distinct id stay together.
    pub fn part(self, part: usize, parts: usize) -> Self {
        Self { part: part as u64, parts: parts.max(1) as u64, ..self }
    }

    /// Whether the row goes here.
    pub fn takes(&self, row: &Row) -> bool {
        let is_ours = match &self.tokens {
            Tokens::Only(tokens) => tokens.contains(&row.token),
            Tokens::AllBut(tokens) => !tokens.contains(&row.token),
        };
        is_ours
            && (self.parts == 1 || xxh3_64(row.distinct_id.as_bytes()) % self.parts == self.part)
    }
}

/// Says the route in a line, to notice that it changed.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, tokens) = match &self.tokens {
            Tokens::Only(tokens) => ("", tokens),
            Tokens::AllBut(tokens) => ("*-", tokens),
        };
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        write!(f, "{sign}{} {}/{}", tokens.join(","), self.part, self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(token: &str, distinct_id: &str) -> Row {
        Row { token: token.into(), distinct_id: distinct_id.into(), ..Row::default() }
    }

    #[test]
    fn every_row_goes_to_exactly_one_stream() {
        let own = BTreeSet::from(["phc_a".to_owned()]);
        let routes = [
            Route::only(own.clone()).part(0, 2),
            Route::only(own.clone()).part(1, 2),
            Route::all_but(own),
        ];
        for number in 0..100 {
            for token in ["phc_a", "phc_b", ""] {
                let row = row(token, &number.to_string());
                assert_eq!(routes.iter().filter(|route| route.takes(&row)).count(), 1);
            }
        }
        assert!(Route::everything().takes(&row("x", "y")));
    }
}
