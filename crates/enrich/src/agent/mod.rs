//! What a user agent says of its browser, system and device, in posthog-js's words.
//!
//! posthog-js finds these in the browser; where it did not run, the same agent must give the same
//! words here, or one browser would be two in every chart. So the names, the order in which signs
//! are looked for and the quirks (Edge on Android is `Chrome`) are its own.

mod bots;
mod browser;
mod cache;
mod device;
mod os;
mod version;

pub use bots::Bot;
pub(crate) use cache::Agents;
use serde_json::Value;

use crate::object::Added;

/// A user agent, read.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    /// As it was sent.
    pub(crate) text: Box<str>,
    /// What there is to say of a browser; nothing for a program or a bot.
    pub(crate) browser: Added,
    /// Whose bot it is.
    pub(crate) bot: Option<Bot>,
    /// The bot as properties.
    pub(crate) label: Added,
    /// Whether it looks like a browser's, bots in a browser's clothes included.
    pub(crate) is_browsers: bool,
}

impl Agent {
    /// Reads a user agent.
    pub(crate) fn of(user_agent: &str) -> Self {
        let bot = Bot::of(user_agent);
        let is_browsers = user_agent.starts_with("Mozilla/") || user_agent.starts_with("Opera/");
        let mut agent = Self { text: user_agent.into(), is_browsers, ..Self::default() };
        if let Some(bot) = &bot {
            agent.label.push("$bot", &Value::from(bot.name.as_ref()));
            agent.label.push("$bot_category", &Value::from(bot.category));
        } else if is_browsers {
            agent.browser = browser_members(user_agent);
        }
        Self { bot, ..agent }
    }
}

fn browser_members(user_agent: &str) -> Added {
    let signs = Signs::of(user_agent);
    let browser = browser::of(&signs);
    let (os, os_version) = os::of(&signs);
    let mut members = Added::default();
    let mut push = |name: &str, text: &str| {
        if !text.is_empty() {
            members.push(name, &Value::from(text));
        }
    };
    push("$browser", browser.name);
    push("$os", os);
    push("$os_version", &os_version);
    push("$device_type", device::kind_of(&signs));
    push("$raw_user_agent", user_agent);
    if let Some(version) = browser.version {
        members.push_raw("$browser_version", &version);
    }
    members
}

/// A user agent, and the same in small letters for signs that are written in either.
struct Signs<'a> {
    text: &'a str,
    lower: String,
}

impl<'a> Signs<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, lower: text.to_ascii_lowercase() }
    }

    /// Whether it has one of these, as they are written.
    fn has(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.text.contains(sign))
    }

    /// Whether it has one of these, written in small letters here and anyhow there.
    fn mentions(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.lower.contains(sign))
    }
}

#[cfg(test)]
mod tests;
