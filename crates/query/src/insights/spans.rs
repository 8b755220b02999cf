//! In which span of a range a moment is.

use super::range::Range;
use crate::interval::Bucket;

/// The edges of a range's spans. The next event is mostly in the span of the last one, so that is
/// asked first.
#[derive(Debug)]
pub(super) struct Spans {
    /// When each begins, and at last when the last one ends, in microseconds.
    edges: Vec<i64>,
    last: usize,
}

impl Spans {
    pub(super) fn of(range: &Range) -> Self {
        Self::over(&range.buckets)
    }

    /// Spans that follow each other.
    pub(super) fn over(buckets: &[Bucket]) -> Self {
        let mut edges: Vec<i64> =
            buckets.iter().map(|bucket| bucket.start.as_microsecond()).collect();
        edges.extend(buckets.last().map(|bucket| bucket.end.as_microsecond()));
        Self::between(edges)
    }

    /// Spans that begin and end so.
    pub(super) const fn between(edges: Vec<i64>) -> Self {
        Self { edges, last: 0 }
    }

    /// Words of 64 bits that have a bit for each.
    pub(super) fn words(&self) -> usize {
        self.edges.len().saturating_sub(1).div_ceil(64)
    }

    /// The place of a moment's span; `None` where it is in none.
    pub(super) fn place(&mut self, time: i64) -> Option<usize> {
        let is_in = |span: usize| match self.edges.get(span..span + 2) {
            Some([start, end]) => (*start..*end).contains(&time),
            _ => false,
        };
        if is_in(self.last) {
            return Some(self.last);
        }
        let span = self.edges.partition_point(|edge| *edge <= time).checked_sub(1)?;
        if !is_in(span) {
            return None;
        }
        self.last = span;
        Some(span)
    }
}

/// Sets the bit of a span, of whoever's words begin there.
pub(super) fn set(bits: &mut [u64], from: usize, span: usize) {
    bits[from + span / 64] |= 1 << (span % 64);
}

/// The spans whose bits are set.
pub(super) fn places(words: &[u64]) -> impl Iterator<Item = usize> + Clone {
    words.iter().enumerate().flat_map(|(place, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(place * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_places() {
        let mut bits = [0; 3];
        [0, 63, 64].into_iter().for_each(|span| set(&mut bits, 1, span));
        assert_eq!(places(&bits[1..]).collect::<Vec<_>>(), [0, 63, 64]);
    }

    #[test]
    fn a_span_has_its_first_moment_and_not_its_end() {
        let mut spans = Spans::between(vec![10, 20, 30]);
        let places = [9, 10, 19, 20, 29, 30, 10].map(|time| spans.place(time));
        assert_eq!(places, [None, Some(0), Some(0), Some(1), Some(1), None, Some(0)]);
        assert_eq!(spans.words(), 1);
    }
}
