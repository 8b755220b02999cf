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
    token: Token,
    now: Timestamp,
}

/// Refuses a client that sends too much, before anything is read of what it sends.
///
/// # Errors
/// When its bucket is empty.
pub(crate) fn of_client(state: &EdgeState, client: Option<IpAddr>) -> Result<(), Failure> {
    match state.policy.get().client_has_room(client, 1) {
        true => Ok(()),
        false => Err(Failure::RateLimited),
    }
}

/// Refuses a token that no project has, where such are refused, whatever it is sent with.
///
/// # Errors
/// When it is unknown.
pub(crate) fn of_token(state: &EdgeState, token: &Token) -> Result<(), Failure> {
    match state.policy.get().admit(token) {
        Some(_) => Ok(()),
        None => Err(UNKNOWN_TOKEN),
    }
}

/// Admits events of a token; the first of them has been asked for by [`of_client`].
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
    let admitted = admit(state, token, now)?;
    admitted.check_rates(client, events)?;
    let has_quota = |limit| state.quotas.has_events(admitted.policy.whose(token), now, limit);
    match admitted.project.limits.events_per_day.is_none_or(has_quota) {
        true => Ok(Admission::Welcome(admitted)),
        false => {
            metrics::dropped("events_over_quota", events as u64);
            Ok(Admission::OverQuota)
        }
    }
}

/// Admits events of the past, which no limit is for.
///
/// # Errors
/// When the token is unknown and such are refused.
pub(crate) fn of_history(
    state: &EdgeState,
    token: &Token,
    now: Timestamp,
) -> Result<Admitted, Failure> {
    admit(state, token, now)
}

/// Admits so many recordings of a token, likewise.
///
/// # Errors
/// When the token is unknown and such are refused, or too much comes at once.
pub(crate) fn of_recordings(
    state: &EdgeState,
    token: &Token,
    client: Option<IpAddr>,
    recordings: usize,
    now: Timestamp,
) -> Result<Admission, Failure> {
    let admitted = admit(state, token, now)?;
    admitted.check_rates(client, recordings)?;
    let has_quota = |megabytes: u64| {
        let limit = megabytes.saturating_mul(MEGABYTE);
        state.quotas.has_recordings(admitted.policy.whose(token), now, limit)
    };
    match admitted.project.limits.recording_mb_per_day.is_none_or(has_quota) {
        true => Ok(Admission::Welcome(admitted)),
        false => {
            metrics::dropped("recordings_over_quota", recordings as u64);
            Ok(Admission::OverQuota)
        }
    }
}

fn admit(state: &EdgeState, token: &Token, now: Timestamp) -> Result<Admitted, Failure> {
    let policy = state.policy.get();
    let project = policy.admit(token).cloned().ok_or(UNKNOWN_TOKEN)?;
    Ok(Admitted { policy, project, token: token.clone(), now })
}

impl Admitted {
    /// The client first: what it may not send must cost the project nothing.
    fn check_rates(&self, client: Option<IpAddr>, count: usize) -> Result<(), Failure> {
        let further = count.saturating_sub(1);
        let has_room = (further == 0 || self.policy.client_has_room(client, further))
            && self.policy.token_has_room(&self.token, count);
        match has_room {
            true => Ok(()),
            false => Err(Failure::RateLimited),
        }
    }

    /// Counts events towards the day's quota once they are stored.
    pub(crate) fn charge_events(&self, state: &EdgeState, events: u64) {
        if self.project.limits.events_per_day.is_some() {
            state.quotas.charge_events(self.policy.whose(&self.token), self.now, events);
        }
    }

    /// Likewise bytes of recordings.
    pub(crate) fn charge_recordings(&self, state: &EdgeState, bytes: u64) {
        if self.project.limits.recording_mb_per_day.is_some() {
            state.quotas.charge_recordings(self.policy.whose(&self.token), self.now, bytes);
        }
    }
}
