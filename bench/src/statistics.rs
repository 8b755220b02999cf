//! Medians and percentiles.

use std::fmt;

/// Several runs' values of one figure.
#[derive(Debug)]
pub(crate) struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    /// Sorts the values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { sorted }
    }

    fn median(&self) -> Option<f64> {
        let middle = self.sorted.len() / 2;
        match self.sorted.len() % 2 {
            1 => self.sorted.get(middle).copied(),
            _ => Some((self.sorted.get(middle.checked_sub(1)?)? + self.sorted.get(middle)?) / 2.0),
        }
    }
}

/// `median (least–most)`; only the value where there is one run, and a dash where there is none.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(median) = self.median() else { return f.write_str("–") };
        write!(f, "{}", Short(median))?;
        match self.sorted.as_slice() {
            [least, .., most] => write!(f, " ({}–{})", Short(*least), Short(*most)),
            _ => Ok(()),
        }
    }
}

/// A number with three digits that count, and no exponent.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            0.0 => f.write_str("0"),
            value if value < 10.0 => write!(f, "{:.2}", self.0),
            value if value < 100.0 => write!(f, "{:.1}", self.0),
            _ => write!(f, "{:.0}", self.0),
        }
    }
}

/// The least value that so large a share of the sorted values does not exceed.
pub(crate) fn percentile(sorted: &[u32], share: f64) -> u32 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_says_median_and_range() {
        assert_eq!(Spread::of([3.0, 1.0, 200.4]).to_string(), "3.00 (1.00–200)");
        assert_eq!(Spread::of([10.0, 20.0]).to_string(), "15.0 (10.0–20.0)");
        assert_eq!(Spread::of([42.0]).to_string(), "42.0");
        assert_eq!(Spread::of([]).to_string(), "–");
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&sorted, 0.5), 50);
        assert_eq!(percentile(&sorted, 0.99), 99);
        assert_eq!(percentile(&sorted, 1.0), 100);
        assert_eq!(percentile(&[7], 0.5), 7);
        assert_eq!(percentile(&[], 0.5), 0);
    }
}
