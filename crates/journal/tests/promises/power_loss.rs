//! What was acknowledged survives the loss of power, whatever else fails.

use hogflare_journal::sim::{Fault, Op, SimFs};
use proptest::prelude::*;

use crate::model::{Model, steps};
use crate::support::{batches, open, payloads};

/// The number of runs; `PROPTEST_CASES` sets another.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = default.cases * if cfg!(debug_assertions) { 4 } else { 32 };
    ProptestConfig { cases, max_shrink_iters: 2000, failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn acknowledged_rows_survive_whatever_happens(seed: u64, steps in steps()) {
        let verdict = Model::new(SimFs::new(seed)).run(&steps);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }

    #[test]
    fn acknowledged_rows_survive_where_writes_are_short(seed: u64, steps in steps()) {
        let fs = SimFs::new(seed);
        fs.write_in_parts();
        let verdict = Model::new(fs).run(&steps);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }
}

#[test]
fn acked_record_survives_power_loss() {
    for seed in 0..200 {
        let fs = SimFs::new(seed);
        let (mut writer, _journal) = open(&fs);
        writer.commit(&batches(["one", "two"])).unwrap();
        writer.commit(&batches(["three"])).unwrap();
        let (_writer, journal) = open(&fs.power_loss());
        assert_eq!(payloads(&journal), ["one", "two", "three"]);
    }
}

#[test]
fn power_loss_during_a_commit_leaves_a_prefix_of_the_group() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let fs = SimFs::new(seed);
        let (mut writer, _journal) = open(&fs);
        writer.commit(&batches(["acked"])).unwrap();
        fs.crash_after(1);
        let text = "x".repeat(5000);
        writer.commit(&batches(["a", &text, &text])).unwrap_err();
        let (_writer, journal) = open(&fs.power_loss());
        let found = payloads(&journal);
        assert_eq!(found[0], "acked");
        assert!(
            ["acked", "a", &text, &text]
                .starts_with(&found.iter().map(|s| &**s).collect::<Vec<_>>())
        );
        outcomes.insert(found.len());
    }
    assert_eq!(outcomes, [1, 2, 3, 4].into(), "the simulation is too kind");
}

#[test]
fn rows_found_after_a_kill_are_durable_before_anybody_sees_them() {
    // The sync failed, so the pages count as written and are not, and so did everything that
    // would have cut them off. The next process finds the group, shows it, and the power goes.
    let mut shown_groups = 0;
    for seed in 0..200 {
        let fs = SimFs::new(seed);
        let (mut writer, _journal) = open(&fs);
        writer.commit(&batches(["acked"])).unwrap();
        for op in [Op::SyncData, Op::SetLen, Op::Create] {
            fs.fail(op, 0, Fault::Io);
        }
        writer.commit(&batches(["maybe"])).unwrap_err();
        assert!(!writer.is_fenced());
        let fs = fs.kill();
        let (_writer, journal) = open(&fs);
        let shown = payloads(&journal);
        shown_groups += shown.len() - 1;
        let (_writer, journal) = open(&fs.power_loss());
        assert_eq!(payloads(&journal), shown, "seed {seed}");
    }
    assert_eq!(shown_groups, 200, "the simulated kernel shows what was written");
}
