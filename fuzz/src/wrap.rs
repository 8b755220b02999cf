//! Other ways to send the same body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capture::Error;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::Sent;

/// The ways that PostHog's SDKs have.
#[derive(Clone, Copy, Debug)]
enum Wrapping {
    Gzip,
    Base64,
    GzipInBase64,
    Query,
}

const ALL: [Wrapping; 4] =
    [Wrapping::Gzip, Wrapping::Base64, Wrapping::GzipInBase64, Wrapping::Query];

impl Wrapping {
    /// One of them, by the input alone: all of them would cost four times as much. None where another
    /// wrapping means something else.
    fn of(sent: &Sent) -> Option<Self> {
        sent.plain_body()?;
        let sum = sent.body.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let wrapping = ALL[usize::from(sum) % ALL.len()];
        // LZString goes by its hint, before base64; and a signature covers the body alone.
        let is_hinted = sent.query.as_ref().is_some_and(|query| query.contains("compression"));
        let is_signed = matches!(wrapping, Self::Query) && sent.settings.signed;
        (!is_hinted && !is_signed).then_some(wrapping)
    }

    /// The same request in other clothes.
    fn wrap(self, sent: &Sent) -> Sent {
        let mut wrapped = sent.clone();
        match self {
            Self::Gzip => wrapped.body = gzip(&sent.body).into(),
            Self::Base64 => wrapped.body = STANDARD.encode(&sent.body).into(),
            Self::GzipInBase64 => wrapped.body = STANDARD.encode(gzip(&sent.body)).into(),
            Self::Query => {
                let data = percent_encode(&sent.body, NON_ALPHANUMERIC);
                let before = sent.query.as_deref().unwrap_or_default();
                wrapped.query = Some(format!("{before}&data={data}"));
                wrapped.body = bytes::Bytes::new();
            }
        }
        wrapped
    }
}

/// Checks that a request means the same in other clothes.
pub(crate) fn means_the_same<T: PartialEq + std::fmt::Debug>(
    sent: &Sent,
    outcome: &Result<T, Error>,
    decode: impl Fn(&Sent) -> Result<T, Error>,
) {
    let Some(wrapping) = Wrapping::of(sent) else { return };
    match (outcome, &decode(&wrapping.wrap(sent))) {
        (Ok(plain), Ok(wrapped)) => assert_eq!(plain, wrapped, "{wrapping:?}"),
        // Which wrapping it was may be said in the text.
        (Err(plain), Err(wrapped)) => assert_eq!(plain.status(), wrapped.status(), "{wrapping:?}"),
        (plain, wrapped) => panic!("{wrapping:?}: {plain:?} and {wrapped:?}"),
    }
}

/// A gzip stream of stored blocks: a real encoder would take longer than everything else here.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = body.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let mut crc = flate2::Crc::new();
    crc.update(body);
    stream.extend(crc.sum().to_le_bytes());
    stream.extend(crc.amount().to_le_bytes());
    stream
}
