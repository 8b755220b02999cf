//! The crates depend on each other in one direction, as ARCHITECTURE.md draws it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

/// Each crate with the crates of this workspace that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("capture", &["event"]),
    ("enrich", &["event"]),
    ("journal", &[]),
    ("sequencer", &["event", "identity", "journal"]),
    ("sink", &["event", "journal"]),
    ("lake", &["event", "journal", "sink"]),
    ("recordings", &["event", "journal", "sink"]),
    ("query", &["event", "journal", "lake", "sink"]),
    ("import", &["event"]),
    ("postgres-door", &["query"]),
    ("sdk-assets", &[]),
    ("web-assets", &[]),
    ("identity", &["event"]),
    ("state", &["event"]),
    ("tls", &[]),
    (
        "server",
        &[
            "capture",
            "enrich",
            "event",
            "identity",
            "journal",
            "lake",
            "query",
            "sdk-assets",
            "sequencer",
            "sink",
            "state",
            "web-assets",
        ],
    ),
    (
        "hogflare",
        &[
            "capture",
            "enrich",
            "event",
            "identity",
            "import",
            "journal",
            "lake",
            "postgres-door",
            "query",
            "recordings",
            "sequencer",
            "server",
            "sink",
            "state",
            "tls",
        ],
    ),
];

#[test]
fn no_crate_uses_one_to_its_right() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let names: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let folders = std::fs::read_dir(&crates).unwrap();
    let found: BTreeSet<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, found.iter().map(String::as_str).collect(), "every crate has its arrows");
    for (name, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let used = manifest["dependencies"].as_table().unwrap().keys();
        for used in used.filter(|used| names.contains(used.as_str())) {
            assert!(allowed.contains(&used.as_str()), "{name} uses {used}");
        }
    }
}
