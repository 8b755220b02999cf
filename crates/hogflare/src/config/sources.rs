//! Where settings are given.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ArgMatches;
use server::policy::PolicyFile;

use super::file::ConfigFile;
use super::{ConfigError, SETTINGS, Setting};

/// Settings as text, by variable name.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    given: BTreeMap<&'static str, String>,
    policy: PolicyFile,
}

impl Sources {
    /// Collects what flags, environment, `.env.local` or `.env`, and the TOML file give.
    pub(crate) fn collect(flags: &ArgMatches) -> Result<Self, ConfigError> {
        let dotenv = dotenv()?;
        let mut sources = Self::default();
        for setting in SETTINGS {
            let flag = flags.try_get_one::<String>(setting.flag).ok().flatten().cloned();
            let value = flag
                .or_else(|| std::env::var(setting.name).ok())
                .or_else(|| dotenv.get(setting.name).cloned());
            sources.give(setting, value);
        }
        if let Some(path) = sources.get("HOGFLARE_CONFIG").map(str::to_owned) {
            sources.add_file(Path::new(&path))?;
        }
        Ok(sources)
    }

    /// Settings for tests.
    #[cfg(test)]
    pub(crate) fn of(given: &[(&str, &str)]) -> Self {
        let mut sources = Self::default();
        for setting in SETTINGS {
            let value = given.iter().find(|(name, _)| *name == setting.name);
            sources.give(setting, value.map(|(_, value)| (*value).to_owned()));
        }
        sources
    }

    /// The value of a setting, or its default; an empty value counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let default = SETTINGS.iter().find(|setting| setting.name == name)?.default;
        self.given.get(name).map(String::as_str).or(default)
    }

    /// Whether the setting was given rather than left to its default.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn give(&mut self, setting: &Setting, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            self.given.entry(setting.name).or_insert(value);
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let file = ConfigFile::read(path)?;
        for (key, text) in file.settings {
            let flag = key.replace('_', "-");
            let setting =
                SETTINGS.iter().find(|setting| setting.flag == flag).ok_or_else(|| {
                    ConfigError {
                        name: "HOGFLARE_CONFIG".into(),
                        value: Some(path.display().to_string()),
                        expected: format!("known keys only, not `{key}`"),
                    }
                })?;
            self.give(setting, Some(text));
        }
        self.policy = file.policy;
        Ok(())
    }

    /// The policy's tables of the TOML file.
    pub(crate) fn policy(&self) -> &PolicyFile {
        &self.policy
    }
}

/// Variables that look like settings and are none, perhaps mistyped: every one of the `.env` file, which
/// is ours, and those of the environment by their names.
pub(crate) fn unknown_variables() -> Vec<String> {
    let is_setting = |name: &str| SETTINGS.iter().any(|setting| setting.name == name);
    // None of these is a setting of the service: a test's, the build's, the Worker's, and a tool's.
    let others = [
        "HOGFLARE_FAILPOINT",
        "HOGFLARE_BIN",
        "HOGFLARE_SDK_ASSETS",
        "HOGFLARE_WEB_DIST",
        "HOGFLARE_INSTANCES",
        "HOGFLARE_ROUTING",
        "HOGFLARE_SLEEP_AFTER",
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_ACCOUNT_ID",
        "CLOUDFLARE_CATALOG_TOKEN",
    ];
    let ours = |name: &String| {
        name.starts_with("HOGFLARE_")
            || name.starts_with("CLOUDFLARE_") && name.contains("PIPELINE")
    };
    let in_environment = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let in_file = dotenv().unwrap_or_default().into_keys();
    let mut unknown: Vec<String> = in_environment
        .filter(ours)
        .chain(in_file)
        .filter(|name| !is_setting(name) && !others.contains(&name.as_str()))
        .collect();
    unknown.sort();
    unknown.dedup();
    unknown
}

/// The variables of `.env.local`, or where that is absent of `.env`.
fn dotenv() -> Result<BTreeMap<String, String>, ConfigError> {
    for name in [".env.local", ".env"] {
        let wrong = |error: &dotenvy::Error| ConfigError {
            name: name.into(),
            value: None,
            expected: match error {
                // The error has the whole line, which may hold a secret.
                dotenvy::Error::LineParse(_, index) => {
                    format!("a line cannot be parsed, at its character {index}")
                }
                error => format!("cannot be read: {error}"),
            },
        };
        match dotenvy::from_path_iter(name) {
            Ok(variables) => {
                return variables.collect::<Result<_, _>>().map_err(|error| wrong(&error));
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(wrong(&error)),
        }
    }
    Ok(BTreeMap::new())
}
