//! The TOML file: settings, which hold from the start, and the policy's tables, which are read again
//! whenever the file changes.

use std::path::Path;

use server::policy::PolicyFile;
use toml::{Table, Value};

use super::ConfigError;

/// Keys of the policy's tables; every other key is a setting.
const POLICY_TABLES: [&str; 7] =
    ["sdk", "privacy", "limits", "insights", "clients", "project", "drop"];
/// Those of them that a project may have too: what it does not say, everyone's says.
const INHERITED: [&str; 4] = ["sdk", "privacy", "limits", "insights"];

/// A file's two parts.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    /// Settings as text, by key.
    pub(crate) settings: Vec<(String, String)>,
    /// The rest.
    pub(crate) policy: PolicyFile,
}

impl ConfigFile {
    /// Whether it says nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.policy == PolicyFile::default()
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |expected: String| ConfigError {
            name: "HOGFLARE_CONFIG".into(),
            value: Some(path.display().to_string()),
            expected,
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("a readable file ({error})")))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error| format!("a TOML file ({error})"))?;
        let (mut policy, mut settings) = (Table::new(), Vec::new());
        for (key, value) in table {
            match value {
                value if POLICY_TABLES.contains(&key.as_str()) => drop(policy.insert(key, value)),
                Value::String(text) => settings.push((key, text)),
                Value::Array(_) | Value::Table(_) => {
                    return Err(format!("a plain value for `{key}`"));
                }
                other => settings.push((key, other.to_string())),
            }
        }
        inherit(&mut policy);
        let policy = policy.try_into().map_err(|error| format!("other tables ({error})"))?;
        Ok(Self { settings, policy })
    }
}

/// Lays each project's tables over everyone's.
fn inherit(policy: &mut Table) {
    let everyones: Vec<(&str, Table)> = INHERITED
        .into_iter()
        .filter_map(|name| Some((name, policy.get(name)?.as_table()?.clone())))
        .collect();
    let projects = policy.get_mut("project").and_then(Value::as_array_mut);
    for project in projects.into_iter().flatten().filter_map(Value::as_table_mut) {
        for (name, everyones) in &everyones {
            let own = project.entry(*name).or_insert_with(|| Value::Table(Table::new()));
            let Some(own) = own.as_table_mut() else { continue };
            for (key, value) in everyones {
                own.entry(key).or_insert_with(|| value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_policy_are_told_from_settings() {
        let file = ConfigFile::parse(
            "app_addr = '127.0.0.1:1'\njournal_budget = 5\n[limits]\nevents_per_day = 10\n\
             [[project]]\ntoken = 'phc_a'\nteam_id = 2\n",
        )
        .unwrap();
        let settings: Vec<_> =
            file.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(settings, [("app_addr", "127.0.0.1:1"), ("journal_budget", "5")]);
        assert_eq!(file.policy.limits.events_per_day, Some(10));
        assert_eq!(file.policy.projects[0].team_id, Some(2));
    }

    #[test]
    fn everyones_insights_leave_out_test_users() {
        let file = ConfigFile::parse(
            "[insights]\nweek_start = 'monday'\ntest_account_filters = [\
             { key = 'email', type = 'person', operator = 'not_icontains', value = '@us' }]\n\
             [[project]]\ntoken = 'phc_a'\nteam_id = 2\n[project.insights]\nweek_start = 'sunday'\n",
        )
        .unwrap();
        let (project, everyone) = (&file.policy.projects[0].insights, &file.policy.insights);
        assert_eq!(project.test_account_filters, everyone.test_account_filters);
        assert_eq!(project.test_account_filters.len(), 1);
        assert_ne!(project.week_start, everyone.week_start);
    }

    #[test]
    fn what_a_project_does_not_say_everyones_says() {
        let file = ConfigFile::parse(
            "[limits]\nevents_per_day = 10\nburst = 5\n[sdk]\nheatmaps = true\n\
             [[project]]\ntoken = 'phc_a'\nteam_id = 2\n[project.limits]\nburst = 7\n",
        )
        .unwrap();
        let project = &file.policy.projects[0];
        assert_eq!(project.limits.events_per_day, Some(10));
        assert_eq!(project.limits.burst, Some(7));
        assert!(project.sdk.heatmaps);
    }

    #[test]
    fn what_is_misspelt_is_named() {
        let error = |text| ConfigFile::parse(text).unwrap_err();
        assert!(error("[limits]\nevents_per_dya = 1").contains("events_per_dya"));
        assert!(error("[limit]\nevents_per_day = 1").contains("`limit`"));
        assert!(error("[[project]]\nteam_id = 1").contains("token"));
        assert!(error("nonsense").contains("TOML"));
    }
}
