//! Answers that are kept: who asks the same of the same version gets the same bytes.
//!
//! A version of the lake never changes, so an answer that rows alone decide holds as long as its version
//! is the newest: until the next event, merge or erasure. What else decides an answer is part of its
//! question: the format, whose rows there are, and, where a question asks for times by how long ago they
//! were, what time it is.
//!
//! Where events come all the time no answer would hold for long. So those of insights, which are numbers,
//! are kept for some minutes more, for whoever would rather see an older one at once. Rows and lists of
//! persons never are, and an erasure lets go of all.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use jiff::Timestamp;
use lake::{Version, VersionNumber};
use lru::LruCache;
use metrics::counter;
use serde_json::Value as Json;

use crate::Format;
use crate::insights::{Kind, Project};

/// All kept answers together.
const MOST_BYTES: usize = 64 << 20;
/// How old an answer may be.
pub(crate) const MOST_AGE: Duration = Duration::from_mins(10);
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
    /// Whether an older answer may serve.
    may_be_old: bool,
}

impl Question {
    pub(crate) fn sql(sql: &str, format: Format, teams: Option<&BTreeSet<i64>>) -> Self {
        let (door, scope) = (format!("{format:?}"), format!("{teams:?}"));
        Self { door, scope, text: sql.to_owned(), may_be_old: false }
    }

