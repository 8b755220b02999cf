//! Any sequence of writes, commits, merges, projections, deletions and crashes leaves each row of
//! the journal in the lake once, and Iceberg's metadata true.

use proptest::prelude::*;

use super::projection::assert_metadata_shows;
use super::*;
use crate::failpoint::{
    AFTER_COMMIT, AFTER_COMPACTION, AFTER_COMPACTION_SYNC, AFTER_ERASURE, AFTER_ERASURE_SYNC,
    AFTER_METADATA, AFTER_PARQUET_SYNC, AFTER_REMOVAL,
};

#[derive(Clone, Copy, Debug)]
enum Step {
    Write {
        rows: usize,
        days_ago: i64,
    },
    Flush,
    Compact,
    /// Merges what would be left alone yet.
    CompactNow,
    Project,
    /// Asks for the erasure of some users.
    Ask {
        first: u64,
        users: u64,
        kind: usize,
    },
    Erase,
    RemoveExpired,
    Expire,
    Restart,
    Arm(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let failpoints = [
        AFTER_PARQUET_SYNC,
        AFTER_COMMIT,
        AFTER_COMPACTION_SYNC,
        AFTER_COMPACTION,
        AFTER_ERASURE_SYNC,
        AFTER_ERASURE,
        AFTER_METADATA,
        AFTER_REMOVAL,
    ];
    prop_oneof![
        6 => (1_usize..1_500, 0_i64..4)
            .prop_map(|(rows, days_ago)| Step::Write { rows, days_ago }),
        8 => Just(Step::Flush),
        3 => Just(Step::Compact),
        1 => Just(Step::CompactNow),
        3 => Just(Step::Project),
        3 => (7_u64..300, 1_u64..40, 0_usize..2)
            .prop_map(|(first, users, kind)| Step::Ask { first, users, kind }),
        5 => Just(Step::Erase),
        2 => Just(Step::RemoveExpired),
        1 => Just(Step::Expire),
        1 => Just(Step::Restart),
        2 => proptest::sample::select(failpoints.to_vec()).prop_map(Step::Arm),
    ]
}

/// Runs a step; what fails fails because a failpoint was armed, and the process dies.
async fn run(lake: &mut TestLake, step: Step) {
    let is_alive = match step {
        Step::Write { rows, days_ago } => {
            lake.write(rows_of_all_tables(NOON - days_ago * DAY_MICROS, rows)).await;
            true
        }
        Step::Flush => lake.sink.flush().await.is_ok(),
        Step::Compact => lake.lake.compact_once().await.is_ok(),
        Step::CompactNow => lake.lake.compact_now().await.is_ok(),
        Step::Project => lake.lake.project_metadata().await.is_ok(),
        Step::Ask { first, users, kind } => {
            let ids = (first..first + users).map(|user| format!("user {user}")).collect();
            lake.write(vec![erasures::asked(0, ids, kind == 1)]).await;
            true
        }
        Step::Erase => lake.lake.erase_once().await.is_ok(),
        Step::Expire => lake.lake.expire(Duration::ZERO).await.is_ok(),
        Step::RemoveExpired => lake.lake.remove_expired().await.is_ok(),
        Step::Restart => false,
        Step::Arm(failpoint) => {
            lake.arm(failpoint);
            true
        }
    };
    if !is_alive {
        lake.restart().await;
    }
    lake.assert_whole();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn each_row_is_there_once_whatever_happens(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lake = TestLake::open().await;
            for step in steps {
                run(&mut lake, step).await;
            }
            lake.restart().await;
            lake.flush().await;
            while lake.lake.erase_once().await.unwrap() {}
            lake.assert_whole();
            assert!(lake.lake.version().erasures.is_empty());
            lake.lake.project_metadata().await.unwrap();
            assert_metadata_shows(&lake).await;
            assert_sound(&lake.lake).await;
        });
    }
}
