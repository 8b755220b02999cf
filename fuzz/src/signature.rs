//! Signed requests: only what was made with the secret passes.
//!
//! A value that was not made with it never passes, whatever it looks like, and one that was passes
//! in every spelling: hex or base64, with or without a prefix, beside headers that are wrong.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capture::signature::verify;
use hmac::{Hmac, Mac};
use http::HeaderValue;
use sha1::Sha1;
use sha2::Sha256;

use crate::Sent;

const SECRET: &[u8] = b"whsec_7";
const NAMES: [&str; 2] = ["x-posthog-signature", "x-hub-signature"];

/// Verifies a request as it is, and again with a signature that is right.
pub fn signature(input: &[u8]) {
    let sent = Sent::parse(input);
    let passed = verify(SECRET, &sent.headers, &sent.body).is_ok();
    let digests = [digest::<Hmac<Sha1>>(&sent.body), digest::<Hmac<Sha256>>(&sent.body)];
    let mut values = NAMES.iter().flat_map(|name| sent.headers.get_all(*name));
    let is_made = |value: &HeaderValue| digests.iter().any(|made| says(value, made));
    assert!(!passed || values.any(is_made), "forged: {:?}", sent.headers);
    passes_when_made(sent, &digests);
}

/// Adds one right signature, in a spelling that the input chooses.
fn passes_when_made(mut sent: Sent, digests: &[Vec<u8>; 2]) {
    let choice = sent.path.bytes().fold(0usize, |sum, byte| sum + usize::from(byte));
    let [sha1, sha256] = digests;
    let (prefix, digest, name) = match choice % 5 {
        0 => ("sha1=", sha1, NAMES[choice / 5 % 2]),
        1 => ("SHA256=", sha256, NAMES[choice / 5 % 2]),
        2 => ("sha256=", sha256, NAMES[choice / 5 % 2]),
        3 => ("", sha256, NAMES[0]),
        _ => ("", sha1, NAMES[1]),
    };
    let digest = match choice / 10 % 3 {
        0 => hex::encode(digest),
        1 => hex::encode_upper(digest),
        _ => STANDARD.encode(digest),
    };
    let value = HeaderValue::try_from(format!("{prefix}{digest}")).expect("ASCII");
    sent.headers.append(name, value);
    assert_eq!(verify(SECRET, &sent.headers, &sent.body), Ok(()), "{prefix}{digest}");
}

/// Whether a header's value holds a digest, in any spelling.
fn says(value: &HeaderValue, digest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.to_ascii_lowercase().contains(&hex::encode(digest))
        || text.contains(&STANDARD.encode(digest))
}

fn digest<M: Mac + hmac::digest::KeyInit>(body: &[u8]) -> Vec<u8> {
    let mac = <M as Mac>::new_from_slice(SECRET).expect("any length will do");
    mac.chain_update(body).finalize().into_bytes().to_vec()
}