    /// Times by how long ago they were hold for the quarter of an hour by which all time zones' days
    /// begin; what is finer, for the minute in which it was asked first.
    pub(crate) fn insight(kind: Kind, request: &Json, project: &Project, now: Timestamp) -> Self {
        let minute = now.as_second().div_euclid(60);
        let moment = if is_fine(request) { minute } else { minute.div_euclid(15) };
        let scope = format!("{moment} {project:?}");
        // Errors are shown with whole events.
        let may_be_old = kind != Kind::Errors && request.get("persons").is_none();
        Self { door: format!("{kind:?}"), scope, text: request.to_string(), may_be_old }
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

/// What is known of the tables that an answer is of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Of {
    pub(crate) version: VersionNumber,
    /// How many erasures there were.
    pub(crate) erasures: u64,
}

impl From<&Version> for Of {
    fn from(version: &Version) -> Self {
        Self { version: version.number(), erasures: version.erasure_count() }
    }
}

/// The answers of the newest version that was asked, and for a while those before.
#[derive(Debug)]
pub(crate) struct KeptAnswers(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    newest: Of,
    answers: LruCache<Question, KeptAnswer>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct KeptAnswer {
    answer: Arc<[u8]>,
    version: VersionNumber,
    since: Instant,
}

impl Default for KeptAnswers {
    fn default() -> Self {
        let (newest, answers) = (Of::default(), LruCache::unbounded());
        Self(Mutex::new(Inner { newest, answers, bytes: 0 }))
    }
}

impl KeptAnswers {
    /// The answer to a question, where it was given of this version.
    pub(crate) fn get(&self, version: VersionNumber, question: &Question) -> Option<Arc<[u8]>> {
        let found = self.inner().answers.get(question).cloned();
        let found = found.filter(|kept| kept.version == version);
        counter!(KEPT_ANSWERS_TOTAL, "result" => if found.is_some() { "hit" } else { "miss" })
            .increment(1);
        found.map(|kept| kept.answer)
    }

    /// The last answer to a question, and how old it is: nothing, where it was given of this version.
    pub(crate) fn get_old(
        &self,
        of: Of,
        question: &Question,
        most_age: Duration,
    ) -> Option<(Arc<[u8]>, Duration)> {
        let mut inner = self.inner();
        inner.move_to(of);
        let kept = inner.answers.get(question)?;
        let age = match kept.version == of.version {
            true => Duration::ZERO,
            false => kept.since.elapsed(),
        };
        (age <= most_age.min(MOST_AGE)).then(|| (kept.answer.clone(), age))
    }

    /// Keeps an answer, unless it is long or of an older version than others.
    pub(crate) fn keep(&self, of: Of, question: Question, answer: &[u8]) {
        let mut inner = self.inner();
        if answer.len() > ANSWER_BYTES || of.version < inner.newest.version {
            return;
        }
        inner.move_to(of);
        inner.bytes += question.bytes() + answer.len();
        let version = of.version;
        let kept = KeptAnswer { answer: answer.into(), version, since: Instant::now() };
        if let Some((question, before)) = inner.answers.push(question, kept) {
            inner.let_go(&question, &before);
        }
        while inner.bytes > MOST_BYTES {
            let Some((question, kept)) = inner.answers.pop_lru() else { break };
            inner.let_go(&question, &kept);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Lets go of what nobody may be shown any more, now that there is this version.
    fn move_to(&mut self, of: Of) {
        if of.version <= self.newest.version {
            return;
        }
        let is_erased = of.erasures != self.newest.erasures;
        self.newest = of;
        let is_over = |(question, kept): &(&Question, &KeptAnswer)| {
            is_erased || !question.may_be_old || kept.since.elapsed() > MOST_AGE
        };
        let over = self.answers.iter().filter(is_over);
        let over: Vec<Question> = over.map(|(question, _)| question.clone()).collect();
        for question in over {
            if let Some(kept) = self.answers.pop(&question) {
                self.let_go(&question, &kept);
            }
        }
    }

    fn let_go(&mut self, question: &Question, kept: &KeptAnswer) {
        self.bytes = self.bytes.saturating_sub(question.bytes() + kept.answer.len());
    }
}

/// An answer that is kept once all of it was given.
#[derive(Debug)]
pub(crate) struct Keeping {
    kept: Arc<KeptAnswers>,
    of: Of,
    question: Question,
    answer: Vec<u8>,
    is_long: bool,
}

impl Keeping {
    pub(crate) fn of(kept: &Arc<KeptAnswers>, of: Of, question: Question) -> Self {
        Self { kept: kept.clone(), of, question, answer: Vec::new(), is_long: false }
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
            self.kept.keep(self.of, self.question, &self.answer);
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
    fn an_older_answer_serves_whoever_asks_for_one_until_somebody_is_erased() {
        let kept = KeptAnswers::default();
        let next = |erasures| Of { version: VersionNumber::next(), erasures };
        let [first, second, third, erased] = [next(0), next(0), next(0), next(1)];
        let (project, now) = (Project::new(1), Timestamp::UNIX_EPOCH);
        let asked = |request| Question::insight(Kind::Trends, &request, &project, now);
        let numbers = asked(json!({ "series": [] }));
        let persons = asked(json!({ "series": [], "persons": {} }));
        let rows = Question::sql("SELECT 1", Format::Csv, None);
        for question in [&numbers, &persons, &rows] {
            kept.keep(first, question.clone(), b"1");
            let (answer, age) = kept.get_old(first, question, Duration::ZERO).unwrap();
            assert_eq!((&*answer, age), (b"1".as_slice(), Duration::ZERO));
        }
        let bytes = kept.inner().bytes;
        std::thread::sleep(Duration::from_millis(1));
        let minute = Duration::from_mins(1);
        let (answer, age) = kept.get_old(second, &numbers, minute).unwrap();
        assert!(&*answer == b"1" && !age.is_zero());
        assert!(kept.get_old(second, &numbers, Duration::ZERO).is_none());
        assert!(kept.get(second.version, &numbers).is_none());
        for question in [&persons, &rows] {
            assert!(kept.get_old(second, question, minute).is_none());
        }
        assert!(kept.inner().bytes < bytes);
        kept.keep(second, numbers.clone(), b"2");
        assert_eq!(&*kept.get_old(third, &numbers, minute).unwrap().0, b"2");
        assert!(kept.get_old(erased, &numbers, minute).is_none());
        let inner = kept.inner();
        assert_eq!((inner.answers.len(), inner.bytes), (0, 0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = KeptAnswers::default();
        let (of, version) = (Of::default(), VersionNumber::default());
        let question = |number: usize| Question::sql(&number.to_string(), Format::Csv, None);
        let answer = vec![0; ANSWER_BYTES];
        for number in 0..40 {
            kept.keep(of, question(number), &answer);
        }
        assert!(kept.inner().bytes <= MOST_BYTES);
        assert_eq!(kept.inner().answers.len(), 15);
        assert!(kept.get(version, &question(0)).is_none());
        assert!(kept.get(version, &question(39)).is_some());
        kept.keep(of, question(50), &vec![0; ANSWER_BYTES + 1]);
        assert!(kept.get(version, &question(50)).is_none());
    }
}
