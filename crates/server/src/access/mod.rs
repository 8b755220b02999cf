//! Who asks, and what they may.
//!
//! ```text
//! Authorization: Bearer … ─▶ read key, administrator's key, phx_…, phs_… ─┐
//! Cookie: hogflare_session ─▶ session, same origin, CSRF token ───────────┴─▶ Principal ─▶ permission
//! ```
//!
//! A handler asks for a [`Reader`], or for a [`Principal`] where it changes something; without one it
//! is not called. Whoever shows a key in a header cannot have been made to do so by a page; a cookie
//! comes by itself, so its requests must come from our own pages, and those that change something must
//! show the session's CSRF token, which no other page can read.

mod cookie;
mod denied;
mod origin;
mod principal;
mod public_url;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use event::Timestamp;
use serde::de::DeserializeOwned;
use state::{Attempts, By, SessionTerms, Store};
use tokio::sync::Semaphore;
use tokio::task;

pub(crate) use cookie::{COOKIE, Way, session_cookie, session_of};
pub(crate) use denied::Denied;
pub(crate) use origin::comes_from_here;
pub(crate) use principal::{Principal, Reader, csrf_token};
pub use public_url::PublicUrl;
pub(crate) use public_url::is_loopback;

use crate::client::Client;
use crate::{EdgeState, Key, body};

/// Passwords that are hashed at a time: each takes a core and 19 MiB.
const HASHED_AT_A_TIME: usize = 2;
/// Longest request to change something.
const REQUEST_BYTES: usize = 512 << 10;

/// What decides who may ask.
#[derive(Debug)]
pub struct Access {
    /// What readers may show.
    pub read_key: Key,
    /// What may be shown to erase somebody.
    pub admin_key: Key,
    /// Users, sessions, keys.
    pub store: Arc<Store>,
    /// How long sessions last.
    pub terms: SessionTerms,
    /// Where browsers find this server.
    pub public_url: Option<PublicUrl>,
    attempts: Attempts,
    hashing: Semaphore,
}

impl Access {
    /// With nobody having tried anything.
    pub fn new(store: Arc<Store>, read_key: Key, admin_key: Key) -> Self {
        Self {
            read_key,
            admin_key,
            store,
            terms: SessionTerms::default(),
            public_url: None,
            attempts: Attempts::default(),
            hashing: Semaphore::new(HASHED_AT_A_TIME),
        }
    }

    /// By what the cookie of a client may go: where pages come over https, by that only.
    pub(crate) fn way_of(&self, client: &Client) -> Way {
        match client.is_by_https || self.public_url.as_ref().is_some_and(PublicUrl::is_https) {
            true => Way::Https,
            false => Way::Any,
        }
    }

    /// Asks the store, which waits for a disk, on a thread that may.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Store) -> Result<T, state::Error> + Send + 'static,
    ) -> Result<T, Denied> {
        let store = Arc::clone(&self.store);
        match task::spawn_blocking(move || ask(&store)).await {
            Ok(asked) => Ok(asked?),
            Err(_) => Err(Denied::Unavailable),
        }
    }

    /// Lets whoever shows a key by another way than HTTP try it; an address whose keys were wrong too often
    /// waits.
    pub(crate) async fn try_key(&self, shown: &str, from: IpAddr) -> Result<Reader, Denied> {
        let (account, now) = (format!("a key from {from}"), Timestamp::now());
        self.attempts.check(&account, Some(from), now)?;
        let reader = Reader::of_key(self, shown, from).await;
        if let Err(Denied::Unknown) = reader {
            self.attempts.count(&account, Some(from), now)?;
        }
        reader
    }

    /// Likewise what hashes a password: as many at a time as the machine bears, and each account and
    /// address only so often.
    pub(crate) async fn ask_with_password<T: Send + 'static>(
        &self,
        account: &str,
        by: &By,
        ask: impl FnOnce(&Store) -> Result<T, state::Error> + Send + 'static,
    ) -> Result<T, Denied> {
        self.attempts.count(account, by.address, by.at)?;
        let _turn = self.hashing.acquire().await.map_err(|_| Denied::Unavailable)?;
        let done = self.ask(ask).await?;
        self.attempts.forgive(account, by.address);
        Ok(done)
    }
}

/// Who does what a request asks for, for the audit log.
pub(crate) fn by(who: impl Into<String>, client: &Client) -> By {
    By { who: who.into(), address: client.ip, at: Timestamp::now() }
}

/// Reads a request's JSON.
pub(crate) async fn read_json<T: DeserializeOwned>(
    state: &EdgeState,
    body: Body,
) -> Result<T, Denied> {
    let mut reservation = state.budget.reservation();
    let body = body::read(body, REQUEST_BYTES, &mut reservation).await?;
    serde_json::from_slice(&body).map_err(|error| Denied::Wrong(error.to_string()))
}
