//! Insights: questions that dashboards ask, in PostHog's words and with its meaning.
//!
//! A request is what PostHog saves of an insight. It becomes SQL, as text: what an answer shows is what
//! was run, and it runs at `/api/sql` and, with the views and macros of `docs/insights.md`, in DuckDB.
//! What comes back is put together here: spans without events, sums, formulas.
//!
//! ```text
//! request ─▶ range + conditions + breakdown ─▶ SQL ─▶ rows ─▶ answer
//!                                               └─ with a point: the persons behind it
//! ```
//!
//! One file a kind, its meaning on top.

mod asking;
mod breakdown;
mod check;
mod condition;
mod errors;
mod filter;
mod formula;
mod funnels;
mod lifecycle;
mod paths;
mod people;
mod persons;
mod presence;
mod property;
mod range;
mod request;
mod retention;
mod scope;
mod series;
mod spans;
mod sql;
mod stickiness;
mod texts;
mod trends;
mod web;
mod wrong;

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub use breakdown::{Breakdown, BreakdownFilter};
pub use errors::{ErrorDirection, ErrorOrder, Errors};
pub use filter::{
    Filter, FilterGroup, Filters, Logic, Operator, PropertyFilter, PropertyType, Value,
};
pub use funnels::{Attribution, Exclusion, Funnels, FunnelsFilter, Order, Shown, WindowUnit};
pub use lifecycle::{Lifecycle, LifecycleFilter};
pub use paths::{PathCleaning, PathType, Paths, PathsFilter};
pub use persons::{Period, Point};
pub use range::DateRange;
pub use retention::{
    Retention, RetentionEntity, RetentionEntityKind, RetentionEntityType, RetentionFilter,
    RetentionPeriod, RetentionType, TimeWindowMode,
};
pub use series::{Math, MathPropertyType, Node, NodeKind};
pub use stickiness::{ComputedAs, CountOperator, Stickiness, StickinessCriteria, StickinessFilter};
pub use trends::{CompareFilter, Display, FormulaNode, Trends, TrendsFilter};

pub use web::{WebBreakdown, WebColumn, WebDirection, WebOverview, WebTable};

pub(crate) use people::OfId;

use crate::kept::{Of, Question};
use crate::{Engine, Error, WeekStart};
use asking::Asking;

/// What kinds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// How much of what, when.
    Trends,
    /// How many go on from step to step.
    Funnels,
    /// How many come again.
    Retention,
    /// Who is new, comes again, comes back and stays away.
    Lifecycle,
    /// On how many days people come.
    Stickiness,
    /// From where to where people go.
    Paths,
    /// What goes wrong, by issue.
    Errors,
    /// Visitors, views and sessions of a website.
    WebOverview,
    /// Likewise, by page, source and so on.
    WebTable,
}

impl Kind {
    /// All of them, with the names of their doors.
    pub const ALL: [(&'static str, Self); 9] = [
        ("trends", Self::Trends),
        ("funnels", Self::Funnels),
        ("retention", Self::Retention),
        ("lifecycle", Self::Lifecycle),
        ("stickiness", Self::Stickiness),
        ("paths", Self::Paths),
        ("errors", Self::Errors),
        ("web-overview", Self::WebOverview),
        ("web-table", Self::WebTable),
    ];

    /// The name of its request among [`schemas`].
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Trends => "Trends",
            Self::Funnels => "Funnels",
            Self::Retention => "Retention",
            Self::Lifecycle => "Lifecycle",
            Self::Stickiness => "Stickiness",
            Self::Paths => "Paths",
            Self::Errors => "Errors",
            Self::WebOverview => "WebOverview",
            Self::WebTable => "WebTable",
        }
    }

    /// What PostHog calls a request of the kind.
    const fn name_of_request(self) -> &'static str {
        match self {
            Self::Trends => "TrendsQuery",
            Self::Funnels => "FunnelsQuery",
            Self::Retention => "RetentionQuery",
            Self::Lifecycle => "LifecycleQuery",
            Self::Stickiness => "StickinessQuery",
            Self::Paths => "PathsQuery",
            Self::Errors => "ErrorTrackingQuery",
            Self::WebOverview => "WebOverviewQuery",
            Self::WebTable => "WebStatsTableQuery",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("{name} is none of {}", names.join(", "))
        })
    }
}

