//! Which browser.

use super::{Signs, version};

/// A browser and its version, as a JSON number.
pub(super) struct Browser {
    pub(super) name: &'static str,
    pub(super) version: Option<String>,
}

/// A browser, the signs of which one is enough, and what stands before its version.
type Known = (&'static str, &'static [&'static str], &'static [&'static str]);

const IE_MOBILE: &str = "Internet Explorer Mobile";

/// Browsers that say what they are, though they also say that they are Chrome or Safari.
const OUTSPOKEN: &[Known] = &[
    ("Opera", &[" OPR/"], &["OPR/", "Opera/"]),
    ("BlackBerry", &["BlackBerry", "PlayBook", "BB10"], &["BlackBerry ", "Version/"]),
    (IE_MOBILE, &["IEMobile", "WPDesktop"], &["rv:"]),
    ("Oculus Browser", &["OculusBrowser"], &["OculusBrowser/"]),
    ("Samsung Internet", &["SamsungBrowser"], &["SamsungBrowser/"]),
    ("Microsoft Edge", &["Edge", "Edg/"], &["Edge/", "Edg/"]),
    ("Vivaldi", &["Vivaldi/"], &["Vivaldi/"]),
    ("Yandex", &["YaBrowser/"], &["YaBrowser/"]),
    ("Whale", &["Whale/"], &["Whale/"]),
    ("DuckDuckGo", &["DuckDuckGo/", "Ddg/"], &["DuckDuckGo/", "Ddg/"]),
    ("Claude", &["Claude/"], &["Claude/"]),
    ("Codex", &["Codex/"], &["Codex/"]),
    ("ChatGPT", &["ChatGPT/"], &["ChatGPT/"]),
    ("Facebook Mobile", &["FBIOS"], &[]),
    ("UC Browser", &["UCWEB", "UCBrowser"], &["UCBrowser/", "UCWEB/"]),
    ("Chrome iOS", &["CriOS"], &["CriOS/"]),
    ("Chrome", &["CrMo", "Chrome"], &["Chrome/", "CrMo/"]),
];

/// Browsers that are not Safari and not Chrome.
const OTHERS: &[Known] = &[
    ("Pale Moon", &["PaleMoon/"], &["PaleMoon/"]),
    ("Waterfox", &["Waterfox/"], &["Waterfox/"]),
    ("Firefox", &["Firefox"], &["Firefox/"]),
    ("Internet Explorer", &["MSIE", "Trident/"], &["MSIE ", "rv:"]),
    ("Firefox", &["Gecko"], &["Firefox/"]),
];

/// The browser that an agent is of; no name for one that is not known.
pub(super) fn of(signs: &Signs<'_>) -> Browser {
    let named = |name, versions: &[&str]| Browser { name, version: behind(signs, versions) };
    if signs.has(&[" OPR/"]) && signs.has(&["Mini"]) {
        return named("Opera Mini", &[]);
    }
    if let Some(browser) = first(signs, OUTSPOKEN) {
        return browser;
    }
    if signs.has(&["Android"]) && signs.has(&["Safari"]) {
        let version = version::behind(&signs.lower, &["android "]);
        return Browser { name: "Android Mobile", version };
    }
    if signs.has(&["FxiOS"]) {
        return named("Firefox iOS", &["FxiOS/"]);
    }
    if signs.mentions(&["konqueror"]) {
        let version = version::behind(&signs.lower, &["konqueror/", "konqueror:", "konqueror"]);
        return Browser { name: "Konqueror", version };
    }
    if signs.has(&["Brave/"]) {
        return named("Brave", &["Brave/"]);
    }
    if is_apples(signs) {
        let name = if signs.has(&["Mobile"]) { "Mobile Safari" } else { "Safari" };
        return named(name, &["Version/"]);
    }
    first(signs, OTHERS).unwrap_or(Browser { name: "", version: None })
}

fn first(signs: &Signs<'_>, among: &[Known]) -> Option<Browser> {
    let (name, _, versions) = among.iter().find(|(_, wanted, _)| signs.has(wanted))?;
    Some(Browser { name, version: behind(signs, versions) })
}

fn behind(signs: &Signs<'_>, before: &[&str]) -> Option<String> {
    version::behind(signs.text, before)
}

/// Whether it is Safari, or an app's view of a page on Apple's systems, which does not say Safari;
/// in a page `navigator.vendor` would say so.
fn is_apples(signs: &Signs<'_>) -> bool {
    let is_view = signs.has(&["AppleWebKit"]) && signs.has(&["iPhone", "iPad", "iPod", "Mac OS X"]);
    is_view || (signs.has(&["Safari"]) && !signs.has(&["Android"]))
}
