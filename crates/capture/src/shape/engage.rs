//! `/engage`: changes to a person. PostHog makes it a `$identify`; where it came from is kept.

use std::borrow::Cow;

use super::Draft;

pub(super) fn fill(draft: &mut Draft<'_>) {
    draft.event = Cow::Borrowed("$identify");
    draft.extra.push(("source_path", Cow::Borrowed("\"/engage\"")));
}
