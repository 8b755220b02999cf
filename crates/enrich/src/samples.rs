//! What several tests need.

use event::{DistinctId, Event, Timestamp, Token, UuidOrigin};
use proptest::prelude::*;
use serde_json::Value;

/// 2026-03-05T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_772_712_000_000);

/// An event with these properties.
pub(crate) fn event(name: &str, properties: &str) -> Event {
    Event {
        uuid: Default::default(),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_a"),
        event: name.into(),
        distinct_id: DistinctId::new("d"),
        timestamp: NOON,
        created_at: NOON,
        sent_at: None,
        properties: properties.into(),
        set: None,
        set_once: None,
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
        table: Default::default(),
        reason: None,
    }
}

/// The tree of a JSON text.
pub(crate) fn tree(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Any JSON value of some depth.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "https?://[a-z.]{1,8}/[a-z?=&#]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A database in MaxMind's format that knows these IPv4 networks.
pub(crate) fn mmdb(networks: &[(&str, u8, Value)]) -> Vec<u8> {
    let mut nodes: Vec<[u32; 2]> = vec![[0, 0]];
    let mut data = Vec::new();
    // Zero stands for nothing, small numbers for nodes, and these for what the data section holds.
    const DATA: u32 = 1 << 31;
    for (network, bits, record) in networks {
        let address = u32::from(network.parse::<std::net::Ipv4Addr>().unwrap());
        let offset = DATA + data.len() as u32;
        encode(record, &mut data);
        if *bits == 0 {
            nodes[0] = [offset, offset];
        }
        let mut node = 0;
        for bit in 0..*bits {
            let side = (address >> (31 - bit) & 1) as usize;
            if bit + 1 == *bits {
                nodes[node][side] = offset;
            } else if nodes[node][side] == 0 {
                nodes[node][side] = nodes.len() as u32;
                node = nodes.len();
                nodes.push([0, 0]);
            } else {
                node = nodes[node][side] as usize;
            }
        }
    }
    let count = nodes.len() as u32;
    let mut file = Vec::new();
    for side in nodes.iter().flatten() {
        let pointer = match *side {
            0 => count,
            side if side >= DATA => side - DATA + count + 16,
            side => side,
        };
        file.extend(pointer.to_be_bytes());
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let numbers = [
        ("binary_format_major_version", 5, 2, 2),
        ("binary_format_minor_version", 5, 2, 0),
        ("build_epoch", 9, 8, 1_700_000_000),
        ("ip_version", 5, 2, 4),
        ("node_count", 6, 4, u64::from(count)),
        ("record_size", 5, 2, 32),
    ];
    let others = serde_json::json!({
        "database_type": "Test", "description": {}, "languages": ["en"],
    });
    begin(&mut file, 7, numbers.len() + 3);
    for (name, kind, bytes, number) in numbers {
        encode(&Value::from(name), &mut file);
        begin(&mut file, kind, bytes);
        file.extend(&number.to_be_bytes()[8 - bytes..]);
    }
    for (name, value) in others.as_object().unwrap() {
        encode(&Value::from(name.as_str()), &mut file);
        encode(value, &mut file);
    }
    file
}

/// Writes what kind of value follows, and how long it is.
fn begin(data: &mut Vec<u8>, kind: u8, size: usize) {
    assert!(size < 29, "longer sizes have bytes of their own");
    match kind {
        0..8 => data.push(kind << 5 | size as u8),
        _ => data.extend([size as u8, kind - 7]),
    }
}

/// Writes a value as the format's data section has it.
fn encode(value: &Value, data: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            begin(data, 2, text.len());
            data.extend(text.as_bytes());
        }
        Value::Number(number) => match number.as_u64() {
            Some(number) => {
                begin(data, 6, 4);
                data.extend((number as u32).to_be_bytes());
            }
            None => {
                begin(data, 3, 8);
                data.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::Array(items) => {
            begin(data, 11, items.len());
            items.iter().for_each(|item| encode(item, data));
        }
        Value::Object(members) => {
            begin(data, 7, members.len());
            for (name, value) in members {
                encode(&Value::from(name.as_str()), data);
                encode(value, data);
            }
        }
        Value::Null | Value::Bool(_) => panic!("not needed"),
    }
}
