//! Dead letters, sent again.

use super::request::{Answer, Requester};
use super::{Config, RawRequest};
use crate::pipelines::Resent;
use crate::{DeadLetter, Error};

/// Sends letters one by one, as they came.
///
/// # Errors
/// When PostHog cannot be asked now; nothing is known of these letters then, and some may be sent twice.
pub async fn resend(config: &Config, letters: Vec<DeadLetter>) -> Result<Resent, Error> {
    let requester = Requester::new(config.clone());
    let mut resent = Resent::default();
    for mut letter in letters {
        let Some(request) = RawRequest::of_letter(&letter.row) else {
            letter.reason = "is no request".to_owned();
            resent.refused.push(letter);
            continue;
        };
        match requester.send(&request).await {
            Answer::Taken => resent.taken += 1,
            Answer::Refused(refusal) => {
                letter.reason = refusal.reason;
                resent.refused.push(letter);
            }
            Answer::Failed(failure) => {
                return Err(match failure.retry_after {
                    Some(retry_after) => Error::busy(failure.reason, retry_after),
                    None => Error::transient(failure.reason),
                });
            }
        }
    }
    Ok(resent)
}
