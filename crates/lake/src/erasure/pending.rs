//! Erasures that files may still have rows of.

use std::sync::Arc;

use event::Placed;

use super::Erasing;

/// Counts erasures in the order in which the lake read them; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u64);

/// An erasure and its number.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(crate) number: Number,
    pub(crate) placed: Arc<Placed>,
}

/// Erasures that are not through with all files, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    all: Vec<Numbered>,
    /// The last one that was read, be it pending or not.
    last: Number,
    /// All of them, for files that were looked at for none.
    erasing: Option<Arc<Erasing>>,
}

impl Pending {
    pub(crate) fn new(all: Vec<Numbered>, last: Number) -> Self {
        let erasing = (!all.is_empty()).then(|| Arc::new(Erasing::new(&all)));
        Self { all, last, erasing }
    }

    pub(crate) const fn last(&self) -> Number {
        self.last
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// These and more, which come later.
    pub(crate) fn and(&self, more: impl IntoIterator<Item = Numbered>) -> Self {
        let mut all = self.all.clone();
        all.extend(more);
        let last = all.last().map_or(self.last, |last| last.number.max(self.last));
        Self::new(all, last)
    }

    /// Those that are left once all up to one are through.
    pub(crate) fn after(&self, through: Number) -> Self {
        let later = self.all.iter().filter(|erasure| erasure.number > through);
        Self::new(later.cloned().collect(), self.last)
    }

    /// What is to be taken out of a file that is free of all up to one; `None` for nothing.
    pub(crate) fn erasing(&self, free_of: Number) -> Option<Arc<Erasing>> {
        match self.all.first() {
            Some(first) if first.number > free_of => self.erasing.clone(),
            _ => self.after(free_of).erasing,
        }
    }
}
