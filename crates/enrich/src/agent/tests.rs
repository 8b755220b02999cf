//! Agents as they are seen, and what posthog-js says of them.

use serde_json::{Value, json};

use super::*;
use crate::samples::tree;

fn said(user_agent: &str) -> Value {
    let mut said = tree(&Agent::of(user_agent).browser.after("{}"));
    said.as_object_mut().unwrap().remove("$raw_user_agent");
    said
}

fn is(user_agent: &str, browser: &str, version: f64, os: [&str; 2], device: &str) {
    let mut expected = json!({"$browser": browser, "$os": os[0], "$device_type": device});
    if !os[1].is_empty() {
        expected["$os_version"] = os[1].into();
    }
    let mut found = said(user_agent);
    let found_version = found.as_object_mut().unwrap().remove("$browser_version");
    let found_version = found_version.and_then(|version| version.as_f64());
    assert_eq!(found_version, Some(version).filter(|version| *version > 0.0), "{user_agent}");
    assert_eq!(found, expected, "{user_agent}");
}

const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";

#[test]
fn desktop_browsers() {
    let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
    let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
    let chrome = format!("{WEBKIT} Chrome/129.0.6668.59 Safari/537.36");
    let ten = ["Windows", "10"];
    let catalina = ["Mac OS X", "10.15.7"];
    is(&format!("{windows} {chrome}"), "Chrome", 129.0, ten, "Desktop");
    is(&format!("{windows} {chrome} Edg/129.0.2792.52"), "Microsoft Edge", 129.0, ten, "Desktop");
    is(&format!("{windows} {chrome} OPR/114.0.0.0"), "Opera", 114.0, ten, "Desktop");
    is(&format!("{mac} {chrome} Vivaldi/6.9"), "Vivaldi", 6.9, catalina, "Desktop");
    let safari = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15";
    is(&format!("{mac} {safari}"), "Safari", 18.3, catalina, "Desktop");
    is(
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
        "Firefox",
        130.0,
        ["Linux", ""],
        "Desktop",
    );
    is(
        &format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {chrome}"),
        "Chrome",
        129.0,
        ["Chrome OS", ""],
        "Desktop",
    );
    is(
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Internet Explorer",
        11.0,
        ["Windows", "7"],
        "Desktop",
    );
}

#[test]
fn phones_and_tablets() {
    let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) \
                  AppleWebKit/605.1.15 (KHTML, like Gecko)";
    let ios = ["iOS", "17.6.1"];
    let safari = format!("{iphone} Version/17.6 Mobile/15E148 Safari/604.1");
    is(&safari, "Mobile Safari", 17.6, ios, "Mobile");
    is(&format!("{iphone} Mobile/15E148"), "Mobile Safari", 0.0, ios, "Mobile");
    let chrome = format!("{iphone} CriOS/129.0.6668.46 Mobile/15E148 Safari/604.1");
    is(&chrome, "Chrome iOS", 129.0, ios, "Mobile");
    let firefox = format!("{iphone} FxiOS/130.1 Mobile/15E148 Safari/605.1.15");
    is(&firefox, "Firefox iOS", 130.1, ios, "Mobile");
    is(&safari.replace("iPhone;", "iPad;"), "Mobile Safari", 17.6, ios, "Tablet");
    let android = format!("Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT}");
    let fourteen = ["Android", ""];
    let samsung = format!("{android} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36");
    is(&samsung, "Samsung Internet", 26.0, fourteen, "Mobile");
    let edge = format!("{android} Chrome/129.0.0.0 Mobile Safari/537.36 EdgA/129.0.0.0");
    is(&edge, "Chrome", 129.0, fourteen, "Mobile");
    let tablet = format!("{android} Chrome/129.0.0.0 Safari/537.36");
    is(&tablet.replace("14;", "12.1;"), "Chrome", 129.0, ["Android", "12.1.0"], "Tablet");
}

#[test]
fn consoles_and_watches() {
    is(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, \
         like Gecko) Chrome/58.0.3029.110 Safari/537.36 Edge/16.16299",
        "Microsoft Edge",
        16.16299,
        ["Xbox", "One"],
        "Console",
    );
    let play_station = "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)";
    assert_eq!(said(play_station)["$device_type"], "Console");
}

#[test]
fn programs_and_bots_are_no_browsers() {
    for user_agent in [
        "curl/8.5.0",
        "okhttp/4.12.0",
        "posthog-python/7.0.0",
        "Mozilla/5.0 (compatible; GPTBot/1.2)",
        "",
    ] {
        assert_eq!(said(user_agent), json!({}), "{user_agent}");
    }
}

#[test]
fn the_version_is_a_number_however_it_is_written() {
    let said =
        |version: &str| said(&format!("Mozilla/5.0 Chrome/{version}"))["$browser_version"].clone();
    assert_eq!(said("129.10.1"), json!(129.1));
    assert_eq!(said("0.50"), json!(0.5));
    assert_eq!(said("007."), json!(7));
    assert_eq!(said(&"9".repeat(400)), Value::Null);
    assert_eq!(said("x"), Value::Null);
}
