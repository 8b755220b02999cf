//! Groups, type by type in the order of their numbers, so that the types have the same ones here.

use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{END, Part, persons};
use crate::batch::{Batch, Persons};
use crate::import::Batches;
use crate::item::uuid_of;
use crate::record::quoted;

/// Who tells of groups.
const DISTINCT_ID: &str = "hogflare-import";

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Types {
    All(Vec<Type>),
    Page { results: Vec<Type> },
}

#[derive(Debug, Deserialize)]
struct Type {
    group_type: String,
    group_type_index: u32,
}

#[derive(Debug, Deserialize)]
struct Page {
    results: Vec<Group>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Group {
    group_key: String,
    group_properties: Option<Box<RawValue>>,
    created_at: Option<String>,
}

/// Reads all groups; they are few, so from the beginning each time.
pub(super) async fn read(part: &Part<'_>, batches: &Batches) -> anyhow::Result<()> {
    let (source, mark, standing) = part.import.source(&part.fingerprint("groups"), "groups")?;
    if standing.is_done || standing.position == END {
        return Ok(());
    }
    let base = format!("/api/projects/{}", part.options.project_id);
    let mut types = match part.api.get::<Types>(&format!("{base}/groups_types/")).await? {
        Types::All(types) | Types::Page { results: types } => types,
    };
    types.sort_by_key(|one| one.group_type_index);
    let maker = part.maker(&mark);
    // One at the end, so that what is counted is counted once however often it was begun.
    let mut batch = Batch::new(source, Arc::from("groups"), Persons::Only);
    batch.is_repeated = true;
    for one in types {
        let mut path = Some(format!("{base}/groups/?group_type_index={}", one.group_type_index));
        while let Some(page) = path {
            let page: Page = part.api.get(&page).await?;
            for group in page.results {
                let set = group.group_properties.as_deref().map_or("{}", RawValue::get);
                let (name, key) = (quoted(&one.group_type), quoted(&group.group_key));
                let properties =
                    format!("{{\"$group_type\":{name},\"$group_key\":{key},\"$group_set\":{set}}}");
                let uuid = uuid_of(&format!("group:{properties}"));
                let since = persons::since(&maker, group.created_at.as_deref());
                batch
                    .push(0, maker.change(uuid, "$groupidentify", DISTINCT_ID, since, &properties));
            }
            path = page.next.map(|next| part.api.path_of(&next)).transpose()?;
        }
    }
    batch.progress.position = Some(END.to_owned());
    batches.send(batch).await.ok().context("sending ended")
}
