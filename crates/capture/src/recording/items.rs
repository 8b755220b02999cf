//! The items of a session as arrays, each of which fits into a record.

use event::limits::RECORD_BYTES;

/// Longest array: what a record holds, less what stands beside the items.
const LONGEST_ARRAY: usize = RECORD_BYTES - 64 * 1024;

/// Raw arrays of all these arrays' items, and of these objects, in order; at least one. What was
/// sent in one piece stays together, however long it is.
pub(super) fn arrays<'s>(snapshots: &'s [&str]) -> impl Iterator<Item = String> + use<'s> {
    let runs = runs(snapshots);
    runs.into_iter().map(concatenated)
}

/// The pieces of each array.
fn runs<'s, 'a>(snapshots: &'s [&'a str]) -> Vec<&'s [&'a str]> {
    let mut runs = Vec::new();
    let (mut start, mut length) = (0, 0);
    for (index, raw) in snapshots.iter().enumerate() {
        if index > start && length + length_of(raw) > LONGEST_ARRAY {
            runs.extend(snapshots.get(start..index));
            (start, length) = (index, 0);
        }
        length += length_of(raw);
    }
    runs.extend(snapshots.get(start..));
    runs
}

/// What a piece takes at most in an array: its comma or bracket comes with it.
const fn length_of(raw: &str) -> usize {
    raw.len() + 2
}

fn concatenated(snapshots: &[&str]) -> String {
    let mut items = String::with_capacity(snapshots.iter().map(|raw| length_of(raw)).sum());
    items.push('[');
    for raw in snapshots {
        let inner = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']'));
        let inner = inner.unwrap_or(raw).trim_ascii();
        if !inner.is_empty() {
            if items.len() > 1 {
                items.push(',');
            }
            items.push_str(inner);
        }
    }
    items.push(']');
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(snapshots: &[&str]) -> Vec<usize> {
        arrays(snapshots).map(|items| items.len()).collect()
    }

    #[test]
    fn an_array_ends_where_the_next_piece_would_not_fit() {
        let piece = |length: usize| "1".repeat(length);
        let half = piece(LONGEST_ARRAY / 2 - 2);
        assert_eq!(lengths(&[&half, &half]), [LONGEST_ARRAY - 1]);
        assert_eq!(lengths(&[&half, &half, "1", "2"]), [LONGEST_ARRAY - 1, "[1,2]".len()]);
        let long = piece(LONGEST_ARRAY + 1);
        assert_eq!(lengths(&["1", &long, "2"]), [3, LONGEST_ARRAY + 3, 3]);
    }

    #[test]
    fn nothing_is_an_empty_array() {
        assert_eq!(arrays(&["[]"]).collect::<Vec<_>>(), ["[]"]);
        assert_eq!(arrays(&[]).collect::<Vec<_>>(), ["[]"]);
    }
}
