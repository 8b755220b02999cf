//! Dead letters, sent again.

use super::Config;
use super::batch::{self, OutgoingRow};
use super::request::{Answer, Requester};
use crate::{DeadLetter, Error};

/// What became of dead letters that were sent again.
#[derive(Debug, Default)]
pub struct Resent {
    /// The pipeline took so many.
    pub taken: usize,
    /// It refused these once more, with the reason it gave now.
    pub refused: Vec<DeadLetter>,
}

/// Sends letters one request at a time, each row as it was sent before, with the same uuid.
///
/// Rows of a request that is refused are sent one by one. A letter that was sent and whose end is not
/// known (a crash, an error here) may be sent again: rows have their uuid to tell.
///
/// # Errors
/// When the pipeline cannot be reached or refuses the token; nothing is known of these letters then.
pub async fn resend(config: &Config, letters: Vec<DeadLetter>) -> Result<Resent, Error> {
    let requester = Requester::new("resend", config.clone())
        .map_err(|error| Error::paused(error.to_string()))?;
    let rows: Vec<OutgoingRow> = letters.iter().map(OutgoingRow::of_letter).collect();
    let mut resent = Resent::default();
    let mut letters = letters.into_iter();
    for run in batch::cut(&rows, config.max_batch_bytes) {
        let rows = &rows[run];
        let answer = requester.post(batch::body(rows), rows.len()).await?;
        let letters = letters.by_ref().take(rows.len());
        if matches!(answer, Answer::Committed) {
            resent.taken += letters.count();
            continue;
        }
        for (row, mut letter) in rows.iter().zip(letters) {
            match requester.post(batch::body(std::slice::from_ref(row)), 1).await? {
                Answer::Committed => resent.taken += 1,
                Answer::Refused(reason) | Answer::TooLarge(reason) => {
                    letter.reason = reason;
                    resent.refused.push(letter);
                }
            }
        }
    }
    Ok(resent)
}
