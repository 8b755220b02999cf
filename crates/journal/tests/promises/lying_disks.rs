//! The tests can fail: on a disk that does not sync, the same model finds that rows are lost.

use hogflare_journal::sim::{Lie, SimFs};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::model::{Model, steps};

/// Runs the model on a disk that lies, and returns what it complains about.
fn complaint_about(lie: Lie) -> Option<String> {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let strategy = (proptest::num::u64::ANY, steps()).no_shrink();
    let outcome = TestRunner::new(config).run(&strategy, |(seed, steps)| {
        let fs = SimFs::new(seed);
        fs.lie_about(lie);
        Model::new(fs).run(&steps).map_err(proptest::test_runner::TestCaseError::fail)
    });
    match outcome {
        Err(TestError::Fail(reason, _)) => Some(reason.to_string()),
        _ => None,
    }
}

#[test]
fn a_disk_that_ignores_sync_data_is_found_out() {
    assert!(complaint_about(Lie::SyncData).is_some());
}

#[test]
fn a_disk_that_ignores_sync_dir_is_found_out() {
    assert!(complaint_about(Lie::SyncDir).is_some());
}
