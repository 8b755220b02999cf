//! How often somebody may try a password: for each account and for each address.
//!
//! A bucket of tries fills up again with time. It is counted before the password is looked at, and
//! whether or not there is such an account, so that an answer says nothing of that; whoever gets in has
//! the tries back. Counts are this process's own, and forgotten with it.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use event::Timestamp;
use lru::LruCache;

/// Accounts and addresses that are remembered; those that try go on being so.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).expect("above 0");

/// Tries at once, and microseconds until one is there again.
#[derive(Clone, Copy)]
struct Rate {
    burst: i64,
    interval: i64,
}

const OF_ACCOUNT: Rate = Rate { burst: 10, interval: 60_000_000 };
/// Several people may share an address.
const OF_ADDRESS: Rate = Rate { burst: 20, interval: 30_000_000 };

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whom {
    Account(String),
    Address(IpAddr),
}

/// There were too many tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// After this another is allowed.
    pub retry_after: Duration,
}

/// See the module.
#[derive(Debug)]
pub struct Attempts {
    /// When the bucket of each will be full again.
    full_at: Mutex<LruCache<Whom, i64>>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { full_at: Mutex::new(LruCache::new(REMEMBERED)) }
    }
}

impl Attempts {
    /// Counts a try, or says when there may be one.
    ///
    /// # Errors
    /// When there were too many.
    pub fn count(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), TooMany> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let (whom, now) = (whom(account, address), now.as_micros());
        allowed(&full_at, &whom, now)?;
        for (whom, rate) in whom {
            let next = full_at.get(&whom).copied().unwrap_or(now).max(now) + rate.interval;
            full_at.put(whom, next);
        }
        Ok(())
    }

    /// Likewise without counting, for what many may do at a time and only what fails counts.
    ///
    /// # Errors
    /// When there were too many.
    pub fn check(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), TooMany> {
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        allowed(&full_at, &whom(account, address), now.as_micros())
    }

    /// Gives the tries back to whoever got in.
    pub fn forgive(&self, account: &str, address: Option<IpAddr>) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        for (whom, _) in whom(account, address) {
            full_at.pop(&whom);
        }
    }
}

fn allowed(full_at: &LruCache<Whom, i64>, whom: &[(Whom, Rate)], now: i64) -> Result<(), TooMany> {
    let late = whom.iter().map(|(whom, rate)| {
        let full_at = full_at.peek(whom).copied().unwrap_or(now).max(now);
        full_at - now - rate.interval * (rate.burst - 1)
    });
    let wait = late.max().unwrap_or_default();
    match wait > 0 {
        true => Err(TooMany { retry_after: Duration::from_micros(wait.unsigned_abs()) }),
        false => Ok(()),
    }
}

fn whom(account: &str, address: Option<IpAddr>) -> Vec<(Whom, Rate)> {
    let account = (Whom::Account(account.trim().to_lowercase()), OF_ACCOUNT);
    let address = address.map(|address| (Whom::Address(network(address)), OF_ADDRESS));
    [Some(account), address].into_iter().flatten().collect()
}

/// An address, and of IPv6 the /64 that one customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn after(seconds: i64) -> Timestamp {
        START.plus_micros(seconds * 1_000_000)
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_account_is_tried_ten_times_from_anywhere() {
        let attempts = Attempts::default();
        for number in 0..10 {
            let from = address(&format!("203.0.113.{number}"));
            assert_eq!(attempts.count("Jane@example.com", from, START), Ok(()), "{number}");
        }
        let refused = attempts.count("jane@example.com", address("198.51.100.1"), START);
        assert_eq!(refused, Err(TooMany { retry_after: Duration::from_secs(60) }));
        let early = attempts.count("jane@example.com", address("198.51.100.1"), after(59));
        assert!(early.is_err(), "what was refused does not count");
        assert!(attempts.count("jane@example.com", address("198.51.100.1"), after(60)).is_ok());
        assert!(attempts.count("joe@example.com", address("198.51.100.1"), START).is_ok());
    }

    #[test]
    fn an_address_tries_twenty_accounts() {
        let attempts = Attempts::default();
        for number in 0..20 {
            let host = address(&format!("2001:db8::{number}"));
            assert!(attempts.count(&format!("user-{number}@x"), host, START).is_ok());
        }
        assert!(attempts.count("other@x", address("2001:db8::ffff"), START).is_err());
        assert!(attempts.count("other@x", address("2001:db8:0:1::1"), START).is_ok());
    }

    #[test]
    fn what_is_checked_is_not_counted() {
        let attempts = Attempts::default();
        let from = address("203.0.113.7");
        for _ in 0..100 {
            assert!(attempts.check("jane@example.com", from, START).is_ok());
        }
        for _ in 0..10 {
            assert!(attempts.count("jane@example.com", from, START).is_ok());
        }
        assert!(attempts.check("jane@example.com", from, START).is_err());
    }

    #[test]
    fn whoever_gets_in_has_the_tries_back() {
        let attempts = Attempts::default();
        let from = address("203.0.113.7");
        for _ in 0..100 {
            assert!(attempts.count("jane@example.com", from, START).is_ok());
            attempts.forgive("jane@example.com", from);
        }
    }
}
