//! What a group's events need to be known of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use event::TeamId;

use crate::claim::{Claim, Part};
use crate::{GroupKey, GroupTypes, IdKey, Settings};

/// What a group's events need to be known of, as far as it can be told in advance.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) ids: Vec<IdKey>,
    pub(super) teams: Vec<TeamId>,
    pub(super) groups: Vec<GroupKey>,
}

impl Wanted {
    /// The types of groups that are known already help to tell which groups these are.
    pub(super) fn of(
        claims: &[Claim],
        settings: &Settings,
        types: &HashMap<TeamId, Arc<GroupTypes>>,
    ) -> Self {
        let mut ids: HashSet<&IdKey> = HashSet::with_capacity(claims.len());
        let mut groups: HashSet<GroupKey> = HashSet::new();
        let mut wanted = Self::default();
        for claim in claims {
            for id in claim.distinct_ids().filter(|id| can_be_known(&id.id)) {
                if ids.insert(id) {
                    wanted.ids.push(id.clone());
                }
            }
            let Part::Full(full) = &claim.part else { continue };
            let team = claim.id.team;
            if (full.group.is_some() || !full.groups.is_empty()) && !wanted.teams.contains(&team) {
                wanted.teams.push(team);
            }
            let known = || types.get(&team).map(|types| &**types);
            let index_of = |name: &str| {
                position(&settings.group_types, name).or_else(|| position(known()?, name))
            };
            if let Some(group) = &full.group
                && let Some(type_index) = index_of(&group.type_name)
            {
                groups.insert(GroupKey { team, type_index, key: Arc::clone(&group.key) });
            }
        }
        wanted.groups.extend(groups);
        wanted
    }
}

/// PostgreSQL takes no NUL; nobody has an id with one.
pub(super) fn can_be_known(id: &str) -> bool {
    !id.contains('\0')
}

fn position(types: &GroupTypes, name: &str) -> Option<u8> {
    let index = types.iter().position(|known| known.as_deref() == Some(name))?;
    u8::try_from(index).ok()
}
