//! Sessions, gathered from their events in one pass.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasherDefault;

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use uuid::Uuid;

use super::super::asking::Asking;
use super::super::people::{NOBODY, OfId, People, column, hyphenated, moments};
use super::super::range::Range;
use super::super::texts::Texts;
use super::cut::{Cut, Level, OfNone};
use crate::Error;

/// The bits of `steps`: a page view or screen; an event that bounces are counted by; a view.
pub(super) const PAGE: u32 = 1;
pub(super) const BOUNCES: u32 = 2;
pub(super) const VIEW: u32 = 4;

/// A session that lasts so many seconds does not bounce.
pub(super) const BOUNCE_SECONDS: i64 = 10;

/// The period asked for, and the one that it is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Periods {
    pub(super) current: (Timestamp, Timestamp),
    pub(super) previous: Option<(Timestamp, Timestamp)>,
}

impl Periods {
    pub(super) fn of(range: &Range, previous: Option<&Range>) -> Self {
        let edges = |range: &Range| (range.since, range.until);
        Self { current: edges(range), previous: previous.map(edges) }
    }

    /// Those that there are.
    pub(super) fn each(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> + use<> {
        [Some(self.current), self.previous].into_iter().flatten()
    }

    /// Which one a moment is in.
    fn place(&self, micros: i64) -> Option<usize> {
        self.each().position(|(since, until)| {
            (since.as_microsecond()..until.as_microsecond()).contains(&micros)
        })
    }
}

/// All sessions, and what they say of each breakdown.
#[derive(Debug)]
pub(super) struct Visits {
    periods: Periods,
    people: People,
    names: Names,
    sessions: Vec<Session>,
    told: Vec<Told>,
}

/// One session.
#[derive(Clone, Copy, Debug)]
struct Session {
    began: i64,
    ended: i64,
    /// Events that bounces are counted by; more than two are two.
    counted: u8,
    views: u32,
    /// The number of the first of those who viewed something, in the order of ids.
    person: u32,
}

impl Default for Session {
    /// One of which no event was taken in yet.
    fn default() -> Self {
        Self { began: i64::MAX, ended: i64::MIN, counted: 0, views: 0, person: NOBODY }
    }
}

/// The numbers of sessions. Most ids are uuids, which are half as long in binary.
#[derive(Debug, Default)]
struct Names {
    uuids: HashMap<Uuid, u32, BuildHasherDefault<OfId>>,
    texts: Texts,
    /// By the number of a text that of its session.
    of_texts: Vec<u32>,
    /// How many there are.
    count: u32,
}

/// What sessions say of one breakdown.
#[derive(Debug, Default)]
struct Told {
    values: Texts,
    /// Of the views: the session in the higher half, the value in the lower one.
    views: Vec<u64>,
    /// By session what it began or ended with.
    edges: Vec<Edge>,
    /// What those have that have none, if that has a name.
    none: Option<u32>,
}

/// What was said first, or last.
#[derive(Clone, Copy, Debug)]
struct Edge {
    time: i64,
    value: u32,
    is_page: bool,
}

/// Nothing was said yet.
const NOTHING: Edge = Edge { time: 0, value: u32::MAX, is_page: false };

/// Different persons, or persons with a value.
type Different<T> = HashSet<T, BuildHasherDefault<OfId>>;

/// The numbers of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counted {
    pub(super) visitors: u64,
    pub(super) views: u64,
    pub(super) sessions: u64,
    seconds: i64,
    /// Sessions of which is known whether they bounced, and those that did.
    judged: u64,
    bounced: u64,
}

impl Counted {
    /// The average of seconds.
    pub(super) fn duration(&self) -> Option<f64> {
        (self.sessions > 0).then(|| self.seconds as f64 / self.sessions as f64)
    }

    /// How many bounced of those of which that is known, up to 1.
    pub(super) fn bounce_rate(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.bounced as f64 / self.judged as f64)
    }

    fn judge(&mut self, bounced: Option<bool>) {
        self.judged += u64::from(bounced.is_some());
        self.bounced += u64::from(bounced == Some(true));
    }
}

