//! Session recordings, which have a journal of their own.

use bytes::Bytes;
use prost::Message;

/// One request to `/s/`: a piece of one session, as its journal holds it in protobuf.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Recording {
    /// Upper half of the uuid.
    #[prost(fixed64, tag = "1")]
    pub uuid_high: u64,
    /// Lower half of the uuid.
    #[prost(fixed64, tag = "2")]
    pub uuid_low: u64,
    /// Project API key.
    #[prost(string, tag = "3")]
    pub token: String,
    /// Whose session it is.
    #[prost(string, tag = "4")]
    pub distinct_id: String,
    /// Session; empty in the chunk shape of old clients, which name none.
    #[prost(string, tag = "5")]
    pub session_id: String,
    /// Window or tab.
    #[prost(string, tag = "6")]
    pub window_id: String,
    /// `web` or `mobile`.
    #[prost(string, tag = "7")]
    pub snapshot_source: String,
    /// The SDK's name.
    #[prost(string, tag = "8")]
    pub lib: String,
    /// JSON array of rrweb events.
    #[prost(string, tag = "9")]
    pub items: String,
    /// Time of the first item, UTC microseconds.
    #[prost(sfixed64, tag = "10")]
    pub timestamp_micros: i64,
    /// Receipt time, UTC microseconds.
    #[prost(sfixed64, tag = "11")]
    pub created_at_micros: i64,
    /// JSON object of what fits nowhere else, such as a chunk's own metadata.
    #[prost(string, optional, tag = "12")]
    pub extra: Option<String>,
}

/// A recording as the payload of a journal record, behind its length like a row.
pub fn encode_recording(recording: &Recording) -> Bytes {
    recording.encode_length_delimited_to_vec().into()
}

/// Decodes the recordings of a journal record's payload.
///
/// # Errors
/// When one is cut short or is not protobuf.
pub fn decode_recordings(mut payload: Bytes) -> Result<Vec<Recording>, prost::DecodeError> {
    let mut recordings = Vec::new();
    while !payload.is_empty() {
        recordings.push(Recording::decode_length_delimited(&mut payload)?);
    }
    Ok(recordings)
}