/// The schemas of all requests and what they are made of, by name.
pub fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    with::<Trends>(&mut schemas);
    with::<Funnels>(&mut schemas);
    with::<Retention>(&mut schemas);
    with::<Lifecycle>(&mut schemas);
    with::<Stickiness>(&mut schemas);
    with::<Paths>(&mut schemas);
    with::<Errors>(&mut schemas);
    with::<WebOverview>(&mut schemas);
    with::<WebTable>(&mut schemas);
    schemas.sort_by(|left, right| left.0.cmp(&right.0));
    schemas.dedup_by(|left, right| left.0 == right.0);
    schemas
}

/// A type's schema and those that it names.
fn with<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

/// Whose insights are asked for, and what its people have settled for all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Its number.
    pub team: i64,
    /// Where its days begin.
    pub time_zone: TimeZone,
    /// When its weeks begin.
    pub week_start: WeekStart,
    /// What events of real users fulfil.
    pub test_account_filters: Vec<Filter>,
}

impl Project {
    /// A project of which nothing is settled.
    #[must_use]
    pub fn new(team: i64) -> Self {
        Self {
            team,
            time_zone: TimeZone::UTC,
            week_start: WeekStart::default(),
            test_account_filters: Vec::new(),
        }
    }

    /// Likewise, with its time zone by its IANA name.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn in_time_zone(self, name: &str) -> Result<Self, String> {
        let time_zone = TimeZone::get(name).map_err(|error| error.to_string())?;
        Ok(Self { time_zone, ..self })
    }
}

impl Engine {
    /// Answers an insight as JSON, or lists the persons behind one of its points.
    ///
    /// # Errors
    /// See [`Error`]; what is wrong with the request is [`Error::Invalid`] and names the field.
    pub async fn insight(
        &self,
        kind: Kind,
        request: &[u8],
        project: Project,
    ) -> Result<Vec<u8>, Error> {
        self.insight_at(Timestamp::now(), kind, request, project).await
    }

    /// The answer that was last given to an insight, and how old it is: nothing, where no row came
    /// since. `None` where there is none that is young enough; nothing is worked out.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a request that is none.
    pub fn last_insight(
        &self,
        kind: Kind,
        request: &[u8],
        project: &Project,
        most_age: Duration,
    ) -> Result<Option<(Vec<u8>, Duration)>, Error> {
        let request = request::read(request, kind.name_of_request())?;
        let question = Question::insight(kind, &request, project, Timestamp::now());
        let found = self.kept().get_old(Of::from(&*self.source().version()), &question, most_age);
        Ok(found.map(|(answer, age)| (answer.to_vec(), age)))
    }

    /// Likewise, at a time of the caller's.
    pub(crate) async fn insight_at(
        &self,
        now: Timestamp,
        kind: Kind,
        request: &[u8],
        project: Project,
    ) -> Result<Vec<u8>, Error> {
        let (engine, request) = (self.clone(), request.to_vec());
        let answered = async move {
            let request = request::read(&request, kind.name_of_request())?;
            let question = Question::insight(kind, &request, &project, now);
            if let Some(answer) = engine.kept().get(engine.source().version().number(), &question) {
                return Ok(answer.to_vec());
            }
            let asking = Asking::open(&engine, project, now).await?;
            let answer = match kind {
                Kind::Trends => trends::answer(request::parse(request)?, &asking).await?,
                Kind::Funnels => funnels::answer(request::parse(request)?, &asking).await?,
                Kind::Retention => retention::answer(request::parse(request)?, &asking).await?,
                Kind::Lifecycle => lifecycle::answer(request::parse(request)?, &asking).await?,
                Kind::Stickiness => stickiness::answer(request::parse(request)?, &asking).await?,
                Kind::Paths => paths::answer(request::parse(request)?, &asking).await?,
                Kind::Errors => errors::answer(request::parse(request)?, &asking).await?,
                Kind::WebOverview => web::overview(request::parse(request)?, &asking).await?,
                Kind::WebTable => web::table(request::parse(request)?, &asking).await?,
            };
            let answer = serde_json::to_vec(&answer);
            let answer = answer.map_err(|error| Error::Failed(error.to_string()))?;
            engine.kept().keep(asking.of, question, &answer);
            Ok(answer)
        };
        self.run(answered).await
    }
}
