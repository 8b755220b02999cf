//! The crate is wired up: every target has its binary, and the versions fuzzed are those shipped.

use std::collections::BTreeSet;
use std::path::Path;

fn manifest(path: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn every_target_has_a_binary() {
    let binaries = manifest("Cargo.toml");
    let binaries = binaries["bin"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = binaries.map(|bin| bin["name"].as_str().unwrap()).collect();
    let targets = fuzz::TARGETS.iter().map(|(name, _)| *name);
    assert_eq!(names, targets.collect());
}

#[test]
fn what_is_fuzzed_is_what_is_shipped() {
    // Nothing that is shipped uses these.
    const OWN: [&str; 3] = ["hogflare-fuzz", "libfuzzer-sys", "arbitrary"];
    let shipped = packages("../Cargo.lock");
    let own = |(name, _): &(String, String)| OWN.contains(&name.as_str());
    let others: Vec<_> = packages("Cargo.lock")
        .into_iter()
        .filter(|found| !own(found) && !shipped.contains(found))
        .collect();
    assert!(others.is_empty(), "copy ../Cargo.lock here and build again: {others:?}");
}

fn packages(lock: &str) -> BTreeSet<(String, String)> {
    let lock = manifest(lock);
    let packages = lock["package"].as_array().unwrap().iter();
    let text = |package: &toml::Value, name: &str| package[name].as_str().unwrap().to_owned();
    packages.map(|package| (text(package, "name"), text(package, "version"))).collect()
}
