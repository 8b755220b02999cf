//! What is chosen of the rules.

use crate::GroupTypes;

/// Largest properties of a person, in bytes of JSON; PostHog's limit. Here it is a group's, too.
pub const PERSON_PROPERTIES_BYTES: usize = 655_360;

/// Most distinct ids that a merge moves: a merge is one record of the journal.
pub const MERGED_DISTINCT_IDS: usize = 10_000;

/// Most bytes of distinct ids that a merge moves.
pub const MERGED_DISTINCT_ID_BYTES: usize = 1 << 20;

/// What is chosen of the rules.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Names of group types that are given, of every project; others come first, are served first.
    pub group_types: GroupTypes,
    /// Whether events get all properties that their person has after them.
    pub person_properties_on_events: bool,
    /// Whether a `$feature_flag_called` makes a person, as it does in older versions of PostHog.
    ///
    /// It else makes one only where it has `$groups` or says `$process_person_profile: true`:
    /// servers that evaluate a flag for an id would fill the project with persons that were never
    /// there.
    pub persons_of_flag_calls: bool,
}
