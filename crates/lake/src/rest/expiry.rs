//! Which snapshots are dropped.
//!
//! Only those that this program made, that are old, and that nobody has given a name. And only where
//! the snapshot that follows has added files and taken none away: then no data file is needed by the
//! dropped one alone. Where something was merged, erased or replaced, whoever did that knows what to
//! do with the files.

use std::collections::HashSet;

use event::Timestamp;
use iceberg::spec::{Operation, SnapshotRef, TableMetadata};

/// By this property of their summary snapshots of this program are known.
pub(super) const MADE_BY: &str = "hogflare.journal-id";
/// How many manifests a snapshot has in another form than the one before; Iceberg's own name.
pub(super) const REPLACED: &str = "manifests-replaced";
/// The most snapshots dropped at a time, each of which costs a request.
const MOST: usize = 100;

/// A snapshot that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expired {
    pub(super) id: i64,
    pub(super) list: String,
    /// The list of the snapshot that follows, where that may do without some of the manifests.
    pub(super) following: Option<String>,
}

/// Says which snapshots go, the oldest first.
pub(super) fn expired(metadata: &TableMetadata, now: Timestamp, keep_millis: i64) -> Vec<Expired> {
    let line = ancestry(metadata);
    // Readers have had a snapshot until the next one came.
    let is_old = |snapshot: &SnapshotRef| {
        now.as_millis().saturating_sub(snapshot.timestamp_ms()) > keep_millis
    };
    if !line.first().is_some_and(|oldest| is_old(oldest)) {
        return Vec::new();
    }
    let named = named(metadata);
    let is_made_here =
        |snapshot: &SnapshotRef| snapshot.summary().additional_properties.contains_key(MADE_BY);
    // Manifests of snapshots that stay must stay, too.
    let mut is_oldest = metadata.snapshots().len() == line.len() && named.len() <= 1;
    let mut expired = Vec::new();
    for pair in line.windows(2) {
        let (snapshot, following) = (&pair[0], &pair[1]);
        let goes = is_old(following)
            && is_made_here(snapshot)
            && !named.contains(&snapshot.snapshot_id())
            && following.summary().operation == Operation::Append;
        if !goes {
            is_oldest = false;
            continue;
        }
        let is_changed = replaces(following) && is_made_here(following);
        expired.push(Expired {
            id: snapshot.snapshot_id(),
            list: snapshot.manifest_list().to_owned(),
            following: (is_changed && is_oldest).then(|| following.manifest_list().to_owned()),
        });
        if expired.len() == MOST {
            break;
        }
    }
    expired
}

fn replaces(snapshot: &SnapshotRef) -> bool {
    let replaced = snapshot.summary().additional_properties.get(REPLACED);
    replaced.is_some_and(|count| count != "0")
}

/// The snapshots that led to the present one, the oldest first, it included.
fn ancestry(metadata: &TableMetadata) -> Vec<&SnapshotRef> {
    let parent = |snapshot: &&SnapshotRef| metadata.snapshot_by_id(snapshot.parent_snapshot_id()?);
    // A ring would be nonsense, and endless.
    let most = metadata.snapshots().len();
    let mut line: Vec<_> =
        std::iter::successors(metadata.current_snapshot(), parent).take(most).collect();
    line.reverse();
    line
}