/// The columns of a batch.
struct Rows {
    /// The numbers of the sessions, and of the persons.
    sessions: Vec<u32>,
    people: Vec<u32>,
    times: PrimitiveArray<TimestampMicrosecondType>,
    steps: PrimitiveArray<Int64Type>,
    said: Vec<StringViewArray>,
}

impl Rows {
    /// Reads a batch, and gives numbers to those that have none.
    fn of(
        batch: &RecordBatch,
        cuts: usize,
        names: &mut Names,
        people: &mut People,
    ) -> Result<Self, Error> {
        let text = |name: &str| {
            column(batch, name, &DataType::Utf8View).map(|column| column.as_string_view().clone())
        };
        Ok(Self {
            sessions: names.number_all(&text("session_id")?),
            people: people.number_all(&text("person_id")?),
            times: column(batch, "moment", &moments())?.as_primitive().clone(),
            steps: column(batch, "steps", &DataType::Int64)?.as_primitive().clone(),
            said: (0..cuts).map(|cut| text(&format!("said_{cut}"))).collect::<Result<_, _>>()?,
        })
    }
}

impl Visits {
    /// Reads what a statement finds.
    pub(super) async fn of(
        asking: &Asking,
        statement: &str,
        periods: Periods,
        cuts: &[Cut],
    ) -> Result<Self, Error> {
        let told = cuts.iter().map(|_| Told::default()).collect();
        let mut visits = Self {
            periods,
            people: People::of(asking),
            names: Names::default(),
            sessions: Vec::new(),
            told,
        };
        let mut answer = asking.stream_events(statement).await?;
        let memory = asking.memory("sessions");
        while let Some(batch) = answer.next().await {
            let rows = Rows::of(&batch?, cuts.len(), &mut visits.names, &mut visits.people)?;
            visits.take_in(&rows, cuts);
            memory.try_resize(visits.bytes())?;
        }
        for (cut, told) in cuts.iter().zip(&mut visits.told) {
            told.views.sort_unstable();
            if let OfNone::Called(name) = cut.of_none {
                told.none = Some(told.values.number(name));
            }
        }
        Ok(visits)
    }

    /// About how much it holds.
    fn bytes(&self) -> usize {
        let told = self.told.iter().map(|told| {
            told.values.bytes() + told.views.capacity() * 8 + told.edges.capacity() * 16
        });
        self.people.bytes()
            + self.names.uuids.capacity() * 24
            + self.names.texts.bytes()
            + self.sessions.capacity() * size_of::<Session>()
            + told.sum::<usize>()
    }

    fn take_in(&mut self, rows: &Rows, cuts: &[Cut]) {
        self.sessions.resize(self.names.count as usize, Session::default());
        for (row, number) in rows.sessions.iter().enumerate() {
            let number = *number as usize;
            let (time, steps) = (rows.times.value(row), rows.steps.value(row) as u32);
            let session = &mut self.sessions[number];
            session.began = session.began.min(time);
            session.ended = session.ended.max(time);
            if steps & BOUNCES != 0 {
                session.counted = (session.counted + 1).min(2);
            }
            if steps & VIEW != 0 {
                session.views += 1;
                let person = rows.people[row];
                let id = |person: u32| self.people.id(person as usize);
                let is_first = session.person == NOBODY || id(person) < id(session.person);
                if person != session.person && person != NOBODY && is_first {
                    session.person = person;
                }
            }
            for ((cut, told), said) in cuts.iter().zip(&mut self.told).zip(&rows.said) {
                if said.is_valid(row) {
                    told.take_in(cut, number, said.value(row), (time, steps));
                }
            }
        }
    }

    /// In which period a session counts.
    fn place(&self, session: &Session) -> Option<usize> {
        (session.views > 0).then(|| self.periods.place(session.began)).flatten()
    }

