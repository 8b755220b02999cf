//! Web analytics in SQL: the events that are read, and the same numbers without an operator.

use jiff::{SignedDuration, Timestamp};

use super::super::condition::Conditions;
use super::super::property::Joins;
use super::super::range::Clock;
use super::super::scope::{self, Source};
use super::super::sql;
use super::super::wrong::Wrong;
use super::cut::{Cut, Level, OfNone};
use super::visits::{BOUNCE_SECONDS, BOUNCES, PAGE, Periods, VIEW};
use super::{Asked, is_page};

/// How long before and after a period a session is looked at.
const AROUND: SignedDuration = SignedDuration::from_hours(24);

/// What a request comes down to.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    team: i64,
    /// What views fulfil.
    kept: String,
    joins: Joins,
}

impl Parts {
    pub(super) fn of(asked: &Asked<'_>, clock: &Clock) -> Result<Self, Wrong> {
        let mut conditions = Conditions::new(clock);
        let mut kept = asked.scope.conditions(&asked.asking.project, &mut conditions)?;
        // The project is every event's.
        kept.remove(0);
        let team = asked.asking.project.team;
        Ok(Self { team, kept: sql::all(kept), joins: conditions.joins })
    }

    /// SQL for the events of sessions, with what they say of each breakdown.
    fn seen(&self, periods: &Periods, said: &[String]) -> String {
        let page = is_page();
        let within = sql::any(
            periods.each().map(|(since, until)| format!("({})", scope::within(since, until))),
        );
        let mut view = vec![page.clone(), within];
        if self.kept != "TRUE" {
            view.push(self.kept.clone());
        }
        let bounces = sql::texts(["$pageview", "$screen", "$autocapture"]);
        let steps =
            [(page, PAGE), (format!("e.event IN ({bounces})"), BOUNCES), (sql::all(view), VIEW)];
        let steps = steps.map(|(is_it, bit)| format!("CASE WHEN {is_it} THEN {bit} ELSE 0 END"));
        let said = said.iter().map(|said| format!(",\n  {said}")).collect::<String>();
        let source = Source::new(vec![format!("e.team_id = {}", self.team)], self.joins)
            .and("e.session_id <> ''".to_owned())
            .and(sql::any(around(periods)))
            .sql();
        format!(
            "SELECT e.session_id AS session_id, e.person_id AS person_id, \
             e.timestamp AS moment,\n  {} AS steps{said}\n{source}",
            steps.join(" + ")
        )
    }
}

/// When events belong to sessions of the periods.
fn around(periods: &Periods) -> Vec<String> {
    let wider = |(since, until): (Timestamp, Timestamp)| {
        let since = since.checked_sub(AROUND).unwrap_or(Timestamp::MIN);
        (since, until.checked_add(AROUND).unwrap_or(Timestamp::MAX))
    };
    let mut spans: Vec<(Timestamp, Timestamp)> = periods.each().map(wider).collect();
    spans.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (since, until) in spans {
        match joined.last_mut().filter(|last| last.1 >= since) {
            Some(last) => last.1 = last.1.max(until),
            None => joined.push((since, until)),
        }
    }
    let one = |(since, until): (Timestamp, Timestamp)| scope::within(since, until);
    match joined.as_slice() {
        [only] => vec![one(*only)],
        several => several.iter().map(|span| format!("({})", one(*span))).collect(),
    }
}

/// The events that an answer with these tables reads.
pub(super) fn seen(
    asked: &Asked<'_>,
    clock: &Clock,
    periods: &Periods,
    cuts: &[Cut],
) -> Result<String, Wrong> {
    let said = cuts.iter().enumerate();
    let said: Vec<String> = said.map(|(n, cut)| format!("{} AS said_{n}", cut.said)).collect();
    Ok(Parts::of(asked, clock)?.seen(periods, &said))
}

/// The numbers of each period.
pub(super) fn overview(parts: &Parts, periods: &Periods) -> String {
    format!(
        "{}\nSELECT period, count(DISTINCT person_id) AS visitors, sum(views) AS views, \
         count(*) AS sessions, avg(duration) AS duration, avg(bounced) AS bounce_rate\n\
         FROM visits GROUP BY 1 ORDER BY 1",
        visits(&parts.seen(periods, &[]), periods)
    )
}

