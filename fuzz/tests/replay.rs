//! Every target over its seeds, over mutations of them, and over what was found before.

use std::path::Path;

use fuzz::{TARGETS, seeds};

/// Mutations of each seed: a few seconds for all targets.
const MUTATIONS: usize = 600;
const MOST_BYTES: usize = 4096;

/// What broke once: files in `findings/TARGET`, named after what was wrong.
fn findings(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings").join(target);
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn what_must_hold_holds_for_every_seed_and_finding() {
    for (name, target) in TARGETS {
        let seeds = seeds::of(name);
        assert!(seeds.len() >= 8, "{name} has only {} seeds", seeds.len());
        seeds.iter().chain(&findings(name)).for_each(|input| target(input));
    }
}

#[test]
fn what_must_hold_holds_for_mutated_seeds() {
    // One seed of the generator for all runs: a failure is the same on every machine.
    let mut random = fastrand::Rng::with_seed(7);
    for (name, target) in TARGETS {
        let inputs = [seeds::of(name), findings(name)].concat();
        for input in &inputs {
            for _ in 0..MUTATIONS {
                let other = &inputs[random.usize(..inputs.len())];
                target(&mutated(input, other, &mut random));
            }
        }
    }
}

/// Some small changes, of the kinds that libFuzzer makes.
fn mutated(input: &[u8], other: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        let some = random.usize(1..=16);
        match random.u8(..6) {
            0 => drop(bytes.drain(at..bytes.len().min(at + some))),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, random.u8(..)),
            3 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << random.u8(..8)),
            4 => {
                let start = random.usize(..=other.len());
                let piece = &other[start..other.len().min(start + 4 * some)];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => {
                let piece = bytes[at..bytes.len().min(at + 4 * some)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes.truncate(MOST_BYTES);
    bytes
}
