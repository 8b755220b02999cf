//! The lanes of v0, chosen by the path.

/// What a path means for the items posted to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// `/e`, `/i/v0/e`, `/capture`, `/track`, `/api/event`: items are events.
    Capture,
    /// `/batch`, `/i/v0/ai/batch`: events, or items told apart by `type`.
    Batch,
    /// `/engage`: items without an event name set person properties.
    Engage,
    /// `/identify`: `properties` are person properties.
    Identify,
    /// `/groups`: `properties` are a group's.
    Groups,
    /// `/alias`: two distinct ids are one person.
    Alias,
    /// `/s`: session recordings, for [`decode_recording`](crate::decode_recording).
    Recording,
}
