//! What is embedded is whole, and says where it comes from.

use std::io::Read;

use flate2::read::GzDecoder;

use super::*;

#[test]
fn every_kind_is_a_script_of_this_version() {
    assert_eq!(version().split('.').count(), 3);
    let pinned = include_str!("../package.json");
    assert!(pinned.contains(&format!("\"posthog-js\": \"{}\"", version())));
    for kind in kinds() {
        let script = get(kind).unwrap();
        let text = String::from_utf8(script.inflated()).unwrap();
        assert_eq!(text.len(), script.length as usize, "{kind}");
        assert!(text.contains("sourceMappingURL"), "{kind}");
    }
    assert!(get("array").is_some() && get("lazy-recorder").is_some());
    assert!(get("toolbar").is_none() && get("array.js").is_none());
}

#[test]
fn tags_tell_kinds_apart() {
    let mut tags: Vec<_> = kinds().map(|kind| get(kind).unwrap().etag).collect();
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count);
    assert!(tags.iter().all(|tag| tag.starts_with("W/\"") && tag.ends_with('"')));
}

#[test]
fn text_of_any_length_can_stand_before_a_script() {
    let script = get("logs").unwrap();
    for length in [0, 1, 2_000, STORED, STORED + 1, 3 * STORED] {
        let text: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        let mut content = Vec::new();
        // The decoder checks the trailer.
        GzDecoder::new(&script.gzip_after(&text)[..]).read_to_end(&mut content).unwrap();
        assert_eq!(content, [text, script.inflated()].concat(), "{length}");
    }
    assert_eq!(script.etag_after(b""), script.etag);
    assert_ne!(script.etag_after(b"a"), script.etag_after(b"b"));
}

const STORED: usize = 0xffff;

#[test]
fn the_licenses_come_along() {
    let text = String::from_utf8(license().unwrap().inflated()).unwrap();
    assert!(text.starts_with("==== posthog-js ===="));
    assert!(text.contains("==== preact ====") && text.contains("Apache License"));
}
