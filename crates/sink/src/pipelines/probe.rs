//! Whether the endpoint would take rows.

use super::Config;
use super::request::{Answer, Requester};
use crate::Error;

/// Sends an empty array, which stores nothing, and reads the answer as for rows.
///
/// # Errors
/// What would keep rows from being taken: no answer, a refused token, a wrong URL.
pub async fn probe(config: &Config) -> Result<(), Error> {
    let requester = Requester::new("doctor", config.clone())
        .map_err(|error| Error::paused(error.to_string()))?;
    match requester.post(b"[]".to_vec(), 0).await? {
        // That an empty array is refused is undocumented but no matter: the token was taken.
        Answer::Committed | Answer::Refused(_) => Ok(()),
        Answer::TooLarge(reason) => Err(Error::paused(reason)),
    }
}
