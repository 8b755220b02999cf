//! Answers that are kept: who asks the same of the same version gets the same bytes.
//!
//! A version of the lake never changes, so an answer that rows alone decide holds as long as its version
//! is the newest: until the next event, merge or erasure. Answers of older versions are let go of.
//! What else decides an answer is part of its question: the format, whose rows there are, and, where
//! a question asks for times by how long ago they were, what time it is.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use jiff::Timestamp;
use lake::VersionNumber;
use lru::LruCache;
use metrics::counter;
use serde_json::Value as Json;

use crate::Format;
use crate::insights::{Kind, Project};

/// All kept answers together.
const MOST_BYTES: usize = 64 << 20;
/// A longer answer is asked for by somebody who fetches rows, and not again in a moment.
const ANSWER_BYTES: usize = 4 << 20;

/// Questions whose answer was there already, or was not, by `result`.
const KEPT_ANSWERS_TOTAL: &str = "hogflare_query_kept_answers_total";

/// Everything but the rows that decides an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    door: String,
    scope: String,
    text: String,
}

impl Question {
    pub(crate) fn sql(sql: &str, format: Format, teams: Option<&BTreeSet<i64>>) -> Self {
        Self { door: format!("{format:?}"), scope: format!("{teams:?}"), text: sql.to_owned() }
    }

    /// Times by how long ago they were hold for the quarter of an hour by which all time zones' days
    /// begin; what is finer, for the minute in which it was asked first.
    pub(crate) fn insight(kind: Kind, request: &Json, project: &Project, now: Timestamp) -> Self {
        let minute = now.as_second().div_euclid(60);
        let moment = if is_fine(request) { minute } else { minute.div_euclid(15) };
        let scope = format!("{moment} {project:?}");
        Self { door: format!("{kind:?}"), scope, text: request.to_string() }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.door.len() + self.scope.len() + self.text.len()
    }
}

/// Whether a request may have times that are not those of whole hours and days.
fn is_fine(request: &Json) -> bool {
    match request {
        Json::Bool(_) | Json::Null | Json::Number(_) => false,
        Json::Array(items) => items.iter().any(is_fine),
        Json::Object(members) => members.iter().any(|(name, value)| {
            *value == Json::Bool(true) && name == "explicitDate" || is_fine(value)
        }),
        Json::String(text) => {
            let unit = text.trim_end_matches("Start").trim_end_matches("End");
            let is_ago = || {
                let number = unit.trim_start_matches('-').trim_end_matches(['h', 'M', 's']);
                let is_counted = !number.is_empty() || unit.len() < text.len();
                is_counted
                    && number.len() < unit.len()
                    && number.bytes().all(|digit| digit.is_ascii_digit())
            };
            text.starts_with("is_date")
                || ["minute", "hour", "BoldNumber"].contains(&text.as_str())
                || is_ago()
        }
    }
}

/// Whether rows alone decide an answer, and not the time or chance.
pub(crate) fn is_of_rows(plan: &LogicalPlan) -> Result<bool> {
    let mut is_of_rows = true;
    plan.apply_with_subqueries(|node| {
        is_of_rows &= !matches!(node, LogicalPlan::Analyze(_));
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::ScalarFunction(call) = part {
                    is_of_rows &= call.func.signature().volatility == Volatility::Immutable;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(is_of_rows)
}

/// The answers of the newest version that was asked.
#[derive(Debug)]
pub(crate) struct KeptAnswers(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    version: VersionNumber,
    answers: LruCache<Question, Arc<[u8]>>,
    bytes: usize,
}

impl Default for KeptAnswers {
    fn default() -> Self {
        let (version, answers) = (VersionNumber::default(), LruCache::unbounded());
        Self(Mutex::new(Inner { version, answers, bytes: 0 }))
    }
}

impl KeptAnswers {
    /// The answer to a question, where it was given of this version.
    pub(crate) fn get(&self, version: VersionNumber, question: &Question) -> Option<Arc<[u8]>> {
        let mut inner = self.inner();
        let is_of_it = inner.version == version;
        let found = inner.answers.get(question).filter(|_| is_of_it).cloned();
        counter!(KEPT_ANSWERS_TOTAL, "result" => if found.is_some() { "hit" } else { "miss" })
            .increment(1);
        found
    }

    /// Keeps an answer, unless it is long or of an older version than others.
    pub(crate) fn keep(&self, version: VersionNumber, question: Question, answer: &[u8]) {
        let bytes = question.bytes() + answer.len();
        let mut inner = self.inner();
        if answer.len() > ANSWER_BYTES || version < inner.version {
            return;
        }
        if version > inner.version {
            inner.answers.clear();
            (inner.version, inner.bytes) = (version, 0);
        }
        if inner.answers.put(question.clone(), answer.into()).is_none() {
            inner.bytes += bytes;
        }
        while inner.bytes > MOST_BYTES {
            let Some((question, answer)) = inner.answers.pop_lru() else { break };
            inner.bytes = inner.bytes.saturating_sub(question.bytes() + answer.len());
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is kept once all of it was given.
#[derive(Debug)]
pub(crate) struct Keeping {
    kept: Arc<KeptAnswers>,
    version: VersionNumber,
    question: Question,
    answer: Vec<u8>,
    is_long: bool,
}

impl Keeping {
    pub(crate) fn of(kept: &Arc<KeptAnswers>, version: VersionNumber, question: Question) -> Self {
        Self { kept: kept.clone(), version, question, answer: Vec::new(), is_long: false }
    }

    pub(crate) fn take_in(&mut self, piece: &[u8]) {
        self.is_long |= self.answer.len() + piece.len() > ANSWER_BYTES;
        match self.is_long {
            true => self.answer = Vec::new(),
            false => self.answer.extend_from_slice(piece),
        }
    }

    pub(crate) fn finish(self) {
        if !self.is_long {
            self.kept.keep(self.version, self.question, &self.answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn days_are_coarse_and_hours_are_fine() {
        for coarse in [
            json!({ "dateRange": { "date_from": "-30d" }, "interval": "day", "explicitDate": false }),
            json!({ "dateRange": { "date_from": "-1mStart", "date_to": "2026-01-01" } }),
            json!({ "series": [{ "event": "s" }, { "event": "-health" }, { "event": "häuser" }] }),
        ] {
            assert!(!is_fine(&coarse), "{coarse}");
        }
        for fine in [
            json!({ "dateRange": { "date_from": "-24h" } }),
            json!({ "dateRange": { "date_from": "hStart" } }),
            json!({ "dateRange": { "date_from": "-7d", "explicitDate": true } }),
            json!({ "interval": "hour" }),
            json!({ "trendsFilter": { "display": "BoldNumber" } }),
            json!({ "properties": [{ "key": "at", "operator": "is_date_after", "value": "-3d" }] }),
        ] {
            assert!(is_fine(&fine), "{fine}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = KeptAnswers::default();
        let version = VersionNumber::default();
        let question = |number: usize| Question::sql(&number.to_string(), Format::Csv, None);
        let answer = vec![0; ANSWER_BYTES];
        for number in 0..40 {
            kept.keep(version, question(number), &answer);
        }
        assert!(kept.inner().bytes <= MOST_BYTES);
        assert_eq!(kept.inner().answers.len(), 15);
        assert!(kept.get(version, &question(0)).is_none());
        assert!(kept.get(version, &question(39)).is_some());
        kept.keep(version, question(50), &vec![0; ANSWER_BYTES + 1]);
        assert!(kept.get(version, &question(50)).is_none());
    }
}
