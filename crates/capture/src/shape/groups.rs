//! `/groups`: the item's `properties` are a group's; PostHog's form of it is `$groupidentify`.

use std::borrow::Cow;

use super::{Draft, identify, over_given, required};
use crate::document::{Document, Item};
use crate::properties::{Known, Name};
use crate::{Error, json};

pub(super) fn fill<'a>(
    draft: &mut Draft<'a>,
    document: &Document<'a>,
    item: &Item<'a>,
    known: &Known<'_, 'a>,
) -> Result<(), Error> {
    let group_type = required(item.group_type, "group_type")?;
    let group_key = required(item.group_key, "group_key")?;
    draft.event = Cow::Borrowed("$groupidentify");
    draft.distinct_ids[2] = item.group_key;
    draft.appended.extend([
        (Name::GroupType, Cow::Owned(json::quote(&group_type))),
        (Name::GroupKey, Cow::Owned(json::quote(&group_key))),
    ]);
    let given = identify::given(document, item, known);
    draft.group_set = over_given(given, draft.group_set.take());
    Ok(())
}
