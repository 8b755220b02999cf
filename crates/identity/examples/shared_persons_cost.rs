//! What persons cost in PostgreSQL, beside those in the data folder:
//! `cargo run --release -p hogflare-identity --example shared_persons_cost -- postgres://…`.
//!
//! The database must be empty. How many ways there and back a group takes is tested, not measured.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use event::{DistinctId, Event, Table, TeamId, Timestamp, Token, UuidOrigin};
use hogflare_identity::postgres::{self, Options};
use hogflare_identity::{Claim, Keeper, Settings, Store, StoreOptions};
use uuid::Uuid;

const TEAM: TeamId = TeamId(1);
const START: i64 = 1_751_367_540_000_000;
const PERSONS: usize = 10_000;
/// How often each figure is taken.
const TIMES: usize = 5;

fn main() {
    let url = std::env::args().nth(1).expect("the URL of an empty database");
    let path = std::env::temp_dir().join(format!("shared-persons-{}.db", std::process::id()));
    let journal_id = Uuid::from_u128(1);
    let here = Store::open(&path, journal_id, Settings::default(), StoreOptions::default());
    let there =
        postgres::Store::open(url.parse().unwrap(), None, Settings::default(), Options::default());
    let mut keepers: [(&str, Box<dyn Keeper>); 2] =
        [("data folder", Box::new(here.unwrap())), ("PostgreSQL", Box::new(there.unwrap()))];
    println!("| keeper | events a group | known, nothing changes | known, each changes |");
    println!("|---|---|---|---|");
    for (name, keeper) in &mut keepers {
        let mut number = 0;
        settle(&mut **keeper, PERSONS, 1_000, &mut number, false);
        for size in [1, 10, 100, 1_000] {
            let events = (size * 300).min(100_000);
            let mut taken = |changes| {
                rates((0..TIMES).map(|_| settle(&mut **keeper, events, size, &mut number, changes)))
            };
            println!("| {name} | {size} | {} | {} |", taken(false), taken(true));
        }
    }
    drop(keepers);
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", path.display())).ok();
    }
}

/// Settles events in groups of this size; how many a second.
fn settle(
    keeper: &mut dyn Keeper,
    events: usize,
    size: usize,
    number: &mut usize,
    changes: bool,
) -> f64 {
    let claims: Vec<Claim> = (0..events)
        .map(|_| {
            *number += 1;
            // As good as random, and each person once in a group.
            Claim::new(&event((*number * 7_919) % PERSONS, *number, changes), TEAM)
        })
        .collect();
    let started = Instant::now();
    for group in claims.chunks(size) {
        for some in group.chunks(keeper.claims_at_once().min(group.len())) {
            keeper.settle(some).unwrap();
        }
        keeper.publish(u64::try_from(*number).unwrap());
    }
    events as f64 / started.elapsed().as_secs_f64()
}

/// The middle of some rates, and the lowest and highest.
fn rates(rates: impl Iterator<Item = f64>) -> String {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    let (lowest, middle, highest) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
    format!("{middle:.0} a second ({lowest:.0} to {highest:.0})")
}

fn event(user: usize, number: usize, changes: bool) -> Event {
    let timestamp = Timestamp::from_micros(START + i64::try_from(user).unwrap());
    let set = match changes {
        true => format!(r#"{{"plan":{number},"email":"somebody@example.com"}}"#),
        false => r#"{"email":"somebody@example.com"}"#.to_owned(),
    };
    Event {
        uuid: Uuid::from_u128(number as u128),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_cost"),
        event: "purchase".to_owned(),
        distinct_id: DistinctId::new(format!("0197c5a0-6a4c-7b0e-8f6b-{user:012}")),
        timestamp,
        created_at: timestamp,
        sent_at: None,
        properties: r#"{"$browser":"Chrome","$current_url":"https://example.com/"}"#.to_owned(),
        set: Some(set),
        set_once: Some(r#"{"$initial_referrer":"$direct"}"#.to_owned()),
        group_set: None,
        elements_chain: String::new(),
        session_id: None,
        window_id: None,
        process_person_profile: true,
        cookieless: false,
        has_place: false,
        keeps_persons: false,
        context: None,
        extra: None,
        table: Table::Events,
        reason: None,
    }
}
