//! What was left out or changed on the way, counted by reason.

/// Something that an accepted request lost or had repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A `$performance_event`, which PostHog no longer stores.
    PerformanceEvent,
    /// A `null` among the items; posthog-js-core's queue can hold one.
    NullItem,
    /// Half of a surrogate pair, now U+FFFD.
    LoneSurrogate,
    /// A control character sent raw inside a string, now escaped.
    RawControlCharacter,
    /// Text in CESU-8, now UTF-8: posthog-js up to 1.150 encodes emoji so under base64.
    Cesu8Text,
    /// An event time too far ahead or before 1971, now the receipt time.
    ClampedTimestamp,
    /// A timestamp that is no time, replaced by the receipt time.
    UnreadableTimestamp,
    /// A `uuid` that is none, replaced by the server's own.
    UnreadableUuid,
    /// An event name cut at 200 UTF-16 units.
    CutEventName,
    /// A distinct id cut at 200 characters.
    CutDistinctId,
    /// A key repeated within `properties`; the last one counts.
    RepeatedKey,
    /// An unknown member beside `batch`, which belongs to no event.
    IgnoredEnvelopeMember,
    /// A span that tells of no AI, where only such are taken.
    OtherSpan,
    /// Bytes in a text of a protobuf that are no UTF-8, now U+FFFD.
    BrokenText,
}

impl Note {
    /// Every note.
    pub const ALL: [Self; 14] = [
        Self::PerformanceEvent,
        Self::NullItem,
        Self::LoneSurrogate,
        Self::RawControlCharacter,
        Self::Cesu8Text,
        Self::ClampedTimestamp,
        Self::UnreadableTimestamp,
        Self::UnreadableUuid,
        Self::CutEventName,
        Self::CutDistinctId,
        Self::RepeatedKey,
        Self::IgnoredEnvelopeMember,
        Self::OtherSpan,
        Self::BrokenText,
    ];

    /// Its name as a metric label.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::PerformanceEvent => "performance_event",
            Self::NullItem => "null_item",
            Self::LoneSurrogate => "lone_surrogate",
            Self::RawControlCharacter => "raw_control_character",
            Self::Cesu8Text => "cesu8_text",
            Self::ClampedTimestamp => "clamped_timestamp",
            Self::UnreadableTimestamp => "unreadable_timestamp",
            Self::UnreadableUuid => "unreadable_uuid",
            Self::CutEventName => "cut_event_name",
            Self::CutDistinctId => "cut_distinct_id",
            Self::RepeatedKey => "repeated_key",
            Self::IgnoredEnvelopeMember => "ignored_envelope_member",
            Self::OtherSpan => "other_span",
            Self::BrokenText => "broken_text",
        }
    }
}

/// How often each [`Note`] was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    counts: [u32; Note::ALL.len()],
}

impl Notes {
    /// How often this happened.
    pub fn count(&self, note: Note) -> u32 {
        self.counts[note as usize]
    }

    /// What happened at all, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Note, u32)> + '_ {
        Note::ALL.into_iter().map(|note| (note, self.count(note))).filter(|&(_, count)| count > 0)
    }

    pub(crate) fn take(&mut self, note: Note) {
        self.take_many(note, 1);
    }

    pub(crate) fn take_many(&mut self, note: Note, times: usize) {
        let count = &mut self.counts[note as usize];
        *count = count.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_note_has_its_own_place() {
        for (place, note) in Note::ALL.into_iter().enumerate() {
            assert_eq!(note as usize, place);
        }
    }

    #[test]
    fn only_what_happened_is_listed() {
        let mut notes = Notes::default();
        notes.take(Note::NullItem);
        notes.take_many(Note::NullItem, 2);
        assert_eq!(notes.iter().collect::<Vec<_>>(), [(Note::NullItem, 3)]);
    }
}
