//! Everything of the window that does not change any more, as one immutable version.

use std::sync::Arc;

use journal::Offset;
use tracing::error;

use super::active::Frozen;
use super::key::Key;
use super::run::Run;
use crate::received::Received;

/// Keys of a stretch of the journal.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// In memory, waiting to be written.
    Frozen(Arc<Frozen>),
    /// In a file.
    Run(Arc<Run>),
}

/// Parts from the oldest to the newest.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Where the window begins if there are no parts.
    start: Offset,
    parts: Vec<Part>,
}

impl View {
    pub(crate) fn new(start: Offset, mut parts: Vec<Part>) -> Self {
        parts.sort_by_key(Part::begin);
        Self { start, parts }
    }

    /// The offset below which keys are in this view, as far as they are in the window.
    pub(crate) fn end(&self) -> Offset {
        self.parts.last().map_or(self.start, Part::end)
    }

    /// False where the key is certainly not in the view; reads no file.
    pub(crate) fn may_contain(&self, key: Key) -> bool {
        self.parts.iter().any(|part| part.may_contain(key))
    }

    /// Returns where the key's row is; reads files.
    pub(crate) fn find(&self, key: Key) -> Option<Offset> {
        self.find_newer(key, Offset::ZERO)
    }

    /// Like [`View::find`], for somebody who has looked among the rows below `looked_up_to`.
    pub(crate) fn find_newer(&self, key: Key, looked_up_to: Offset) -> Option<Offset> {
        let newer = self.parts.iter().rev().take_while(|part| part.end() > looked_up_to);
        newer.filter_map(|part| part.find(key)).next()
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn frozen(&self) -> impl Iterator<Item = &Arc<Frozen>> {
        self.parts.iter().filter_map(|part| match part {
            Part::Frozen(frozen) => Some(frozen),
            Part::Run(_) => None,
        })
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.parts.iter().filter_map(|part| match part {
            Part::Frozen(_) => None,
            Part::Run(run) => Some(run),
        })
    }

    /// Where the rows begin whose keys are in memory only, those of the active map among them.
    pub(crate) fn unwritten_from(&self, active: Offset) -> Offset {
        self.frozen().next().map_or(active, |frozen| frozen.begin)
    }

    /// This view with a part in place of those whose rows it covers.
    pub(crate) fn with(&self, part: Part) -> Self {
        let is_covered = |other: &&Part| other.begin() >= part.begin() && other.end() <= part.end();
        let others = self.parts.iter().filter(|other| !is_covered(other)).cloned();
        Self::new(self.start, others.chain([part.clone()]).collect())
    }

    /// This view without the part that begins there.
    pub(crate) fn without(&self, begin: Offset) -> Self {
        let kept = self.parts.iter().filter(|part| part.begin() != begin).cloned().collect();
        Self { start: self.start, parts: kept }
    }

    /// Earliest and latest receipt time of the parts that follow each other up to `end`.
    pub(crate) fn received_without_gap(&self, end: Offset) -> Option<Received> {
        let mut next = end;
        let mut received = None;
        for part in self.parts.iter().rev().take_while(|part| {
            let follows = part.end() == next;
            next = part.begin();
            follows
        }) {
            received = Some(part.received().union_with(received));
        }
        received
    }

    pub(crate) fn keys(&self) -> u64 {
        self.parts.iter().map(Part::keys).sum()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.parts.iter().map(Part::memory_bytes).sum()
    }
}

impl Part {
    pub(crate) fn begin(&self) -> Offset {
        match self {
            Self::Frozen(frozen) => frozen.begin,
            Self::Run(run) => run.header.begin,
        }
    }

    pub(crate) fn end(&self) -> Offset {
        match self {
            Self::Frozen(frozen) => frozen.end,
            Self::Run(run) => run.header.end,
        }
    }

    pub(crate) fn received(&self) -> Received {
        match self {
            Self::Frozen(frozen) => frozen.received,
            Self::Run(run) => run.header.received,
        }
    }

    pub(crate) fn keys(&self) -> u64 {
        match self {
            Self::Frozen(frozen) => frozen.keys.len() as u64,
            Self::Run(run) => run.header.keys,
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Frozen(frozen) => frozen.memory_bytes(),
            Self::Run(run) => run.memory_bytes(),
        }
    }

    fn may_contain(&self, key: Key) -> bool {
        match self {
            Self::Frozen(frozen) => frozen.find(key).is_some(),
            Self::Run(run) => run.may_contain(key),
        }
    }

    fn find(&self, key: Key) -> Option<Offset> {
        match self {
            Self::Frozen(frozen) => frozen.find(key),
            Self::Run(run) if run.is_damaged() => None,
            Self::Run(run) => run.find(key).unwrap_or_else(|cause| {
                report_damage(run, &cause);
                None
            }),
        }
    }
}

/// Says, once for each run, that its keys are lost to the window.
pub(crate) fn report_damage(run: &Run, cause: &dyn std::fmt::Display) {
    if run.mark_damaged() {
        error!(
            file = %run.path.display(),
            keys = run.header.keys,
            %cause,
            "a key file cannot be used, so retries of its rows are not recognized any more"
        );
    }
}

#[cfg(test)]
mod tests {
    use journal::sim::SimFs;

    use super::*;
    use crate::dedup::active::Active;
    use crate::dedup::testing::{NOW, write_run};

    fn run(begin: u64, end: u64) -> Part {
        Part::Run(Arc::new(write_run(&SimFs::new(1), Vec::new(), begin, end)))
    }

    fn frozen(begin: u64, end: u64) -> Part {
        let mut active = Active::new(Offset::new(begin), 1);
        active.publish(Offset::new(end), 1, NOW);
        Part::Frozen(Arc::new(active.freeze(1).unwrap()))
    }

    fn ends(view: &View) -> Vec<u64> {
        view.parts().iter().map(|part| part.end().get()).collect()
    }

    #[test]
    fn keys_in_memory_only_hold_the_journal() {
        let view = View::new(Offset::ZERO, vec![frozen(20, 30), run(0, 10), frozen(10, 20)]);
        let active = view.end();
        assert_eq!((view.unwritten_from(active), active), (Offset::new(10), Offset::new(30)));
        let view = view.with(run(10, 20)).with(run(20, 30));
        assert_eq!(view.unwritten_from(active), active);
    }

    #[test]
    fn a_run_takes_the_place_of_what_it_covers() {
        let view = View::new(Offset::ZERO, vec![run(0, 10), run(10, 20), run(20, 30), run(30, 40)]);
        assert_eq!(ends(&view.with(run(10, 30))), [10, 30, 40]);
        assert_eq!(ends(&view.without(Offset::new(10))), [10, 30, 40]);
    }

    #[test]
    fn a_gap_ends_what_is_recognized_for_certain() {
        let view = View::new(Offset::ZERO, vec![run(0, 10), run(20, 30)]);
        assert_eq!(view.received_without_gap(Offset::new(30)), Some(NOW));
        assert_eq!(view.received_without_gap(Offset::new(31)), None);
    }
}
