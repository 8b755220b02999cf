//! Feature flags, kept in a file as PostHog tells them.

use serde::Deserialize;
use serde_json::Value;

use super::api::Api;
use super::{PostHogOptions, write_whole};

#[derive(Debug, Deserialize)]
struct Page {
    results: Vec<Value>,
    next: Option<String>,
}

/// Keeps all flags.
pub(super) async fn save(api: &Api, options: &PostHogOptions) -> anyhow::Result<()> {
    let first = format!("/api/projects/{}/feature_flags/?limit=100", options.project_id);
    let (mut flags, mut path) = (Vec::new(), Some(first));
    while let Some(page) = path {
        let page: Page = api.get(&page).await?;
        flags.extend(page.results);
        path = page.next.map(|next| api.path_of(&next)).transpose()?;
    }
    let text = serde_json::to_vec_pretty(&Value::Array(flags))?;
    write_whole(&options.flags, &text)
}
