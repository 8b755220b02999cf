//! Who does something, when, and from where.

use std::net::IpAddr;

use event::Timestamp;

/// Goes with everything that changes something, into the audit log.
#[derive(Clone, Debug)]
pub struct By {
    /// An email address, or what a key or the program is called.
    pub who: String,
    /// The client's address, where there is one.
    pub address: Option<IpAddr>,
    /// The time.
    pub at: Timestamp,
}

impl By {
    /// The program itself, or its owner at the machine.
    pub fn program(at: Timestamp) -> Self {
        Self { who: "hogflare".to_owned(), address: None, at }
    }
}
