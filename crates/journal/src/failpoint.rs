//! Named points at which a crash test lets the process die.

use std::sync::OnceLock;

static CHOSEN: OnceLock<Option<String>> = OnceLock::new();

/// Aborts the process when `HOGFLARE_FAILPOINT` names this point; does nothing otherwise.
///
/// It stands between two steps whose order is a promise, so that a test can stop there and look at
/// what the next start makes of it.
pub fn failpoint(name: &str) {
    let chosen = CHOSEN.get_or_init(|| std::env::var("HOGFLARE_FAILPOINT").ok());
    if chosen.as_deref() == Some(name) {
        tracing::error!(failpoint = name, "aborting at the chosen failpoint");
        std::process::abort();
    }
}
