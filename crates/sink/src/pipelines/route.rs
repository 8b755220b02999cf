//! Which rows go to which stream.

use std::collections::BTreeSet;

use event::Row;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The rows of one stream: those of some tokens, and of these one part in several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Route {
    tokens: Tokens,
    part: u64,
    parts: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
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
        self.takes_event(&row.token, &row.distinct_id)
    }

    /// Whether the row of an event of this token and distinct id goes here.
    pub fn takes_event(&self, token: &str, distinct_id: &str) -> bool {
        let is_ours = match &self.tokens {
            Tokens::Only(tokens) => tokens.contains(token),
            Tokens::AllBut(tokens) => !tokens.contains(token),
        };
        is_ours && (self.parts == 1 || xxh3_64(distinct_id.as_bytes()) % self.parts == self.part)
    }

    /// The same tokens, all of their rows.
    pub fn whole(self) -> Self {
        self.part(0, 1)
    }

    /// Whether some row could go both here and there.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let same_token = match (&self.tokens, &other.tokens) {
            (Tokens::AllBut(_), Tokens::AllBut(_)) => true,
            (Tokens::Only(ours), Tokens::Only(theirs)) => !ours.is_disjoint(theirs),
            (Tokens::Only(only), Tokens::AllBut(but))
            | (Tokens::AllBut(but), Tokens::Only(only)) => !only.is_subset(but),
        };
        same_token && (self.parts != other.parts || self.part == other.part)
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

    #[test]
    fn routes_overlap_where_a_row_could_go_to_both() {
        let a = || BTreeSet::from(["phc_a".to_owned()]);
        let b = || BTreeSet::from(["phc_b".to_owned()]);
        assert!(!Route::only(a()).overlaps(&Route::only(b())));
        assert!(!Route::only(a()).overlaps(&Route::all_but(a())));
        assert!(!Route::only(a()).part(0, 2).overlaps(&Route::only(a()).part(1, 2)));
        assert!(Route::only(a()).part(0, 2).overlaps(&Route::only(a()).part(1, 3)));
        assert!(Route::only(a()).overlaps(&Route::all_but(b())));
        assert!(Route::everything().overlaps(&Route::all_but(a())));
    }
}
