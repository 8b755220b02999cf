//! One random salt for each day that an event can still be of.

use std::collections::BTreeMap;
use std::fmt;

use event::Timestamp;
use hmac::{Hmac, Mac};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A calendar day begins this long before it does in UTC, at the earliest.
const EARLIEST_HOURS: i64 = -12;

/// And its events are taken this long after its beginning in UTC: 14 hours, as far as time zones
/// go, and 72 for what comes late.
const LATEST_HOURS: i64 = 14 + 72;

const HOUR_MICROS: i64 = 3_600_000_000;

/// A day's secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Wraps random bytes.
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// A hash that nobody can repeat without the salt; fields cannot run into one another.
    pub(super) fn hash(&self, purpose: &str, fields: &[&[u8]]) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        for field in [purpose.as_bytes()].iter().chain(fields) {
            mac.update(&(field.len() as u64).to_le_bytes());
            mac.update(field);
        }
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        let (half, _) = hash.split_at(16);
        half.try_into().expect("half of 32 bytes")
    }
}

/// A salt must not end up in a log.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The salts of the days that count. As JSON an object: the day, and its salt in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, String>", try_from = "BTreeMap<String, String>")]
pub struct Salts(BTreeMap<Date, Salt>);

/// What was kept is no salts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{day:?} is no day with a salt of 32 bytes in hexadecimal")]
pub struct SaltsError {
    day: String,
}

impl Salts {
    /// Deletes the salts of days that are over and makes those of days that have begun somewhere,
    /// with random bytes from the caller; says whether anything changed.
    ///
    /// To be kept before they are used, and renewed at least every hour: an event of a day that
    /// has no salt is not resolved.
    pub fn renew(&mut self, now: Timestamp, mut random: impl FnMut() -> [u8; 32]) -> bool {
        let before = self.0.len();
        self.0.retain(|day, _| is_current(*day, now));
        let mut is_changed = self.0.len() != before;
        for day in days_around(now).filter(|day| is_current(*day, now)) {
            self.0.entry(day).or_insert_with(|| {
                is_changed = true;
                Salt(random())
            });
        }
        is_changed
    }

    /// The salt of a day, if events of it are still taken.
    pub(super) fn of(&self, day: Date, now: Timestamp) -> Option<&Salt> {
        self.0.get(&day).filter(|_| is_current(day, now))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_current(day: Date, now: Timestamp) -> bool {
    let Ok(midnight) = day.to_zoned(jiff::tz::TimeZone::UTC) else {
        return false;
    };
    let age = now.as_micros() - midnight.timestamp().as_microsecond();
    (EARLIEST_HOURS * HOUR_MICROS..LATEST_HOURS * HOUR_MICROS).contains(&age)
}

/// All days that could be current, and a few more.
fn days_around(now: Timestamp) -> impl Iterator<Item = Date> {
    let today = jiff::Timestamp::from_microsecond(now.as_micros());
    let today = today.map(|now| now.to_zoned(jiff::tz::TimeZone::UTC).date());
    (-5..=2_i64).filter_map(move |offset| today.as_ref().ok()?.checked_add(offset.days()).ok())
}

impl From<Salts> for BTreeMap<String, String> {
    fn from(salts: Salts) -> Self {
        salts.0.into_iter().map(|(day, salt)| (day.to_string(), hex::encode(salt.0))).collect()
    }
}

impl TryFrom<BTreeMap<String, String>> for Salts {
    type Error = SaltsError;

    fn try_from(kept: BTreeMap<String, String>) -> Result<Self, SaltsError> {
        let read = |(day, salt): (String, String)| {
            let bytes = hex::decode(salt).ok().and_then(|bytes| bytes.try_into().ok());
            match (day.parse::<Date>(), bytes) {
                (Ok(date), Some(bytes)) => Ok((date, Salt(bytes))),
                _ => Err(SaltsError { day }),
            }
        };
        kept.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::NOON;

    fn days(salts: &Salts) -> Vec<String> {
        BTreeMap::from(salts.clone()).into_keys().collect()
    }

    fn renewed(salts: &mut Salts, now: Timestamp) -> bool {
        let mut next = salts.0.len() as u8;
        salts.renew(now, || {
            next += 1;
            [next; 32]
        })
    }

    #[test]
    fn every_day_that_an_event_can_be_of_has_a_salt() {
        let mut salts = Salts::default();
        assert!(renewed(&mut salts, NOON));
        let expected = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"];
        assert_eq!(days(&salts), expected);
        let before = salts.clone();
        assert!(!renewed(&mut salts, NOON.plus_micros(HOUR_MICROS)));
        assert_eq!(salts, before, "a day keeps its salt");
    }

    #[test]
    fn salts_of_days_that_are_over_are_deleted() {
        let mut salts = Salts::default();
        renewed(&mut salts, NOON);
        let oldest = salts.0.first_key_value().map(|(day, _)| *day).unwrap();
        // 86 hours after the midnight with which the oldest day began.
        let over = NOON.plus_micros(2 * HOUR_MICROS);
        assert!(salts.of(oldest, over.plus_micros(-1)).is_some());
        assert!(salts.of(oldest, over).is_none(), "even before it is deleted");
        assert!(renewed(&mut salts, over));
        assert_eq!(days(&salts).first().map(String::as_str), Some("2026-03-03"));
    }

    #[test]
    fn they_can_be_kept_and_are_not_logged() {
        let mut salts = Salts::default();
        renewed(&mut salts, NOON);
        let kept = serde_json::to_string(&salts).unwrap();
        assert!(kept.starts_with(r#"{"2026-03-02":"01010101"#), "{kept}");
        assert_eq!(serde_json::from_str::<Salts>(&kept).unwrap(), salts);
        let logged = format!("{salts:?}");
        assert!(logged.contains("Salt(…)") && !logged.contains("1, 1"), "{logged}");
        for wrong in [r#"{"2026-03-02":"01"}"#, r#"{"yesterday":""}"#] {
            assert!(serde_json::from_str::<Salts>(wrong).is_err());
        }
    }
}
