//! `/alias`: a second distinct id of a person; PostHog's form of it is `$create_alias`.

use std::borrow::Cow;

use super::{Draft, required};
use crate::document::Item;
use crate::properties::Name;
use crate::{Error, json};

pub(super) fn fill<'a>(draft: &mut Draft<'a>, item: &Item<'a>) -> Result<(), Error> {
    let alias = json::quote(&required(item.alias, "alias")?);
    draft.event = Cow::Borrowed("$create_alias");
    draft.extra.push(("alias", Cow::Owned(alias.clone())));
    draft.appended.push((Name::Alias, Cow::Owned(alias)));
    if let Some(raw) = item.distinct_id {
        let distinct_id = json::quote(&crate::distinct_id::text(raw));
        draft.appended.push((Name::DistinctId, Cow::Owned(distinct_id)));
    }
    Ok(())
}
