//! Numbers behind a sign, such as `Chrome/129.0`.

/// No browser has longer ones, and not every reader of JSON takes any number.
const LONGEST_DIGITS: usize = 9;

/// `major` or `major.minor` behind the first of these signs that has a number behind it.
pub(super) fn behind(text: &str, signs: &[&str]) -> Option<String> {
    let number = |sign: &&str| {
        text.match_indices(*sign).find_map(|(at, _)| leading(text.get(at + sign.len()..)?))
    };
    signs.iter().find_map(number)
}

fn leading(text: &str) -> Option<String> {
    let parts = parts(text, &['.'], 2);
    let major = parts.first()?;
    if parts.iter().any(|part| part.len() > LONGEST_DIGITS) {
        return None;
    }
    // As a JavaScript number is written: without what changes nothing.
    let minor = parts.get(1).map(|minor| minor.trim_end_matches('0')).filter(|m| !m.is_empty());
    let major = major.trim_start_matches('0');
    let major = if major.is_empty() { "0" } else { major };
    Some(minor.map_or(major.to_owned(), |minor| format!("{major}.{minor}")))
}

/// Up to so many numbers at the beginning of a text, between these separators.
pub(super) fn parts<'a>(text: &'a str, separators: &[char], at_most: usize) -> Vec<&'a str> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !separators.contains(&c));
    let digits = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    digits.split(separators).take_while(|part| !part.is_empty()).take(at_most).collect()
}

/// Three numbers with points between them, the last 0 where it is not said; nothing for fewer than
/// two.
pub(super) fn of_three(text: &str) -> Option<String> {
    match *parts(text, &['.', '_'], 3).as_slice() {
        [major, minor] => Some(format!("{major}.{minor}.0")),
        [major, minor, patch] => Some(format!("{major}.{minor}.{patch}")),
        _ => None,
    }
}