    /// All of each period.
    pub(super) fn total(&self) -> [Counted; 2] {
        let mut counted = [Counted::default(); 2];
        let mut people: [Different<u32>; 2] = Default::default();
        for session in &self.sessions {
            let Some(period) = self.place(session) else { continue };
            let counted = &mut counted[period];
            counted.sessions += 1;
            counted.views += u64::from(session.views);
            counted.seconds += session.seconds();
            counted.judge(session.bounced());
            people[period].extend(session.who());
        }
        for (counted, people) in counted.iter_mut().zip(people) {
            counted.visitors = people.len() as u64;
        }
        counted
    }

    /// By value the numbers of each period; values of the period asked for alone.
    pub(super) fn rows(&self, cuts: &[Cut], place: usize) -> Vec<(Option<String>, [Counted; 2])> {
        let (Some(cut), Some(told)) = (cuts.get(place), self.told.get(place)) else {
            return Vec::new();
        };
        // By the number of a value; the last is of those that have none.
        let none = told.values.len();
        let mut rows = vec![[Counted::default(); 2]; none + 1];
        let row_of = |value: u32| (value as usize).min(none);
        // Of each period the values with who had them, the value in the higher half.
        let mut people: [Vec<u64>; 2] = Default::default();
        self.each(cut, told, |period, value, session, views| {
            let counted = &mut rows[row_of(value)][period];
            counted.sessions += 1;
            counted.views += views;
            if !cut.bounces_of_entry {
                counted.judge(session.bounced());
            }
            let who = session.who();
            people[period].extend(who.map(|person| (u64::from(value) << 32) | u64::from(person)));
        });
        for (period, mut people) in people.into_iter().enumerate() {
            people.sort_unstable();
            people.dedup();
            for one in people {
                rows[row_of((one >> 32) as u32)][period].visitors += 1;
            }
        }
        if cut.bounces_of_entry {
            for (session, edge) in self.sessions.iter().zip(&told.edges) {
                if let Some(period) = self.place(session).filter(|_| edge.value != NOTHING.value) {
                    rows[row_of(edge.value)][period].judge(session.bounced());
                }
            }
        }
        let is_shown = |row: &[Counted; 2]| row[0].sessions > 0;
        let rows = rows.into_iter().enumerate().filter(|(_, row)| is_shown(row));
        rows.map(|(value, row)| (told.name(value as u32), row)).collect()
    }

    /// Who is counted there, by id.
    pub(super) fn behind(
        &self,
        period: usize,
        value: Option<(&Cut, Option<String>)>,
    ) -> Vec<String> {
        let mut people = BTreeSet::new();
        match (value, self.told.first()) {
            (Some((cut, asked)), Some(told)) => {
                self.each(cut, told, |place, value, session, _| {
                    if place == period && told.name(value) == asked {
                        people.extend(session.who());
                    }
                });
            }
            _ => {
                let counted = self.sessions.iter();
                let counted = counted.filter(|session| self.place(session) == Some(period));
                people.extend(counted.filter_map(Session::who));
            }
        }
        let id = |person: u32| self.people.id(person as usize).to_string();
        people.into_iter().map(id).collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Each session with each of its values, and how many views that has.
    fn each(&self, cut: &Cut, told: &Told, mut take: impl FnMut(usize, u32, &Session, u64)) {
        if cut.level == Level::View {
            for views in told.views.chunk_by(|left, right| left == right) {
                let Some(view) = views.first() else { continue };
                let session = &self.sessions[(view >> 32) as usize];
                if let Some(period) = self.place(session) {
                    take(period, *view as u32, session, views.len() as u64);
                }
            }
            return;
        }
        for (number, session) in self.sessions.iter().enumerate() {
            let said = told.edges.get(number).map(|edge| edge.value);
            let said = said.filter(|value| *value != NOTHING.value);
            let value = said.or(told.none).unwrap_or(NOTHING.value);
            let is_shown = said.is_some() || cut.of_none != OfNone::LeftOut;
            if let Some(period) = self.place(session).filter(|_| is_shown) {
                take(period, value, session, u64::from(session.views));
            }
        }
    }
}

impl Session {
    /// The number of whose it is; `None` where nobody is told of any view.
    fn who(&self) -> Option<u32> {
        Some(self.person).filter(|person| *person != NOBODY)
    }

