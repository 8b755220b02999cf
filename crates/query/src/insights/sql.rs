//! Pieces of SQL that hold what a client said.
//!
//! Statements are text on purpose: what an insight shows is what was run, and it runs elsewhere too.
//! So there is one way for a value into a statement, and it is here.

use jiff::Timestamp;

/// A text literal. In this dialect, as in the standard, a quote alone needs care.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A number literal, always a floating-point one.
pub(crate) fn number(value: f64) -> String {
    format!("CAST({} AS DOUBLE)", text(&value.to_string()))
}

/// A moment, to the microsecond.
pub(crate) fn moment(value: Timestamp) -> String {
    format!("TIMESTAMPTZ '{}+00:00'", value.strftime("%Y-%m-%d %H:%M:%S%.6f"))
}

/// Text literals between commas.
pub(crate) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    values.into_iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Conditions that must all hold.
pub(crate) fn all(conditions: impl IntoIterator<Item = String>) -> String {
    joined(conditions, " AND ", "TRUE")
}

/// Conditions of which one must hold.
pub(crate) fn any(conditions: impl IntoIterator<Item = String>) -> String {
    joined(conditions, " OR ", "FALSE")
}

fn joined(conditions: impl IntoIterator<Item = String>, word: &str, of_none: &str) -> String {
    let conditions: Vec<String> = conditions.into_iter().collect();
    match conditions.as_slice() {
        [] => of_none.to_owned(),
        [only] => only.clone(),
        several => format!("({})", several.join(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_literal() {
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text("\\'; DROP TABLE events --"), "'\\''; DROP TABLE events --'");
    }

    #[test]
    fn conditions_keep_together() {
        let both = || ["a".to_owned(), "b".to_owned()];
        assert_eq!(all([any(both()), "c".to_owned()]), "((a OR b) AND c)");
        assert_eq!((all([]), any([])), ("TRUE".to_owned(), "FALSE".to_owned()));
    }

    #[test]
    fn moments_are_exact() {
        let micros = Timestamp::from_microsecond(1_760_000_000_123_456).unwrap();
        assert_eq!(moment(micros), "TIMESTAMPTZ '2025-10-09 08:53:20.123456+00:00'");
    }
}
