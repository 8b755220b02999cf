//! Distinct ids that never make two persons one: what careless code sends for everyone at once.
//!
//! The list is PostHog's. Some are refused in any case, some only as they are spelt, and each also
//! within quotes. An id may be used all the same; only nothing is merged by it.

/// Longest distinct id in PostHog's database, in code points.
const LONGEST_CHARS: usize = 400;

/// Refused in any case.
const IN_ANY_CASE: [&str; 10] = [
    "anonymous",
    "guest",
    "distinctid",
    "distinct_id",
    "id",
    "not_authenticated",
    "email",
    "undefined",
    "true",
    "false",
];

/// Refused as they are spelt.
const AS_SPELT: [&str; 6] = ["[object Object]", "NaN", "None", "none", "null", "0"];

/// Whether persons may be merged by this distinct id.
pub(crate) fn is_mergeable(id: &str) -> bool {
    !is_blank(id) && !is_listed(id) && fits(id)
}

fn is_blank(id: &str) -> bool {
    id.chars().all(|char| char.is_whitespace() || char == '\u{feff}')
}

fn is_listed(id: &str) -> bool {
    let bare = unquoted(id);
    let is_as_spelt = |id: &str| AS_SPELT.contains(&id);
    let is_in_any_case = |id: &str| IN_ANY_CASE.iter().any(|word| word.eq_ignore_ascii_case(id));
    is_as_spelt(id)
        || is_in_any_case(id)
        || bare.is_some_and(|id| is_as_spelt(id) || is_in_any_case(id))
}

fn unquoted(id: &str) -> Option<&str> {
    let within = |quote| id.strip_prefix(quote)?.strip_suffix(quote);
    within('\'').or_else(|| within('"'))
}

fn fits(id: &str) -> bool {
    !id.contains('\0') && (id.len() <= LONGEST_CHARS || id.chars().count() <= LONGEST_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_everyone_merges_nobody() {
        let long = "é".repeat(LONGEST_CHARS + 1);
        let illegal = [
            "",
            "  ",
            "\u{feff}",
            "Anonymous",
            "'GUEST'",
            "\"undefined\"",
            "uNdEfInEd",
            "NaN",
            "'0'",
            "[object Object]",
            "\"null\"",
            "a\0b",
            &long,
        ];
        for id in illegal {
            assert!(!is_mergeable(id), "{id}");
        }
    }

    #[test]
    fn what_only_looks_like_it_merges() {
        let longest = "é".repeat(LONGEST_CHARS);
        for id in ["nan", "NULL", "00", " anonymous ", "''guest''", "user", "'guest\"", &longest] {
            assert!(is_mergeable(id), "{id}");
        }
    }
}
