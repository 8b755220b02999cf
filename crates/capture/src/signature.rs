//! Signed requests: an HMAC over the body as sent, still compressed.
//!
//! `X-POSTHOG-SIGNATURE` (SHA-256 unless it says `sha1=`) and `X-Hub-Signature` (SHA-1 unless it
//! says `sha256=`), in hex or base64. One valid header suffices. Browsers cannot keep the secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha1::Sha1;
use sha2::Sha256;

use crate::Error;

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

/// The headers, and what each means by a signature without a prefix.
const HEADERS: [(&str, Algorithm); 2] =
    [("x-posthog-signature", Algorithm::Sha256), ("x-hub-signature", Algorithm::Sha1)];

/// Checks that one of the signatures was made with this secret over this body, in constant time.
///
/// # Errors
/// When there is no signature, or none that is valid.
pub fn verify(secret: &[u8], headers: &HeaderMap, raw_body: &[u8]) -> Result<(), Error> {
    let mut error = Error::MissingSignature;
    for (name, default) in HEADERS {
        for value in headers.get_all(name) {
            error = Error::InvalidSignature;
            if is_valid(secret, value.as_bytes(), default, raw_body) {
                return Ok(());
            }
        }
    }
    Err(error)
}

fn is_valid(secret: &[u8], value: &[u8], default: Algorithm, raw_body: &[u8]) -> bool {
    let (algorithm, digest) = split(value.trim_ascii(), default);
    match algorithm {
        Algorithm::Sha1 => decode(digest, 20).is_some_and(|digest| {
            Hmac::<Sha1>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(raw_body).verify_slice(&digest).is_ok())
        }),
        Algorithm::Sha256 => decode(digest, 32).is_some_and(|digest| {
            Hmac::<Sha256>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(raw_body).verify_slice(&digest).is_ok())
        }),
    }
}

fn split(value: &[u8], default: Algorithm) -> (Algorithm, &[u8]) {
    let after = |prefix: &[u8]| {
        let (start, rest) = value.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    };
    match (after(b"sha256="), after(b"sha1=")) {
        (Some(digest), _) => (Algorithm::Sha256, digest),
        (None, Some(digest)) => (Algorithm::Sha1, digest),
        (None, None) => (default, value),
    }
}

/// The digest, whose length tells hex from base64.
fn decode(digest: &[u8], bytes: usize) -> Option<Vec<u8>> {
    match digest.len() == 2 * bytes {
        true => hex::decode(digest).ok(),
        false => STANDARD.decode(digest).ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"secret";
    const BODY: &[u8] = b"\x1f\x8b\x08 still compressed";

    fn sha1() -> Vec<u8> {
        let mac = Hmac::<Sha1>::new_from_slice(SECRET).unwrap();
        mac.chain_update(BODY).finalize().into_bytes().to_vec()
    }

    fn sha256() -> Vec<u8> {
        let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
        mac.chain_update(BODY).finalize().into_bytes().to_vec()
    }

    fn verified(headers: &[(&'static str, String)]) -> Result<(), Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        verify(SECRET, &map, BODY)
    }

    #[test]
    fn every_spelling_of_a_valid_signature_is_accepted() {
        let (one, two) = (sha1(), sha256());
        for headers in [
            ("x-posthog-signature", hex::encode(&two)),
            ("x-posthog-signature", hex::encode_upper(&two)),
            ("x-posthog-signature", STANDARD.encode(&two)),
            ("x-posthog-signature", format!("sha256={}", hex::encode(&two))),
            ("x-posthog-signature", format!("SHA1={}", STANDARD.encode(&one))),
            ("x-hub-signature", hex::encode(&one)),
            ("x-hub-signature", STANDARD.encode(&one)),
            ("x-hub-signature", format!("sha1={}", hex::encode(&one))),
            ("x-hub-signature", format!("sha256={}", hex::encode(&two))),
        ] {
            assert_eq!(verified(std::slice::from_ref(&headers)), Ok(()), "{headers:?}");
        }
    }

    #[test]
    fn a_header_means_its_own_algorithm() {
        let wrong = [("x-posthog-signature", hex::encode(sha1()))];
        assert_eq!(verified(&wrong), Err(Error::InvalidSignature));
    }

    #[test]
    fn one_valid_header_suffices() {
        let headers = [
            ("x-posthog-signature", "sha256=00".to_owned()),
            ("x-hub-signature", hex::encode(sha1())),
        ];
        assert_eq!(verified(&headers), Ok(()));
    }

    #[test]
    fn without_one_the_request_is_refused() {
        assert_eq!(verified(&[]), Err(Error::MissingSignature));
        for value in ["", "sha256=", "zz", &hex::encode([0; 32])] {
            let headers = [("x-posthog-signature", value.to_owned())];
            assert_eq!(verified(&headers), Err(Error::InvalidSignature));
        }
        assert_eq!(verify(b"other", &HeaderMap::new(), BODY).unwrap_err().status().as_u16(), 401);
    }

    proptest! {
        #[test]
        fn a_signature_is_good_for_its_own_body_and_no_other(
            body: Vec<u8>,
            other: Vec<u8>,
            flipped in 0..64_usize,
        ) {
            let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
            let mut digits = hex::encode(mac.chain_update(&body).finalize().into_bytes());
            let mut headers = HeaderMap::new();
            headers.insert("x-posthog-signature", digits.parse().unwrap());
            prop_assert_eq!(verify(SECRET, &headers, &body), Ok(()));
            prop_assert_eq!(verify(SECRET, &headers, &other).is_ok(), body == other);
            let digit = if digits.as_bytes()[flipped] == b'0' { "1" } else { "0" };
            digits.replace_range(flipped..=flipped, digit);
            headers.insert("x-posthog-signature", digits.parse().unwrap());
            prop_assert_eq!(verify(SECRET, &headers, &body), Err(Error::InvalidSignature));
        }
    }
}
