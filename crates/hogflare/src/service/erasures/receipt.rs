//! Receipts: what went, what is pending, and where copies remain.

use server::erasure::{Pending, Receipt, Remains};

use super::Parts;
use super::note::{Note, Part, Place};
use super::worker::{holders, waiting_sinks};

/// Most ids of persons that a statement lists.
const LISTED: usize = 1_000;

/// The receipt of a note.
pub(super) fn of(note: &Note, parts: &Parts) -> Receipt {
    Receipt {
        id: note.id,
        project: note.project,
        kind: note.kind.clone(),
        requested_at: note.requested_at.clone(),
        is_done: note.is_done(),
        persons: note.persons,
        distinct_ids: note.distinct_ids,
        removed: note.removed.clone(),
        anonymized: note.anonymized.clone(),
        pending: pending(note, parts),
        remains: remains(note, parts),
    }
}

fn pending(note: &Note, parts: &Parts) -> Vec<Pending> {
    let open = Part::WORK.into_iter().filter(|part| !note.done.contains(part));
    let pending = open.map(|part| Pending {
        part: part.name(),
        waits_for: match part {
            Part::State if parts.persons.is_none() => STATE_IS_OFF.to_owned(),
            Part::State if note.has_missed_state => STATE_WAS_OFF.to_owned(),
            Part::State => "the next checkpoint of persons".to_owned(),
            Part::DeadLetters => {
                waits_for("sinks that are not past it", &waiting_sinks(parts, note))
            }
            Part::Lake if parts.lake.is_none() => LAKE_IS_OFF.to_owned(),
            Part::Lake => {
                "files to be written anew, and snapshots of the old ones to expire".to_owned()
            }
            Part::Recordings => "recordings to be looked through".to_owned(),
            Part::Files | Part::Journal => String::new(),
        },
    });
    pending.collect()
}

fn waits_for(what: &str, names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.is_empty() {
        true => "the next look at it".to_owned(),
        false => format!("{what}: {}", names.join(", ")),
    }
}

fn remains(note: &Note, parts: &Parts) -> Vec<Remains> {
    let mut remains = Vec::new();
    let mut add = |place, note: &str, until: Option<String>, statement: Option<String>| {
        remains.push(Remains { place, note: note.to_owned(), until, statement });
    };
    if !note.done.contains(&Part::Journal) {
        add(
            "journal",
            &format!(
                "segments in the data folder, until whoever holds them is past: {}",
                holders(parts, note).join(", ")
            ),
            None,
            None,
        );
    }
    if !note.done.contains(&Part::Files) && parts.lake.is_some() {
        add(
            "lake",
            "files that were replaced, until no query may hold them; no snapshot shows them",
            note.files_gone_by.clone(),
            None,
        );
    }
    if parts.old_state.exists() {
        add(
            "state.db.old",
            "the database from before `hogflare rebuild identity`, in the data folder: remove it",
            None,
            None,
        );
    }
    if parts.is_shared {
        add("other nodes", OTHER_NODES, None, None);
        add("PostgreSQL", POSTGRES, None, None);
    }
    if parts.has_pipelines {
        add("pipelines", PIPELINES, None, statement(note, "events", "person_id", "created_at"));
        add(
            "pipelines of persons",
            "tables of persons and distinct ids, where there are such streams; by Spark or PyIceberg",
            None,
            join(
                statement(note, "persons", "id", "changed_at"),
                statement(note, "person_distinct_ids", "person_id", "changed_at"),
            ),
        );
    }
    if parts.has_catalog {
        add("catalog", CATALOG, None, statement(note, "events", "person_id", "created_at"));
    }
    add("groups", "properties of groups are not a person's, and stay", None, None);
    add("other servers", ELSEWHERE, None, None);
    add(
        "backups",
        "copies of the data folder or the lake from before, wherever you keep them",
        None,
        None,
    );
    add(
        "logs",
        "Hogflare's own name nobody; those of a proxy in front may have addresses and URLs",
        None,
        None,
    );
    remains
}

const LAKE_IS_OFF: &str = "the lake, which is off and has such rows: a start with it erases them; or \
    remove its folder";

const STATE_IS_OFF: &str = "`state.db`, which has persons and is not kept (HOGFLARE_STATE): remove it, or \
    start with it";

const STATE_WAS_OFF: &str = "`state.db`, which was not kept when this was asked for and may have the \
    person: ask once more, or make it again with `hogflare rebuild identity`";

const PIPELINES: &str = "rows that Cloudflare has taken. R2 SQL only reads: run the statement with \
    Spark, or an equal delete with PyIceberg, on R2 Data Catalog, some minutes from now, and expire \
    its snapshots; where a pipeline writes plain files, rewrite them. Recordings that it has are rows \
    of `$snapshot`, of which the statement takes those that came with this person";

const CATALOG: &str = "rows in the tables of the Iceberg REST catalog: run the statement with Spark, or an \
    equal delete with PyIceberg, likewise for persons and distinct ids, and expire its snapshots. Where \
    Hogflare asks these tables, files must be written anew (copy-on-write); a table may have another \
    name there, and persons other ids than here";

const OTHER_NODES: &str = "each erases its own rows once it hears of this, within seconds where it runs; a \
    receipt of the same id is there. Where they have pipelines, run the statement of every node's receipt";

const POSTGRES: &str = "rows as they were, until VACUUM has passed, and in its log and backups; whom \
    this was about, until all nodes know, at most 30 days";

const ELSEWHERE: &str = "another PostHog, Kafka, or whatever reads the lake or its files: ask there to \
    delete the person";

fn join(one: Option<String>, other: Option<String>) -> Option<String> {
    Some(format!("{};\n{}", one?, other?))
}

/// The statement that does the same to a table elsewhere. It goes by ids of persons below the cut,
/// so that it names no distinct id.
fn statement(note: &Note, table: &str, id: &str, time: &str) -> Option<String> {
    let Place { journal_id, offset } = note.place?;
    let ids: Vec<String> =
        note.person_ids.iter().take(LISTED).map(|id| format!("'{id}'")).collect();
    let more = match note.person_ids.len() > LISTED {
        true => format!(
            " -- and {} more: join with the lake's person_overrides",
            note.person_ids.len() - LISTED
        ),
        false => String::new(),
    };
    let verb = match (note.kind.as_str(), table) {
        ("anonymize", "events") => format!("UPDATE {table} SET {ANONYMOUS}"),
        _ => format!("DELETE FROM {table}"),
    };
    Some(format!(
        "{verb} WHERE team_id = {} AND {id} IN ({}) AND (journal_id = '{journal_id}' AND \
         journal_offset < {offset} OR journal_id <> '{journal_id}' AND {time} <= TIMESTAMP '{}'){more}",
        note.project,
        ids.join(", "),
        note.time(),
    ))
}

const ANONYMOUS: &str = "distinct_id = 'erased', person_id = '00000000-0000-0000-0000-000000000000', \
    person_created_at = NULL, person_properties = NULL, properties = '{}', elements_chain = NULL, \
    group_0 = NULL, group_1 = NULL, group_2 = NULL, group_3 = NULL, group_4 = NULL, \
    group_properties = NULL, session_id = NULL, window_id = NULL, current_url = NULL, \
    pathname = NULL, referrer = NULL, region = NULL, city = NULL, ip = NULL, context = NULL, \
    extra = NULL";
