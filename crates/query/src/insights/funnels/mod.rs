//! Funnels: of the persons who did the first step, how many went on.
//!
//! `walk` says what counts. All steps must be within the range. A step's time to convert is that from
//! the step before, of the persons who did it. With a breakdown a person has one value: that of its
//! first event (`first_touch`), or of its last one, of those events of the funnel that have one. Or it
//! counts with each value that its events of one step have (`step`), or with each value for itself,
//! of which all its events must be (`all_events`).
//!
//! An exclusion between two steps leaves persons out who got no farther otherwise. Shown are the
//! steps, or how many of those who began in a span got to the last one (`trends`), or how long that
//! took (`time_to_convert`).
//!
//! Events are read once, in whatever order they lie; persons are numbered as they come, so that what is
//! sorted and walked through is 32 bytes an event.

mod gather;
mod over_time;
mod request;
mod statement;
mod took;
mod walk;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

pub use self::request::{Attribution, Exclusion, Funnels, FunnelsFilter, Order, Shown, WindowUnit};

use self::gather::{Gathered, Person};
use self::over_time::Between;
use self::walk::Rules;
use super::asking::Asking;
use super::breakdown::{Broken, NONE, OTHER};
use super::condition::Conditions;
use super::persons::{self, Point};
use super::range::Range;
use super::wrong::wrong;
use crate::Error;

/// Steps that a funnel may have.
const MOST_STEPS: usize = 20;

/// Answers a request: the chart, or persons of it.
pub(super) async fn answer(request: Funnels, asking: &Asking) -> Result<Json, Error> {
    let steps = request.series.len();
    if !(2..=MOST_STEPS).contains(&steps) {
        return Err(wrong("series", format!("{steps} is not from 2 to {MOST_STEPS}")).into());
    }
    let filter = &request.funnels_filter;
    filter.check(steps)?;
    let between = filter.between(steps)?;
    let clock = asking.clock(request.interval, false);
    let earliest = asking.earliest_of(&request.date_range, &clock, &request.series).await?;
    let range = request.date_range.resolve(&clock, earliest)?;
    let mut conditions = Conditions::new(&clock);
    let broken = request.breakdown_filter.broken(&mut conditions.joins)?;
    let events = statement::events(&request, asking, conditions, broken.as_ref(), &range)?;
    let statement = statement::counts(&request, &events, broken.is_some());
    let statement = statement.unwrap_or_else(|| events.clone());
    let attribution = match broken {
        Some(_) => filter.attribution,
        None => Attribution::FirstTouch,
    };
    let of_step = filter.attribution_step.unwrap_or(0);
    let gathered = Gathered::of(asking, &events, attribution).await?;
    let rules = Rules { order: filter.order, steps, window: filter.window(), of_step: None };
    let people = match filter.shown {
        Shown::Trends => {
            // What is behind the last step that counts is of no interest.
            let rules = Rules { steps: between.to + 1, ..rules };
            over_time::walked(&gathered, rules, of_step, &range)
        }
        _ => {
            let walked = gathered.walked(rules, of_step).into_iter();
            walked.map(|person| (0, person)).collect()
        }
    };
    let funnel = Funnel { request: &request, asking, range, broken, between, people };
    match &request.persons {
        None => Ok(funnel.chart(&statement)),
        Some(point) => funnel.behind(point, &statement).await,
    }
}

struct Funnel<'a> {
    request: &'a Funnels,
    asking: &'a Asking,
    range: Range,
    broken: Option<Broken>,
    between: Between,
    /// How far people get, over time by the place of the span in which they began.
    people: Vec<(usize, Person)>,
}

