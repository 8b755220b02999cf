//! Days, as counts have them.

use std::collections::BTreeMap;

use event::Timestamp;

/// Rows by day since 1970-01-01.
pub(crate) type Days = BTreeMap<i32, u64>;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// `2024-01-31`.
pub(crate) fn text(day: i32) -> String {
    let mut text = Timestamp::from_micros(i64::from(day) * MICROS_PER_DAY).to_string();
    text.truncate(10);
    text
}

/// The day of such a text.
pub(crate) fn parse(text: &str) -> Option<i32> {
    let midnight: Timestamp = format!("{}T00:00:00Z", text.get(..10)?).parse().ok()?;
    Some(midnight.day())
}

/// Adds counts to others.
pub(crate) fn add(days: &mut Days, more: &Days) {
    for (day, rows) in more {
        *days.entry(*day).or_default() += rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for day in [0, 19_753, 20_780, -1] {
            assert_eq!(parse(&text(day)), Some(day));
        }
        assert_eq!(text(19_753), "2024-01-31");
        assert_eq!(parse("yesterday"), None);
    }
}
