//! Rows become lines: a value for every span, whether something happened in it or not.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::super::asking::Rows;
use super::super::breakdown::{Broken, NONE, OTHER};
use super::super::range::Range;
use super::display::Display;
use super::statement::Asked;
use crate::Error;

/// The values of a series, or of one value of its breakdown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) breakdown: Option<String>,
    /// One for each span, or a single one.
    pub(super) values: Vec<f64>,
}

/// Reads the lines, those with the most first, and behind them what has no value and the others.
pub(super) fn read(
    rows: &Rows,
    asked: &Asked,
    smoothing: Option<usize>,
) -> Result<Vec<Line>, Error> {
    let spans = if asked.display.is_total() { 1 } else { asked.range.len() };
    let totals = rows.numbers("total")?;
    let breakdowns = match asked.broken {
        Some(_) => rows.texts("breakdown_value")?.into_iter().map(Some).collect(),
        None => vec![None; rows.len()],
    };
    let places = match asked.display.is_total() {
        true => vec![Some(0); rows.len()],
        false => places(rows, &asked.range)?,
    };
    let mut lines: Vec<Line> = Vec::new();
    let mut known: HashMap<Option<String>, usize> = HashMap::new();
    if asked.broken.is_none() {
        known.insert(None, 0);
        lines.push(Line { breakdown: None, values: vec![0.0; spans] });
    }
    for ((place, breakdown), total) in places.into_iter().zip(breakdowns).zip(totals) {
        let line = *known.entry(breakdown.clone()).or_insert_with(|| {
            lines.push(Line { breakdown, values: vec![0.0; spans] });
            lines.len() - 1
        });
        let value = place.and_then(|place| lines.get_mut(line)?.values.get_mut(place));
        if let Some(value) = value {
            *value += total;
        }
    }
    let rank = |line: &Line| match line.breakdown.as_deref() {
        Some(OTHER) => 2,
        Some(value) if value.contains(NONE) => 1,
        _ => 0,
    };
    lines.sort_by(|left, right| {
        let by_sum = right.sum().total_cmp(&left.sum());
        rank(left).cmp(&rank(right)).then(by_sum).then(left.breakdown.cmp(&right.breakdown))
    });
    for line in &mut lines {
        if asked.display.is_cumulative() {
            line.add_up();
        }
        line.smooth(smoothing.unwrap_or(1));
    }
    Ok(lines)
}

/// Which span each row is of.
fn places(rows: &Rows, range: &Range) -> Result<Vec<Option<usize>>, Error> {
    let spans: HashMap<_, _> =
        range.buckets.iter().enumerate().map(|(place, bucket)| (bucket.start, place)).collect();
    let days = rows.moments("day")?;
    Ok(days.into_iter().map(|day| spans.get(&day?).copied()).collect())
}

impl Line {
    pub(super) fn sum(&self) -> f64 {
        self.values.iter().sum()
    }

    fn add_up(&mut self) {
        let mut sum = 0.0;
        for value in &mut self.values {
            sum += *value;
            *value = sum;
        }
    }

    /// The whole part of the average over so many spans, or as many as there are before.
    fn smooth(&mut self, spans: usize) {
        if spans > 1 {
            let averages = (1..=self.values.len()).map(|end| {
                let window = self.values.get(end.saturating_sub(spans)..end).unwrap_or_default();
                (window.iter().sum::<f64>() / window.len() as f64).floor()
            });
            self.values = averages.collect();
        }
    }

    /// Whether it is in the answer.
    pub(super) fn is_shown(&self, broken: Option<&Broken>) -> bool {
        let is_other = self.breakdown.as_deref() == Some(OTHER);
        !is_other || broken.is_none_or(|broken| broken.shows_other)
    }

    /// As PostHog tells it.
    pub(super) fn told(&self, display: Display, range: &Range) -> Json {
        match display.is_total() {
            true => json!({
                "data": [],
                "days": [],
                "count": 0,
                "aggregated_value": self.values.first().copied().unwrap_or_default(),
            }),
            false => json!({
                "data": self.values,
                "days": range.days(),
                "count": match display.is_cumulative() {
                    true => self.values.last().copied().unwrap_or_default(),
                    false => self.sum(),
                },
            }),
        }
    }
}
