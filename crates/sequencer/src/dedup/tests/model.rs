//! The window behaves like one map, whatever is frozen, written, merged and opened again.

use std::collections::HashMap;
use std::sync::Arc;

use journal::Offset;
use journal::sim::SimFs;
use proptest::prelude::*;

use crate::dedup::key::Key;
use crate::dedup::testing::{NOW, journal, open, options, random_keys, row, wait_until};
use crate::dedup::view::View;
use crate::dedup::window::Window;
use crate::options::DedupOptions;
use crate::prepared::PreparedRow;

const POOL: usize = 3_000;

#[derive(Clone, Debug)]
enum Step {
    /// Rows of a group, and whether it is stored.
    Group { picks: Vec<usize>, is_stored: bool },
    /// Callers look at the present view from now on.
    Look,
    /// The process ends in order and starts again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let group = (prop::collection::vec(0..POOL, 0..120), prop::bool::weighted(0.8))
        .prop_map(|(picks, is_stored)| Step::Group { picks, is_stored });
    let step = prop_oneof![20 => group, 3 => Just(Step::Look), 1 => Just(Step::Restart)];
    prop::collection::vec(step, 1..60)
}

struct Model {
    stored: HashMap<Key, Offset>,
    next: u64,
}

impl Model {
    /// Admits a group to window and model, and compares.
    fn run_group(&mut self, window: &mut Window, caller: &View, keys: &[Key], is_stored: bool) {
        // A disk that cannot follow makes the window forget; that is another test's matter.
        wait_until(|| window.lookup().view().frozen().next().is_none());
        let mut overlay = self.stored.clone();
        let mut next = self.next;
        window.begin_group(keys.len());
        for &key in keys {
            let row = PreparedRow { original: caller.find(key), ..row(key) };
            let expected = overlay.get(&key).copied();
            let found = window.admit(&row, caller.end(), Offset::new(next));
            assert_eq!(found, expected);
            if expected.is_none() {
                overlay.insert(key, Offset::new(next));
                next += 1;
            }
        }
        if is_stored && next > self.next {
            window.publish(Offset::new(next), 1, NOW);
            (self.stored, self.next) = (overlay, next);
        } else {
            window.discard();
        }
    }
}

fn check(steps: Vec<Step>, options: DedupOptions) {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let pool = random_keys(9, POOL);
    let mut model = Model { stored: HashMap::new(), next: 0 };
    let mut window = open(&fs, &journal, options.clone());
    let mut caller: Arc<View> = window.lookup().view();
    for step in steps {
        match step {
            Step::Group { picks, is_stored } => {
                let keys: Vec<Key> = picks.into_iter().map(|pick| pool[pick]).collect();
                model.run_group(&mut window, &caller, &keys, is_stored);
            }
            Step::Look => caller = window.lookup().view(),
            Step::Restart => {
                window.close();
                window = open(&fs, &journal, options.clone());
                caller = window.lookup().view();
            }
        }
    }
    assert_eq!(window.lookup().length().keys, model.stored.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_window_equals_a_map(steps in steps()) {
        check(steps, options(32_768));
    }

    #[test]
    fn filters_that_exclude_little_or_nothing_change_no_answer(
        steps in steps(),
        filter_bits_per_key in 0_u32..2,
    ) {
        check(steps, DedupOptions { filter_bits_per_key, ..options(32_768) });
    }
}