/// Snapshots that a branch or a tag names.
fn named(metadata: &TableMetadata) -> HashSet<i64> {
    let json = serde_json::to_value(metadata).unwrap_or_default();
    let refs = json["refs"].as_object().into_iter().flatten();
    refs.filter_map(|(_, named)| named["snapshot-id"].as_i64()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use iceberg::spec::{
        FormatVersion, MAIN_BRANCH, Snapshot, SnapshotReference, SnapshotRetention, SortOrder,
        Summary, TableMetadataBuilder, UnboundPartitionSpec,
    };

    use super::*;
    use crate::Table;
    use crate::projection::schema;

    /// A table with these snapshots, numbered from 1, each with its operation and its summary.
    fn table(snapshots: &[(Operation, &[(&str, &str)])]) -> TableMetadata {
        let table = Table::of(event::Table::Persons);
        let mut builder = TableMetadataBuilder::new(
            schema::schema(table).unwrap().as_ref().clone(),
            UnboundPartitionSpec::builder().build(),
            SortOrder::unsorted_order(),
            "s3://bucket/persons".to_owned(),
            FormatVersion::V2,
            HashMap::new(),
        )
        .unwrap();
        // Iceberg wants them not much older than the table.
        let start = Timestamp::now().as_millis();
        for (number, (operation, summary)) in (1..).zip(snapshots) {
            let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let snapshot = Snapshot::builder()
                .with_snapshot_id(number)
                .with_parent_snapshot_id((number > 1).then_some(number - 1))
                .with_sequence_number(number)
                .with_timestamp_ms(start + number)
                .with_manifest_list(format!("s3://bucket/persons/metadata/{number}.avro"))
                .with_summary(Summary {
                    operation: operation.clone(),
                    additional_properties: summary.iter().map(text).collect(),
                })
                .with_schema_id(0)
                .build();
            builder = builder.set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap();
        }
        builder.build().unwrap().metadata
    }

    const OURS: &[(&str, &str)] = &[(MADE_BY, "a")];
    const MERGED: &[(&str, &str)] = &[(MADE_BY, "a"), (REPLACED, "7")];

    fn ids(metadata: &TableMetadata) -> Vec<i64> {
        let now = Timestamp::now().plus_micros(3_600_000_000);
        expired(metadata, now, 60_000).iter().map(|expired| expired.id).collect()
    }

    #[test]
    fn old_snapshots_go_and_the_present_one_stays() {
        let append = || (Operation::Append, OURS);
        assert!(ids(&table(&[])).is_empty());
        assert!(ids(&table(&[append()])).is_empty());
        let metadata = table(&[append(), append(), append()]);
        assert_eq!(ids(&metadata), [1, 2]);
        assert!(expired(&metadata, Timestamp::now(), 60_000).is_empty(), "they are young");
    }

    #[test]
    fn snapshots_stay_that_others_made_or_whose_files_somebody_replaced() {
        let (ours, theirs) = ((Operation::Append, OURS), (Operation::Append, &[][..]));
        let replaced = (Operation::Replace, &[][..]);
        let metadata = table(&[ours.clone(), theirs, ours.clone(), replaced, ours.clone(), ours]);
        assert_eq!(ids(&metadata), [1, 5]);
    }

    #[test]
    fn a_snapshot_with_a_name_stays() {
        let append = || (Operation::Append, OURS);
        let metadata = table(&[append(), append(), append()]);
        let tag = SnapshotReference::new(1, SnapshotRetention::Tag { max_ref_age_ms: None });
        let builder = metadata.into_builder(None).set_ref("kept", tag).unwrap();
        assert_eq!(ids(&builder.build().unwrap().metadata), [2]);
    }

    #[test]
    fn manifests_that_were_merged_are_looked_for_unless_older_snapshots_stay() {
        let (ours, merged) = ((Operation::Append, OURS), (Operation::Append, MERGED));
        let now = Timestamp::now().plus_micros(3_600_000_000);
        let following = |metadata: &TableMetadata| -> Vec<bool> {
            let expired = expired(metadata, now, 60_000);
            expired.iter().map(|expired| expired.following.is_some()).collect()
        };
        let metadata = table(&[ours.clone(), ours.clone(), merged.clone(), ours.clone()]);
        assert_eq!(following(&metadata), [false, true, false]);
        let theirs = (Operation::Append, &[][..]);
        let metadata = table(&[theirs, ours.clone(), merged, ours]);
        assert_eq!(following(&metadata), [false, false], "the first one stays");
    }
}
