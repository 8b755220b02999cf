//! Random histories over a few ids, keys and groups, so that everything meets everything.

use event::{Event, Table, TeamId};
use proptest::prelude::*;

use super::event;

/// Events of projects, in their order.
pub(crate) type History = Vec<(TeamId, Event)>;

/// Histories of at most so many events.
pub(crate) fn history(most: usize) -> impl Strategy<Value = History> {
    let step = (team(), id(), kind(), -90..4_000_i64);
    prop::collection::vec(step, 1..most).prop_map(|steps| {
        let mut history = Vec::with_capacity(steps.len());
        for ((number, (team, id, (name, properties), late)), table) in
            (1..).zip(steps).zip([Table::Events; 4].into_iter().chain([Table::Heatmaps]).cycle())
        {
            // Mostly later than the one before, sometimes out of order.
            let mut event = event(name, &id, number * 400 + late, &properties);
            // A uuid of its own whatever the time.
            event.uuid = uuid::Uuid::from_u128(number.cast_unsigned().into());
            if event.event == "seen" {
                event.table = table;
            }
            history.push((team, event));
        }
        history
    })
}

/// Histories in which persons are erased, too.
pub(crate) fn history_with_erasures(most: usize) -> impl Strategy<Value = History> {
    let is_erasure = prop::collection::vec(prop::bool::weighted(0.12), most);
    (history(most), is_erasure).prop_map(|(mut history, is_erasure)| {
        for ((team, event), is_erasure) in history.iter_mut().zip(is_erasure) {
            if is_erasure && *team != TeamId::UNCLAIMED {
                event.event = super::ERASE.to_owned();
            }
        }
        history
    })
}

fn team() -> impl Strategy<Value = TeamId> {
    prop_oneof![7 => Just(TeamId(2)), 2 => Just(TeamId(7)), 1 => Just(TeamId::UNCLAIMED)]
}

fn id() -> impl Strategy<Value = String> {
    let legal = prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "é"]);
    let illegal = prop::sample::select(vec!["guest", "null", "'guest'"]);
    prop_oneof![12 => legal, 1 => illegal].prop_map(str::to_owned)
}

/// The name of an event, and its properties.
fn kind() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        6 => plain().prop_map(|members| ("purchase", object(members))),
        2 => plain().prop_map(|members| ("$set", object(members))),
        1 => plain().prop_map(|members| ("$exception", object(members))),
        1 => plain().prop_map(|members| ("seen", object(members))),
        2 => plain().prop_map(|members| ("$feature_flag_called", object(members))),
        6 => with("$anon_distinct_id").prop_map(|members| ("$identify", object(members))),
        2 => plain().prop_map(|members| ("$identify", object(members))),
        3 => with("alias").prop_map(|members| ("$create_alias", object(members))),
        2 => with("alias").prop_map(|members| ("$merge_dangerously", object(members))),
        4 => personless().prop_map(|members| ("purchase", object(members))),
        3 => group().prop_map(|members| ("$groupidentify", object(members))),
    ]
}

fn object(members: Vec<String>) -> String {
    format!("{{{}}}", members.join(","))
}

/// Any member may be there or not.
fn plain() -> impl Strategy<Value = Vec<String>> {
    let maybe = |strategy: BoxedStrategy<String>| prop::option::weighted(0.35, strategy);
    let groups = prop::collection::hash_map(group_type(), group_key(), 0..3);
    (
        maybe(members().prop_map(|set| format!("\"$set\":{set}")).boxed()),
        maybe(members().prop_map(|set| format!("\"$set_once\":{set}")).boxed()),
        maybe(unset().prop_map(|names| format!("\"$unset\":{names}")).boxed()),
        maybe(Just("\"$update_person_last_seen_at\":false".to_owned()).boxed()),
        maybe(Just("\"$process_person_profile\":true".to_owned()).boxed()),
        maybe(
            groups
                .prop_map(|groups| {
                    let member = |(name, key): (&&str, &String)| format!("\"{name}\":{key}");
                    let groups: Vec<String> = groups.iter().map(member).collect();
                    format!("\"$groups\":{{{}}}", groups.join(","))
                })
                .boxed(),
        ),
    )
        .prop_map(|(set, once, unset, seen, profile, groups)| {
            [set, once, unset, seen, profile, groups].into_iter().flatten().collect()
        })
}

fn with(name: &'static str) -> impl Strategy<Value = Vec<String>> {
    let other = prop_oneof![
        12 => id().prop_map(|id| format!("\"{id}\"")),
        1 => prop::sample::select(vec!["null", "5", "{}", "false", "\"\""]).prop_map(str::to_owned),
    ];
    (plain(), other).prop_map(move |(mut members, other)| {
        members.push(format!("\"{name}\":{other}"));
        members
    })
}

fn personless() -> impl Strategy<Value = Vec<String>> {
    plain().prop_map(|mut members| {
        members.retain(|member| !member.starts_with("\"$process_person_profile"));
        members.push("\"$process_person_profile\":false".to_owned());
        members
    })
}

fn group() -> impl Strategy<Value = Vec<String>> {
    (plain(), group_type(), group_key(), members()).prop_map(|(mut members, name, key, set)| {
        members.push(format!("\"$group_type\":\"{name}\""));
        members.push(format!("\"$group_key\":{key}"));
        members.push(format!("\"$group_set\":{set}"));
        members
    })
}

fn group_type() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["company", "team", "shop", "city", "club", "planet"])
}

fn group_key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["\"k1\"", "\"k2\"", "7", "true"]).prop_map(str::to_owned)
}

fn members() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec!["x", "y", "z", "$browser", "$current_url"]);
    let values = prop::sample::select(vec!["1", "2", "\"v\"", "null", "{\"n\":[1]}"]);
    prop::collection::btree_map(keys, values, 0..4).prop_map(|members| {
        let member = |(key, value): (&&str, &&str)| format!("\"{key}\":{value}");
        format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
    })
}

fn unset() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["[\"x\"]", "[\"y\",\"$browser\",5]", "{\"z\":\"\"}", "\"x\"", "[]"])
        .prop_map(str::to_owned)
}
