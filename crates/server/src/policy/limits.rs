//! How much may come.

use std::num::NonZeroU32;

use governor::Quota;
use serde::Deserialize;

/// Limits of one project, or of one token without a project. Nothing given is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Events a second, in the long run. Beyond it requests get 503 with `Retry-After`, and SDKs send
    /// them again.
    pub events_per_second: Option<u32>,
    /// Events at once; ten seconds' worth where nothing is given.
    pub burst: Option<u32>,
    /// Events a day, in UTC. Beyond it requests get 200 as at PostHog, and their events are counted
    /// as dropped and not stored.
    pub events_per_day: Option<u64>,
    /// Megabytes of recordings a day, likewise; SDKs are told and pause.
    pub recording_mb_per_day: Option<u64>,
}

/// Limits of one client: an IPv4 address, or an IPv6 network of /64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientLimits {
    /// Events a second, in the long run; beyond it 503 with `Retry-After`.
    pub events_per_second: Option<u32>,
    /// Events at once; ten seconds' worth where nothing is given.
    pub burst: Option<u32>,
}

/// A rate in governor's terms; 0 events a second are one in a day.
pub(super) fn quota(events_per_second: u32, burst: Option<u32>) -> Quota {
    const A_DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let burst = at_least_one(burst.unwrap_or(events_per_second.saturating_mul(10)));
    match NonZeroU32::new(events_per_second) {
        Some(rate) => Quota::per_second(rate).allow_burst(burst),
        None => Quota::with_period(A_DAY).unwrap_or(Quota::per_hour(NonZeroU32::MIN)),
    }
}