impl Funnel<'_> {
    /// The persons by their value; those beyond the limit together.
    fn by_value(&self) -> Vec<(String, Vec<&(usize, Person)>)> {
        let mut groups: BTreeMap<&str, Vec<&(usize, Person)>> = BTreeMap::new();
        for person in self.people.iter().filter(|(_, person)| !person.times.is_empty()) {
            groups.entry(&person.1.value).or_default().push(person);
        }
        let mut groups: Vec<(String, Vec<&(usize, Person)>)> =
            groups.into_iter().map(|(value, people)| (value.to_owned(), people)).collect();
        // Those that get farthest come first, and the order of texts decides ties.
        groups.sort_by_cached_key(|(_, people)| std::cmp::Reverse(self.counts(people)));
        let Some(broken) = &self.broken else {
            let whole = groups.into_iter().next().map(|(_, people)| people);
            return vec![(NONE.to_owned(), whole.unwrap_or_default())];
        };
        if groups.len() > broken.limit {
            let others = groups.split_off(broken.limit).into_iter().flat_map(|(_, people)| people);
            let others: Vec<&(usize, Person)> = others.collect();
            if broken.shows_other {
                groups.push((OTHER.to_owned(), others));
            }
        }
        groups
    }

    /// How many reach each step, the last one first.
    fn counts(&self, people: &[&(usize, Person)]) -> Vec<usize> {
        let reached = |step: usize| people.iter().filter(|one| one.1.times.len() > step).count();
        (0..self.request.series.len()).rev().map(reached).collect()
    }

    fn chart(&self, statement: &str) -> Json {
        let groups = self.by_value();
        let results = match self.request.funnels_filter.shown {
            Shown::Steps => self.all_steps(&groups),
            Shown::Trends => {
                groups.iter().map(|(value, people)| self.line(value, people)).collect()
            }
            Shown::TimeToConvert => self.times(&groups),
        };
        json!({
            "results": results,
            "timezone": self.range.calendar.zone.iana_name().unwrap_or("UTC"),
            "resolved_date_range": self.range.resolved(),
            "sql": [statement],
        })
    }

    fn all_steps(&self, groups: &[(String, Vec<&(usize, Person)>)]) -> Json {
        let results = groups.iter().map(|(value, people)| {
            let people: Vec<&Person> = people.iter().map(|(_, person)| person).collect();
            self.steps(value, &people)
        });
        let results: Vec<Json> = results.collect();
        match (&self.broken, results.as_slice()) {
            (None, [only]) => only.clone(),
            _ => json!(results),
        }
    }

    fn line(&self, value: &str, people: &[&(usize, Person)]) -> Json {
        let mut line = over_time::line(people, self.between, &self.range);
        if let Some(broken) = &self.broken {
            line["breakdown_value"] = broken.told(value);
        }
        line
    }

    /// One histogram, or one for each value.
    fn times(&self, groups: &[(String, Vec<&(usize, Person)>)]) -> Json {
        let Between { from, to } = self.between;
        let of = |people: &[&(usize, Person)]| {
            let took = people.iter().filter_map(|(_, person)| {
                Some((person.times.get(to)? - person.times.get(from)?) as f64 / 1e6)
            });
            took::histogram(&took.collect::<Vec<_>>(), self.request.funnels_filter.bars)
        };
        let Some(broken) = &self.broken else {
            return groups.first().map_or_else(|| of(&[]), |(_, people)| of(people));
        };
        let told = groups.iter().map(|(value, people)| {
            let mut told = of(people);
            told["breakdown_value"] = broken.told(value);
            told
        });
        told.collect()
    }

    fn steps(&self, value: &str, persons: &[&Person]) -> Json {
        let steps = self.request.series.iter().enumerate().map(|(step, node)| {
            let took = persons.iter().filter_map(|person| {
                let before = step.checked_sub(1)?;
                Some((person.times.get(step)? - person.times.get(before)?) as f64 / 1e6)
            });
            // PostHog does not count what takes no time.
            let mut took: Vec<f64> = took.filter(|took| *took > 0.0).collect();
            took.sort_by(f64::total_cmp);
            let mut told = json!({
                "order": step,
                "name": node.label(),
                "custom_name": node.custom_name,
                "action_id": node.event,
                "type": "events",
                "count": persons.iter().filter(|person| person.times.len() > step).count(),
                "average_conversion_time": average(&took),
                "median_conversion_time": median(&took),
            });
            if let Some(broken) = &self.broken {
                told["breakdown"] = broken.told(value);
                told["breakdown_value"] = broken.told(value);
            }
            told
        });
        steps.collect()
    }

    async fn behind(&self, point: &Point, statement: &str) -> Result<Json, Error> {
        let filter = &self.request.funnels_filter;
        let (steps, usual) = match filter.shown {
            Shown::Steps => (self.request.series.len(), 1),
            Shown::Trends | Shown::TimeToConvert => (self.between.to + 1, self.between.to + 1),
        };
        let asked = point.funnel_step.unwrap_or(i64::try_from(usual).unwrap_or(1));
        let step = usize::try_from(asked.unsigned_abs()).unwrap_or(0);
        let is_step = match asked {
            ..0 => (2..=steps).contains(&step),
            _ => (1..=steps).contains(&step),
        };
        if !is_step {
            let message = format!("{asked} is no step, and none that someone drops off before");
            return Err(wrong("persons.funnelStep", message).into());
        }
        let place = match (point.day()?, filter.shown) {
            (Some(day), Shown::Trends) => Some(
                self.range
                    .place_of(day)
                    .ok_or_else(|| wrong("persons.day", format!("{day} is not in the range")))?,
            ),
            (Some(_), _) => return Err(wrong("persons.day", "it is of funnels over time").into()),
            (None, _) => None,
        };
        let value =
            match (&self.broken, &point.breakdown) {
                (Some(broken), Some(value)) => Some(broken.asked(value).ok_or_else(|| {
                    wrong("persons.breakdown", "it is no value of the breakdown")
                })?),
                (None, Some(_)) => {
                    return Err(wrong("persons.breakdown", "there is no breakdown").into());
                }
                _ => None,
            };
        let has_value = |name: &String| value.as_ref().is_none_or(|value| value == name);
        let groups = self.by_value().into_iter().filter(|(name, _)| has_value(name));
        let is_meant = |person: &&(usize, Person)| {
            let reached = person.1.times.len();
            let is_there = place.is_none_or(|place| place == person.0);
            is_there && if asked < 0 { reached + 1 == step } else { reached >= step }
        };
        let people = groups.flat_map(|(_, people)| people).filter(is_meant);
        let mut ids: Vec<String> = people.map(|(_, person)| person.id.to_string()).collect();
        ids.sort_unstable();
        ids.dedup();
        persons::page_of(self.asking, point, &ids, statement).await
    }
}

fn average(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted.get(middle).copied(),
        _ => Some((sorted.get(middle.checked_sub(1)?)? + sorted.get(middle)?) / 2.0),
    }
}
