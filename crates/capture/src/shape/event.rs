//! An event as it names itself.

use super::Draft;
use crate::document::Item;
use crate::json;

pub(super) fn fill<'a>(draft: &mut Draft<'a>, item: &Item<'a>) {
    draft.event = item.event.and_then(json::string).unwrap_or_default();
}
