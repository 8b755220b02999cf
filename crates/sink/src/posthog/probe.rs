//! Whether a PostHog answers.

use http::StatusCode;

use super::Config;
use super::request::Requester;

/// Asks for nothing in particular, which stores nothing.
///
/// Whether it takes events is only known once it got one: a capture service has no page that says so.
///
/// # Errors
/// What would keep requests from being taken: no answer, one that leads elsewhere, or a broken server.
pub async fn probe(config: &Config) -> Result<StatusCode, String> {
    let status = Requester::new(config.clone()).get("/").await?;
    match status {
        status if status.is_server_error() => Err(format!("answers {status}")),
        status => Ok(status),
    }
}
