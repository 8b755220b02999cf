//! Formulas over the lines of several series.

use super::super::formula::Formula;
use super::super::wrong::Wrong;
use super::TrendsFilter;
use super::values::Line;

/// A formula and its name.
pub(super) struct Named {
    formula: Formula,
    label: String,
}

/// The formulas of a request.
pub(super) fn of(filter: &TrendsFilter, series: usize) -> Result<Vec<Named>, Wrong> {
    let nodes = filter.formula_nodes.iter().flatten();
    let mut asked: Vec<(String, Option<String>, String)> = nodes
        .enumerate()
        .map(|(index, node)| {
            let field = format!("trendsFilter.formulaNodes[{index}].formula");
            (node.formula.clone(), node.custom_name.clone(), field)
        })
        .collect();
    if asked.is_empty() {
        let several = filter.formulas.iter().flatten().enumerate();
        asked = several
            .map(|(index, text)| (text.clone(), None, format!("trendsFilter.formulas[{index}]")))
            .collect();
    }
    if asked.is_empty() {
        let one = filter.formula.iter();
        asked = one.map(|text| (text.clone(), None, "trendsFilter.formula".to_owned())).collect();
    }
    let named = asked.into_iter().filter(|(text, ..)| !text.trim().is_empty());
    named
        .map(|(text, name, field)| {
            let formula = Formula::parse(&text, series, &field)?;
            Ok(Named { formula, label: name.unwrap_or_else(|| format!("Formula ({text})")) })
        })
        .collect()
}

impl Named {
    pub(super) fn label(&self) -> String {
        self.label.clone()
    }

    /// A line for each value of the breakdown that any series has, in the order in which they come.
    pub(super) fn lines(&self, series: &[Vec<Line>]) -> Vec<Line> {
        let mut breakdowns: Vec<&Option<String>> = Vec::new();
        for line in series.iter().flatten() {
            if !breakdowns.contains(&&line.breakdown) {
                breakdowns.push(&line.breakdown);
            }
        }
        breakdowns.into_iter().map(|breakdown| self.line(series, breakdown)).collect()
    }

    fn line(&self, series: &[Vec<Line>], breakdown: &Option<String>) -> Line {
        let of_value = |lines: &Vec<Line>| {
            let line = lines.iter().find(|line| line.breakdown == *breakdown);
            line.map(|line| line.values.clone()).unwrap_or_default()
        };
        let columns: Vec<Vec<f64>> = series.iter().map(of_value).collect();
        let spans = columns.iter().map(Vec::len).max().unwrap_or_default();
        let at = |place: usize| -> Vec<f64> {
            columns.iter().map(|column| column.get(place).copied().unwrap_or_default()).collect()
        };
        let values = (0..spans).map(|place| self.formula.value(&at(place))).collect();
        Line { breakdown: breakdown.clone(), values }
    }
}