    /// How long it lasted, by the clock's seconds.
    const fn seconds(&self) -> i64 {
        self.ended.div_euclid(1_000_000) - self.began.div_euclid(1_000_000)
    }

    fn bounced(&self) -> Option<bool> {
        (self.counted > 0).then(|| self.counted == 1 && self.seconds() < BOUNCE_SECONDS)
    }
}

impl Told {
    fn take_in(&mut self, cut: &Cut, session: usize, said: &str, (time, steps): (i64, u32)) {
        let (is_page, is_view) = (steps & PAGE != 0, steps & VIEW != 0);
        if cut.level == Level::View && is_view {
            let value = self.values.number(said);
            self.views.push(((session as u64) << 32) | u64::from(value));
        }
        if cut.level == Level::View && !cut.bounces_of_entry {
            return;
        }
        if self.edges.len() <= session {
            self.edges.resize(session + 1, NOTHING);
        }
        let held = self.edges[session];
        let is_farther = match cut.level {
            Level::Exit => time > held.time,
            Level::View | Level::Entry => time < held.time,
        };
        // Of values at the same moment the first in the order of texts counts.
        let is_better = held.value == NOTHING.value
            || is_page && !held.is_page
            || is_page == held.is_page
                && (is_farther || time == held.time && said < self.values.text(held.value));
        if is_better {
            let value = self.values.number(said);
            self.edges[session] = Edge { time, value, is_page };
        }
    }

    fn name(&self, value: u32) -> Option<String> {
        let is_one = (value as usize) < self.values.len();
        is_one.then(|| self.values.text(value).to_owned())
    }
}

impl Names {
    /// The numbers of the sessions of rows; those that are known are looked up right after each other.
    fn number_all(&mut self, names: &StringViewArray) -> Vec<u32> {
        let uuids: Vec<Option<Uuid>> =
            (0..names.len()).map(|row| uuid_of(names.value(row))).collect();
        let known = |uuid: &Option<Uuid>| uuid.and_then(|uuid| self.uuids.get(&uuid)).copied();
        let known: Vec<Option<u32>> = uuids.iter().map(known).collect();
        let rows = known.into_iter().zip(uuids).enumerate();
        rows.map(|(row, (known, uuid))| {
            known.unwrap_or_else(|| self.number(uuid, names.value(row)))
        })
        .collect()
    }

    fn number(&mut self, uuid: Option<Uuid>, name: &str) -> u32 {
        let next = self.count;
        let number = match uuid {
            Some(uuid) => *self.uuids.entry(uuid).or_insert(next),
            None => {
                let text = self.texts.number(name) as usize;
                if text == self.of_texts.len() {
                    self.of_texts.push(next);
                }
                self.of_texts[text]
            }
        };
        self.count += u32::from(number == next);
        number
    }
}

/// The uuid that a text is, if it is written as uuids are: other ways to write it are other texts.
fn uuid_of(text: &str) -> Option<Uuid> {
    hyphenated(text).filter(|_| !text.bytes().any(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_apart_by_their_text() {
        let mut names = Names::default();
        let lower = "0190163d-8694-739b-aea5-966c26f8ad91";
        let ids = ["a", lower, "b", &lower.to_uppercase(), lower, "a"];
        for _ in 0..2 {
            let numbers = names.number_all(&ids.into_iter().map(Some).collect());
            assert_eq!((numbers, names.count), (vec![0, 1, 2, 3, 1, 0], 4));
        }
    }

    #[test]
    fn a_session_bounces_with_one_event_within_ten_seconds() {
        let session = |counted, ended| {
            let person = 0;
            Session { began: 999_999, ended, counted, views: 1, person }.bounced()
        };
        assert_eq!(session(1, 999_999), Some(true));
        // Ten seconds by the clock, though nine and a bit by a stopwatch.
        assert_eq!((session(1, 9_999_999), session(1, 10_000_000)), (Some(true), Some(false)));
        assert_eq!((session(2, 999_999), session(0, 999_999)), (Some(false), None));
    }
}
