//! `/s`: pieces of session recordings.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use capture::Lane;
use event::{Recording, encode_recording};
use journal::Offset;

use crate::ack;
use crate::admission::{self, Admission};
use crate::answer::{self, Failure};
use crate::endpoints::capture::request_on;
use crate::intake::{Incoming, Received};
use crate::tee::{Copy, Whose};
use crate::{EdgeState, metrics};

/// Largest body as sent, PostHog's.
const WIRE_BYTES: usize = 25 << 20;

/// Takes a piece of a recording into the recordings' own journal.
pub(crate) async fn recording(State(state): State<EdgeState>, request: Request) -> Response {
    match store(&state, request).await {
        Ok(Taken::OverQuota) => answer::recordings_over_quota(),
        Ok(Taken::Stored { beacon }) => {
            metrics::REQUESTS_ACCEPTED.increment(1);
            answer::success(beacon)
        }
        Err(failure) => failure.into_response(),
    }
}

/// What became of a piece.
enum Taken {
    Stored { beacon: bool },
    OverQuota,
}

async fn store(state: &EdgeState, request: Request) -> Result<Taken, Failure> {
    let incoming = Incoming::read_signed(state, request, WIRE_BYTES).await?;
    let (client_ip, now) = (incoming.received().client.ip, incoming.received().received_at);
    let copy = Copy::of_recording(state, incoming.received());
    let settings = capture::Settings { wire_limit: WIRE_BYTES, ..state.capture.clone() };
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        let request = request_on(Lane::Recording, received);
        capture::decode_recording(&request, &settings, memory).map_err(Failure::from)
    };
    let (recorded, _reservation) = incoming.decode(decode).await?;
    metrics::note(&recorded.notes);
    let count = recorded.recordings.len();
    let admission = admission::of_recordings(state, &recorded.token, client_ip, count, now)?;
    let Admission::Welcome(admitted) = admission else { return Ok(Taken::OverQuota) };
    let kept = recorded.recordings.into_iter();
    let mut kept: Vec<Recording> =
        kept.filter(|recording| !admitted.policy.drops_recording(recording)).collect();
    metrics::dropped("drop_rule", (count - kept.len()) as u64);
    if kept.is_empty() {
        return Ok(Taken::Stored { beacon: recorded.beacon });
    }
    for recording in &mut kept {
        admitted.project.enrichment.scrub(&mut recording.extra);
    }
    let rows: Vec<Bytes> = kept.iter().map(encode_recording).collect();
    let bytes: usize = rows.iter().map(Bytes::len).sum();
    let appending = state.recordings.append(rows);
    let offsets = copy.keep_beside(state, Whose::of(&recorded.token, &[]), appending).await?;
    admitted.charge_recordings(state, bytes as u64);
    let offsets = (offsets.start.get()..offsets.end.get()).map(Offset::new);
    let owed = state.ack.owed_for_recordings();
    ack::settle(&owed, &offsets.collect::<Vec<_>>()).await?;
    Ok(Taken::Stored { beacon: recorded.beacon })
}
