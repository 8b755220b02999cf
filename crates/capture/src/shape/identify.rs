//! `/identify`: the item's `properties` are the person's.

use std::borrow::Cow;

use super::{Draft, over_given};
use crate::document::{Document, Item};
use crate::properties::{Known, Name};
use crate::splice::splice;

pub(super) fn fill<'a>(
    draft: &mut Draft<'a>,
    document: &Document<'a>,
    item: &Item<'a>,
    known: &Known<'_, 'a>,
) {
    draft.event = Cow::Borrowed("$identify");
    draft.set = over_given(given(document, item, known), draft.set.take());
}

/// The properties given, less those that say how to set.
pub(super) fn given(
    document: &Document<'_>,
    item: &Item<'_>,
    known: &Known<'_, '_>,
) -> Option<String> {
    let instructions = [Name::Set, Name::SetOnce, Name::Unset, Name::GroupSet];
    let mut dropped: Vec<u32> =
        instructions.into_iter().filter_map(|name| known.index(name)).collect();
    dropped.sort_unstable();
    let members = document.properties(item);
    (members.len() > dropped.len()).then(|| splice(document.source, members, &dropped, &[]))
}
