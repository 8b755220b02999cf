//! Iceberg's metadata: whole, and what the catalog says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use iceberg::io::FileIO;
use iceberg::spec::{DataFile, FormatVersion, ManifestFile, ManifestList, Snapshot, TableMetadata};

use super::Problem;
use crate::Table;
use crate::catalog::Inspected;
use crate::layout::{FilePath, Layout};
use crate::projection::{self, HINT, wait};

/// What was looked at, and found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) problems: Vec<Problem>,
    pub(super) snapshots: u64,
    pub(super) manifests: u64,
}

/// Looks at a table's newest metadata, and at all that it names.
pub(super) fn check(layout: &Layout, table: &'static Table, inspected: &Inspected) -> Checked {
    let mut check =
        Check { layout, table, inspected, checked: Checked::default(), manifests: HashMap::new() };
    if let Err(what) = check.run() {
        check.checked.problems.push(Problem::of_table(table, what));
    }
    check.checked.manifests = check.manifests.len() as u64;
    check.checked
}

struct Check<'a> {
    layout: &'a Layout,
    table: &'static Table,
    inspected: &'a Inspected,
    checked: Checked,
    /// The files of manifests that were read, by the manifest's location.
    manifests: HashMap<String, Vec<DataFile>>,
}

impl Check<'_> {
    /// Goes on as far as it makes sense.
    fn run(&mut self) -> Result<(), String> {
        let Some(projected) = &self.inspected.projected else {
            return match self.inspected.files.is_empty() {
                true => Ok(()),
                false => Err("there is no Iceberg metadata yet".to_owned()),
            };
        };
        let (found, expected) = &self.inspected.registered;
        if found != expected {
            let text = |location: &Option<String>| location.clone().unwrap_or("nothing".to_owned());
            let (found, expected) = (text(found), text(expected));
            return Err(format!("{found} is registered as its metadata, not {expected}"));
        }
        if projected.root != self.layout.root_text() {
            let root = &projected.root;
            return Err(format!("its metadata is of a lake at {root}; a start writes it anew"));
        }
        let hint = FilePath::metadata(self.table, HINT);
        let hint = read(&self.layout.absolute(&hint))?;
        if hint != projected.version.to_string().as_bytes() {
            self.problem(HINT, "it does not name the newest metadata");
        }
        let name = FilePath::table_metadata(self.table, projected.version);
        let metadata: TableMetadata = serde_json::from_slice(&read(&self.layout.absolute(&name))?)
            .map_err(|error| format!("{name} cannot be read: {error}"))?;
        self.check_table(name.as_str(), &metadata);
        for snapshot in metadata.snapshots() {
            self.checked.snapshots += 1;
            if let Err(what) = self.check_snapshot(snapshot, &metadata) {
                self.problem(&self.name(snapshot.manifest_list()), &what);
            }
        }
        Ok(())
    }

    fn check_table(&mut self, name: &str, metadata: &TableMetadata) {
        if metadata.uuid().to_string() != self.inspected.table_uuid {
            self.problem(name, "it is of a table with another uuid");
        }
        let columns = metadata.current_schema().as_struct().fields().iter();
        let columns = columns.map(|field| (field.id, field.name.as_str()));
        if !columns.eq(self.table.columns().iter().map(|column| (column.id, column.name))) {
            self.problem(
                name,
                "it has other columns than this program; a start brings it up to date",
            );
        }
        let shown: BTreeSet<i64> =
            metadata.snapshots().map(|snapshot| snapshot.snapshot_id()).collect();
        let known: BTreeSet<i64> = self.inspected.snapshots.iter().map(|known| known.id).collect();
        if shown != known {
            self.problem(name, "it shows other snapshots than the catalog knows");
        }
        let newest = self.inspected.snapshots.last().map(|newest| newest.id);
        if metadata.current_snapshot_id() != newest {
            self.problem(name, "its current snapshot is not the newest that the catalog knows");
        }
    }

    fn check_snapshot(
        &mut self,
        snapshot: &Snapshot,
        metadata: &TableMetadata,
    ) -> Result<(), String> {
        let list = read(Path::new(plain(snapshot.manifest_list())))?;
        let list = ManifestList::parse_with_version(&list, FormatVersion::V2)
            .map_err(|error| error.to_string())?;
        let mut files = Vec::new();
        for manifest in list.entries() {
            files.extend(self.files_of(manifest)?);
        }
        let rows: u64 = files.iter().map(DataFile::record_count).sum();
        let said = snapshot.summary().additional_properties.get("total-records");
        if said != Some(&rows.to_string()) {
            return Err(format!("its files have {rows} rows, and it says otherwise"));
        }
        for file in &files {
            if !Path::new(plain(file.file_path())).exists() {
                self.problem(
                    &self.name(file.file_path()),
                    "a snapshot shows it, and it is not there",
                );
            }
        }
        match metadata.current_snapshot_id() == Some(snapshot.snapshot_id()) {
            true => self.check_files(&files),
            false => Ok(()),
        }
    }

    fn files_of(&mut self, manifest: &ManifestFile) -> Result<Vec<DataFile>, String> {
        let path = &manifest.manifest_path;
        if let Some(known) = self.manifests.get(path) {
            return Ok(known.clone());
        }
        let loaded = wait(manifest.load_manifest(&FileIO::new_with_fs()))
            .map_err(|error| format!("{}: {error}", self.name(path)))?;
        let files: Vec<_> =
            loaded.entries().iter().map(|entry| entry.data_file().clone()).collect();
        self.manifests.insert(path.clone(), files.clone());
        Ok(files)
    }

    /// The newest snapshot shows the catalog's files as it knows them, but for what changed since.
    fn check_files(&mut self, files: &[DataFile]) -> Result<(), String> {
        let mut found: BTreeMap<&str, &DataFile> =
            files.iter().map(|file| (file.file_path(), file)).collect();
        if found.len() < files.len() {
            return Err("it shows a file twice".to_owned());
        }
        let mut wrong = Vec::new();
        for listing in self.inspected.files.iter().filter(|listing| listing.first_shown.is_some()) {
            let name = listing.file.name.as_str();
            match found.remove(self.layout.uri(&listing.file.name).as_str()) {
                None => wrong.push((name, "the newest snapshot does not show it")),
                Some(file) if !projection::is_shown_as(listing, self.layout, file) => {
                    wrong.push((name, "its manifest says otherwise than the catalog"));
                }
                Some(_) => {}
            }
        }
        for removed in &self.inspected.shown {
            let file = found.remove(self.layout.uri(&removed.name).as_str());
            if file.is_none_or(|file| file.record_count() != removed.rows) {
                wrong.push((removed.name.as_str(), "the newest snapshot does not show it"));
            }
        }
        let unknown: Vec<String> = found.keys().map(|uri| self.name(uri)).collect();
        for (name, what) in wrong {
            self.problem(name, what);
        }
        for name in unknown {
            self.problem(&name, "the newest snapshot shows it, and the catalog does not know it");
        }
        Ok(())
    }

    fn problem(&mut self, file: &str, what: &str) {
        self.checked.problems.push(Problem::of_file(self.table, file, what));
    }

    /// A file's name, seen from the lake's folder where it lies in it.
    fn name(&self, uri: &str) -> String {
        self.layout.relative(uri).map_or_else(|| uri.to_owned(), |name| name.to_string())
    }
}

fn plain(uri: &str) -> &str {
    uri.strip_prefix("file://").unwrap_or(uri)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
