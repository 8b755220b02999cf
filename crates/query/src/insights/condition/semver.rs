//! Ranges of versions: `~1.2.3`, `^1.2.3` and `1.2.*`.

use crate::insights::filter::Operator;

/// From which version on, and before which one.
pub(super) fn bounds(operator: Operator, asked: &str) -> Option<(String, String)> {
    match operator {
        Operator::SemverTilde => tilde(asked),
        Operator::SemverCaret => caret(asked),
        Operator::SemverWildcard => wildcard(asked),
        _ => None,
    }
}

/// Whether it is a version that can be compared with.
pub(super) fn is_version(asked: &str) -> bool {
    numbers(asked).is_some_and(|numbers| numbers.len() > 1)
}

/// The numbers before what a hyphen begins.
fn numbers(asked: &str) -> Option<Vec<u32>> {
    let version = asked.split('-').next()?;
    version.split('.').map(|number| number.parse().ok()).collect()
}

fn whole(numbers: &[u32]) -> String {
    let of = |index| numbers.get(index).copied().unwrap_or(0);
    format!("{}.{}.{}", of(0), of(1), of(2))
}

fn next(number: u32) -> u32 {
    number.saturating_add(1)
}

fn tilde(asked: &str) -> Option<(String, String)> {
    let numbers = numbers(asked)?;
    let end = match numbers.as_slice() {
        [major] => [next(*major), 0, 0],
        [major, minor, ..] => [*major, next(*minor), 0],
        [] => return None,
    };
    Some((whole(&numbers), whole(&end)))
}

fn caret(asked: &str) -> Option<(String, String)> {
    let numbers = numbers(asked)?;
    let of = |index| numbers.get(index).copied().unwrap_or(0);
    let end = match (of(0), of(1), of(2)) {
        (0, 0, patch) => [0, 0, next(patch)],
        (0, minor, _) => [0, next(minor), 0],
        (major, ..) => [next(major), 0, 0],
    };
    Some((whole(&numbers), whole(&end)))
}

fn wildcard(asked: &str) -> Option<(String, String)> {
    let numbers = numbers(asked.trim_end_matches(['.', '*']))?;
    match numbers.as_slice() {
        [major] => Some((whole(&numbers), whole(&[next(*major)]))),
        [major, minor] => Some((whole(&numbers), whole(&[*major, next(*minor)]))),
        [major, minor, patch, ..] => {
            let from = format!("{major}.{minor}.{patch}.0");
            Some((from, format!("{major}.{minor}.{}.0", next(*patch))))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_where_the_specification_says() {
        let of = |operator, asked| {
            let (from, to) = bounds(operator, asked).unwrap();
            format!("{from} {to}")
        };
        assert_eq!(of(Operator::SemverTilde, "1.2.3"), "1.2.3 1.3.0");
        assert_eq!(of(Operator::SemverTilde, "1"), "1.0.0 2.0.0");
        assert_eq!(of(Operator::SemverCaret, "1.2.3"), "1.2.3 2.0.0");
        assert_eq!(of(Operator::SemverCaret, "0.2.3"), "0.2.3 0.3.0");
        assert_eq!(of(Operator::SemverCaret, "0.0.3"), "0.0.3 0.0.4");
        assert_eq!(of(Operator::SemverWildcard, "1.*"), "1.0.0 2.0.0");
        assert_eq!(of(Operator::SemverWildcard, "1.2.*"), "1.2.0 1.3.0");
        assert_eq!(of(Operator::SemverWildcard, "1.2.3.*"), "1.2.3.0 1.2.4.0");
        assert_eq!(bounds(Operator::SemverTilde, "latest"), None);
    }
}