/// The rows of each period.
pub(super) fn table(parts: &Parts, periods: &Periods, cut: &Cut) -> String {
    let seen = parts.seen(periods, &[format!("{} AS said", cut.said)]);
    let direction = if cut.level == Level::Exit { " DESC" } else { "" };
    let edges = format!(
        "edges AS (\nSELECT session_id, said FROM (\n\
         SELECT session_id, said, row_number() OVER (PARTITION BY session_id \
         ORDER BY (steps & {PAGE}) DESC, moment{direction}, said) AS place\n\
         FROM seen WHERE said IS NOT NULL\n) AS told WHERE place = 1\n)"
    );
    let views = format!(
        "views AS (\nSELECT session_id, said, count(*) AS views FROM seen\n\
         WHERE said IS NOT NULL AND (steps & {VIEW}) <> 0 GROUP BY 1, 2\n)"
    );
    let counted = |views: &str| {
        format!(
            "count(DISTINCT visits.person_id) AS visitors, sum({views}) AS views, \
             count(*) AS sessions"
        )
    };
    let visits = visits(&seen, periods);
    match cut.level {
        Level::View if cut.bounces_of_entry => format!(
            "{visits}, {edges}, {views}, bounces AS (\n\
             SELECT visits.period AS period, edges.said AS said, \
             avg(visits.bounced) AS bounce_rate\n\
             FROM visits JOIN edges ON edges.session_id = visits.session_id GROUP BY 1, 2\n\
             ), counted AS (\n\
             SELECT visits.period AS period, views.said AS said, {}\n\
             FROM views JOIN visits ON visits.session_id = views.session_id GROUP BY 1, 2\n\
             )\nSELECT counted.*, bounces.bounce_rate AS bounce_rate\nFROM counted \
             LEFT JOIN bounces ON bounces.period = counted.period AND bounces.said = counted.said\n\
             ORDER BY counted.visitors DESC, counted.views DESC, counted.said",
            counted("views.views")
        ),
        Level::View => format!(
            "{visits}, {views}\nSELECT visits.period AS period, views.said AS said, {}, \
             avg(visits.bounced) AS bounce_rate\n\
             FROM views JOIN visits ON visits.session_id = views.session_id\n\
             GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC, 2",
            counted("views.views")
        ),
        Level::Entry | Level::Exit => {
            let (join, said) = match cut.of_none {
                OfNone::LeftOut => ("JOIN", "edges.said".to_owned()),
                OfNone::Shown => ("LEFT JOIN", "edges.said".to_owned()),
                OfNone::Called(name) => {
                    ("LEFT JOIN", format!("coalesce(edges.said, {})", sql::text(name)))
                }
            };
            format!(
                "{visits}, {edges}\nSELECT visits.period AS period, {said} AS said, {}, \
                 avg(visits.bounced) AS bounce_rate\n\
                 FROM visits {join} edges ON edges.session_id = visits.session_id\n\
                 GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC, 2",
                counted("visits.views")
            )
        }
    }
}

/// SQL for the sessions that count: `session_id`, `person_id`, `views`, `duration`, `bounced`,
/// `period`.
fn visits(seen: &str, periods: &Periods) -> String {
    let names = ["current", "previous"].iter().zip(periods.each());
    let names = names.map(|(name, (since, until))| {
        let (since, until) = (sql::moment(since), sql::moment(until));
        format!("WHEN began >= {since} AND began < {until} THEN '{name}'")
    });
    let names = names.collect::<Vec<_>>().join(" ");
    format!(
        "WITH seen AS (\n{seen}\n), sessions AS (\n\
         SELECT session_id, min(moment) AS began, max(moment) AS ended,\n\
         \x20 sum(CASE WHEN (steps & {BOUNCES}) <> 0 THEN 1 ELSE 0 END) AS counted,\n\
         \x20 sum(CASE WHEN (steps & {VIEW}) <> 0 THEN 1 ELSE 0 END) AS views,\n\
         \x20 min(CASE WHEN (steps & {VIEW}) <> 0 THEN person_id END) AS person_id\n\
         FROM seen GROUP BY 1\n\
         ), placed AS (\n\
         SELECT session_id, person_id, views, counted,\n\
         \x20 floor(date_part('epoch', ended)) - floor(date_part('epoch', began)) AS duration,\n\
         \x20 CASE {names} END AS period\n\
         FROM sessions WHERE views > 0\n\
         ), visits AS (\n\
         SELECT session_id, person_id, views, duration, period,\n\
         \x20 CASE WHEN counted = 0 THEN NULL WHEN counted > 1 OR duration >= {BOUNCE_SECONDS} \
         THEN 0 ELSE 1 END AS bounced\n\
         FROM placed WHERE period IS NOT NULL\n)"
    )
}
