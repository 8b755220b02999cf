//! Manifests and manifest lists, as bytes.
//!
//! A commit adds a manifest for each partition spec of its files. When a spec has many small ones they
//! are merged, all but the commit's own, so that the list stays short however many commits there are.

use bytes::Bytes;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, FormatVersion, Manifest, ManifestContentType, ManifestFile, ManifestList,
    ManifestListWriter, ManifestWriterBuilder, TableMetadata, UNASSIGNED_SEQUENCE_NUMBER,
};
use sink::Error;
use uuid::Uuid;

use super::iceberg;

/// A manifest that is so large is not merged any more; Iceberg's own default.
const LARGE_BYTES: i64 = 8 << 20;
/// How many small manifests a spec has before they are merged, unless the table says; Iceberg's own default.
const MANY: usize = 100;
/// What a table says of it.
const MANY_PROPERTY: &str = "commit.manifest.min-count-to-merge";

/// The library writes to files; this is one that is nowhere.
const IN_MEMORY: &str = "memory:///file.avro";

/// A manifest that is not stored yet.
#[derive(Clone, Debug)]
pub(super) struct NewManifest {
    pub(super) line: ManifestFile,
    pub(super) bytes: Bytes,
}

/// Writes the manifest of new files, which are of one spec.
pub(super) async fn of_new(
    metadata: &TableMetadata,
    spec_id: i32,
    files: impl Iterator<Item = DataFile>,
    snapshot_id: i64,
) -> Result<NewManifest, Error> {
    let files: Vec<DataFile> = files.collect();
    write(metadata, spec_id, snapshot_id, |writer| {
        let mut files = files.into_iter();
        files.try_for_each(|file| writer.add_file(file, UNASSIGNED_SEQUENCE_NUMBER))
    })
    .await
}

/// Writes one manifest of the files of several.
pub(super) async fn merged(
    metadata: &TableMetadata,
    spec_id: i32,
    manifests: &[Manifest],
    snapshot_id: i64,
) -> Result<NewManifest, Error> {
    write(metadata, spec_id, snapshot_id, |writer| {
        let entries = manifests.iter().flat_map(|manifest| manifest.entries());
        for entry in entries.filter(|entry| entry.is_alive()) {
            let sequence_number = entry.sequence_number().unwrap_or_default();
            let file_sequence_number = entry.file_sequence_number.or(entry.sequence_number());
            let from = entry.snapshot_id().unwrap_or(snapshot_id);
            let file = entry.data_file().clone();
            writer.add_existing_file(file, from, sequence_number, file_sequence_number)?;
        }
        Ok(())
    })
    .await
}

async fn write(
    metadata: &TableMetadata,
    spec_id: i32,
    snapshot_id: i64,
    fill: impl FnOnce(&mut ::iceberg::spec::ManifestWriter) -> ::iceberg::Result<()>,
) -> Result<NewManifest, Error> {
    let (io, schema) = (FileIO::new_with_memory(), metadata.current_schema().clone());
    let spec = metadata.partition_spec_by_id(spec_id).ok_or_else(|| {
        Error::transient(format!("the table has no partition spec {spec_id} any more"))
    })?;
    let written = async {
        let output = io.new_output(IN_MEMORY)?;
        let spec = spec.as_ref().clone();
        let mut writer =
            ManifestWriterBuilder::new(output, Some(snapshot_id), schema, spec).build_v2_data();
        fill(&mut writer)?;
        let mut line = writer.write_manifest_file().await?;
        line.manifest_path = metadata_file(metadata, &format!("{}-m0.avro", Uuid::new_v4()));
        let bytes = io.new_input(IN_MEMORY)?.read().await?;
        Ok(NewManifest { line, bytes })
    };
    iceberg(written.await, "write a manifest")
}

/// The name of a new file of a table's metadata.
pub(super) fn metadata_file(metadata: &TableMetadata, name: &str) -> String {
    format!("{}/metadata/{name}", metadata.location().trim_end_matches('/'))
}

/// Writes the list of a snapshot.
pub(super) async fn list(
    manifests: Vec<ManifestFile>,
    snapshot_id: i64,
    parent: Option<i64>,
    sequence_number: i64,
) -> Result<Bytes, Error> {
    let io = FileIO::new_with_memory();
    let written = async {
        let output = io.new_output(IN_MEMORY)?.writer().await?;
        let mut writer = ManifestListWriter::v2(output, snapshot_id, parent, sequence_number);
        writer.add_manifests(manifests.into_iter())?;
        writer.close().await?;
        io.new_input(IN_MEMORY)?.read().await
    };
    iceberg(written.await, "write a manifest list")
}

/// Reads the lines of a list of a table with this format.
pub(super) fn lines(bytes: &[u8], format: FormatVersion) -> Result<Vec<ManifestFile>, Error> {
    let list = ManifestList::parse_with_version(bytes, format);
    Ok(iceberg(list, "read a manifest list")?.consume_entries().into_iter().collect())
}

/// Reads a manifest, whose line says what its entries inherit.
pub(super) async fn read(line: &ManifestFile, bytes: Bytes) -> Result<Manifest, Error> {
    let io = FileIO::new_with_memory();
    let read = async {
        io.new_output(IN_MEMORY)?.write(bytes).await?;
        let line = ManifestFile { manifest_path: IN_MEMORY.to_owned(), ..line.clone() };
        line.load_manifest(&io).await
    };
    iceberg(read.await, "read a manifest")
}

/// Takes groups of small manifests out of a list that should be one each.
pub(super) fn take_small(
    metadata: &TableMetadata,
    manifests: &mut Vec<ManifestFile>,
) -> Vec<Vec<ManifestFile>> {
    let said = metadata.properties().get(MANY_PROPERTY).and_then(|text| text.parse().ok());
    let many = said.unwrap_or(MANY).max(2);
    let is_small = |line: &ManifestFile| {
        line.content == ManifestContentType::Data && line.manifest_length < LARGE_BYTES
    };
    let mut specs: Vec<i32> = manifests.iter().map(|line| line.partition_spec_id).collect();
    specs.sort_unstable();
    specs.dedup();
    let mut groups = Vec::new();
    for spec in specs {
        let is_one = |line: &ManifestFile| line.partition_spec_id == spec && is_small(line);
        if manifests.iter().filter(|line| is_one(line)).count() < many {
            continue;
        }
        let mut bytes = LARGE_BYTES;
        for line in manifests.extract_if(.., |line| is_one(line)) {
            bytes += line.manifest_length;
            match groups.last_mut() {
                Some(group) if bytes < LARGE_BYTES => Vec::push(group, line),
                _ => {
                    bytes = line.manifest_length;
                    groups.push(vec![line]);
                }
            }
        }
    }
    // What would be copied alone stays as it is.
    let (alone, groups): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.len() == 1);
    manifests.extend(alone.into_iter().flatten());
    groups
}
