//! The properties that mean something here, found in one pass over an event's members.

use crate::document::{Member, Source};

/// A property that this crate reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    DistinctId,
    Alias,
    Ip,
    SentAt,
    Set,
    SetOnce,
    Unset,
    GroupSet,
    GroupType,
    GroupKey,
    Elements,
    ElementsChain,
    SessionId,
    WindowId,
    ProcessPersonProfile,
    IgnoreSentAt,
    CookielessMode,
    ProductTourId,
    Lib,
    LibVersion,
}

const NAMES: usize = Name::LibVersion as usize + 1;

impl Name {
    /// The name as it is sent.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::DistinctId => "distinct_id",
            Self::Alias => "alias",
            Self::Ip => "$ip",
            Self::SentAt => "$sent_at",
            Self::Set => "$set",
            Self::SetOnce => "$set_once",
            Self::Unset => "$unset",
            Self::GroupSet => "$group_set",
            Self::GroupType => "$group_type",
            Self::GroupKey => "$group_key",
            Self::Elements => "$elements",
            Self::ElementsChain => "$elements_chain",
            Self::SessionId => "$session_id",
            Self::WindowId => "$window_id",
            Self::ProcessPersonProfile => "$process_person_profile",
            Self::IgnoreSentAt => "$ignore_sent_at",
            Self::CookielessMode => "$cookieless_mode",
            Self::ProductTourId => "$product_tour_id",
            Self::Lib => "$lib",
            Self::LibVersion => "$lib_version",
        }
    }

    #[inline]
    fn of(name: &str) -> Option<Self> {
        // By length first: most properties are none of these, and must cost next to nothing.
        let candidates: &[Self] = match name.len() {
            3 => &[Self::Ip],
            4 => &[Self::Set, Self::Lib],
            5 => &[Self::Alias],
            6 => &[Self::Unset],
            8 => &[Self::SentAt],
            9 => &[Self::SetOnce, Self::Elements],
            10 => &[Self::GroupSet, Self::GroupKey, Self::WindowId],
            11 => &[Self::DistinctId, Self::GroupType, Self::SessionId],
            12 => &[Self::LibVersion],
            15 => &[Self::ElementsChain, Self::IgnoreSentAt],
            16 => &[Self::CookielessMode, Self::ProductTourId],
            23 => &[Self::ProcessPersonProfile],
            _ => &[],
        };
        candidates.iter().copied().find(|candidate| candidate.text() == name)
    }
}

/// Where an event's known properties are among its members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'d, 'a> {
    source: Source<'a>,
    members: &'d [Member],
    /// A member's index plus one, or 0.
    places: [u32; NAMES],
}

impl<'d, 'a> Known<'d, 'a> {
    /// Finds them; of a repeated key the last counts.
    pub(crate) fn find(source: Source<'a>, members: &'d [Member]) -> Self {
        let mut places = [0; NAMES];
        for (index, member) in (0u32..).zip(members) {
            let text = source.name(member);
            if let Some(name) = Name::of(&text) {
                places[name as usize] = index + 1;
            }
        }
        Self { source, members, places }
    }

    /// Its index among the members.
    pub(crate) fn index(&self, name: Name) -> Option<u32> {
        self.places[name as usize].checked_sub(1)
    }

    /// Its raw value.
    pub(crate) fn get(&self, name: Name) -> Option<&'a str> {
        let member = self.members.get(self.index(name)? as usize)?;
        Some(self.source.get(member.value))
    }

    /// Its raw value where it is not `null`.
    pub(crate) fn present(&self, name: Name) -> Option<&'a str> {
        self.get(name).filter(|&raw| raw != "null")
    }

    /// Its raw value where it is an object.
    pub(crate) fn object(&self, name: Name) -> Option<&'a str> {
        self.get(name).filter(|raw| crate::json::is_object(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_text() {
        let all = [
            Name::DistinctId,
            Name::Alias,
            Name::Ip,
            Name::SentAt,
            Name::Set,
            Name::SetOnce,
            Name::Unset,
            Name::GroupSet,
            Name::GroupType,
            Name::GroupKey,
            Name::Elements,
            Name::ElementsChain,
            Name::SessionId,
            Name::WindowId,
            Name::ProcessPersonProfile,
            Name::IgnoreSentAt,
            Name::CookielessMode,
            Name::ProductTourId,
            Name::Lib,
            Name::LibVersion,
        ];
        assert_eq!(all.len(), NAMES);
        for name in all {
            assert_eq!(Name::of(name.text()), Some(name));
        }
        assert_eq!(Name::of("$host"), None);
    }
}
