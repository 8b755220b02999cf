//! Whether a request's events may come in: is the token known, is there room, is the day's quota spent?

use std::net::IpAddr;
use std::sync::Arc;

use capture::TokenFault;
use event::{Timestamp, Token};

use crate::answer::Failure;
use crate::policy::{Policy, Project};
use crate::{EdgeState, metrics};

/// A megabyte of recordings, as limits count them.
const MEGABYTE: u64 = 1_000_000;

/// What a token gets that no project has, where such are refused.
const UNKNOWN_TOKEN: Failure =
    Failure::Capture(capture::Error::InvalidToken { fault: TokenFault::Unknown });

/// A request's standing.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Its events are taken.
    Welcome(Admitted),
    /// The project's quota for today is spent: SDKs get a success, and nothing is stored.
    OverQuota,
}

/// What holds for a request that is welcome.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) policy: Arc<Policy>,
    pub(crate) project: Arc<Project>,
}

/// Admits events of a token.
///
/// # Errors
/// When the token is unknown and such are refused, or too much comes at once.
pub(crate) fn of_events(
    state: &EdgeState,
    token: &Token,
    client: Option<IpAddr>,
    events: usize,
    now: Timestamp,
) -> Result<Admission, Failure> {
    let admitted = admit(state, token)?;
    if !admitted.policy.has_room(token, client, events) {
        return Err(Failure::RateLimited);
    }
    let (count, limit) = (events as u64, admitted.project.limits.events_per_day);
    match limit.is_none_or(|limit| state.quotas.take_events(token, now, count, limit)) {
        true => Ok(Admission::Welcome(admitted)),
        false => {
            metrics::dropped("events_over_quota", count);
            Ok(Admission::OverQuota)
        }
    }
}

/// Admits so many bytes of recordings of a token.
///
/// # Errors
/// When the token is unknown and such are refused, or too much comes at once.
pub(crate) fn of_recording(
    state: &EdgeState,
    token: &Token,
    client: Option<IpAddr>,
    bytes: usize,
    now: Timestamp,
) -> Result<Admission, Failure> {
    let admitted = admit(state, token)?;
    if !admitted.policy.has_room(token, client, 1) {
        return Err(Failure::RateLimited);
    }
    let limit = admitted.project.limits.recording_mb_per_day;
    let limit = limit.map(|megabytes| megabytes.saturating_mul(MEGABYTE));
    let has_quota = |limit| state.quotas.take_recording(token, now, bytes as u64, limit);
    match limit.is_none_or(has_quota) {
        true => Ok(Admission::Welcome(admitted)),
        false => {
            metrics::dropped("recordings_over_quota", 1);
            Ok(Admission::OverQuota)
        }
    }
}

fn admit(state: &EdgeState, token: &Token) -> Result<Admitted, Failure> {
    let policy = state.policy.get();
    let project = policy.admit(token).cloned().ok_or(UNKNOWN_TOKEN)?;
    Ok(Admitted { policy, project })
}
