//! Which system, and its version.

use super::{Signs, version};

/// Versions of Windows by what agents call them.
const WINDOWS: &[(&str, &str)] = &[
    ("NT 5.0", "2000"),
    ("NT 5.1", "XP"),
    ("NT 5.2", "XP"),
    ("NT 6.0", "Vista"),
    ("NT 6.1", "7"),
    ("NT 6.2", "8"),
    ("NT 6.3", "8.1"),
    ("NT 6.4", "10"),
    ("NT 10.0", "10"),
];

/// The system that an agent runs on; empty where it is not known.
pub(super) fn of(signs: &Signs<'_>) -> (&'static str, String) {
    let plain = |name| (name, String::new());
    if signs.mentions(&["xbox; xbox "]) {
        ("Xbox", xbox_version(signs).to_owned())
    } else if signs.mentions(&["nintendo"]) {
        plain("Nintendo")
    } else if signs.mentions(&["playstation"]) {
        plain("PlayStation")
    } else if signs.mentions(&["blackberry", "playbook", "bb10"]) {
        plain("BlackBerry")
    } else if signs.mentions(&["windows"]) {
        windows(signs)
    } else if signs.has(&["iPhone", "iPad", "iPod"]) {
        ("iOS", version_behind(signs, &[" os "]))
    } else if is_watch(signs) {
        ("watchOS", version_behind(signs, &["watch os,", "watchos/"]))
    } else if signs.mentions(&["android"]) {
        ("Android", android_version(signs))
    } else if signs.mentions(&["mac"]) {
        ("Mac OS X", version_behind(signs, &["mac os x "]))
    } else if signs.has(&["CrOS"]) {
        plain("Chrome OS")
    } else if signs.mentions(&["linux", "debian"]) {
        plain("Linux")
    } else {
        plain("")
    }
}

/// Whether it is a watch; `watch` alone could be anything.
pub(super) fn is_watch(signs: &Signs<'_>) -> bool {
    let is_digit = |(at, sign): (usize, &str)| {
        signs.lower.as_bytes().get(at + sign.len()).is_some_and(u8::is_ascii_digit)
    };
    signs.mentions(&["watch os,", "watchos/"]) || signs.lower.match_indices("watch").any(is_digit)
}

fn windows(signs: &Signs<'_>) -> (&'static str, String) {
    if signs.has(&["Phone", "WPDesktop"]) {
        return ("Windows Phone", String::new());
    }
    if signs.has(&["Mobile"]) && !signs.has(&["IEMobile"]) {
        return ("Windows Mobile", String::new());
    }
    let version = WINDOWS.iter().find(|(sign, _)| signs.has(&[sign])).map(|(_, name)| *name);
    let version = match version {
        Some(_) if signs.mentions(&["arm"]) => "RT",
        version => version.unwrap_or_default(),
    };
    ("Windows", version.to_owned())
}

fn xbox_version<'a>(signs: &Signs<'a>) -> &'a str {
    let behind = signs.lower.find("xbox; xbox ").and_then(|at| signs.text.get(at + 11..));
    behind.and_then(|rest| rest.split([')', ';']).next()).unwrap_or_default()
}

/// Android says one, two or three numbers.
fn android_version(signs: &Signs<'_>) -> String {
    let behind = signs.lower.find("android ").and_then(|at| signs.lower.get(at + 8..));
    behind.and_then(version::of_three).unwrap_or_default()
}

fn version_behind(signs: &Signs<'_>, before: &[&str]) -> String {
    let rest = |sign: &&str| {
        let at = signs.lower.find(*sign)?;
        version::of_three(signs.lower.get(at + sign.len()..)?)
    };
    before.iter().find_map(rest).unwrap_or_default()
}
