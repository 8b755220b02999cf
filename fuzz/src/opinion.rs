//! Second opinions: whatever is decoded once is decoded once more, in a way that the input chooses. All
//! ways for each input would cost as many times as much, and libFuzzer sees thousands a second.

use std::fmt::Debug;

use http::StatusCode;

use crate::Sent;
use crate::meter::Meter;

/// Why a request is refused, in whichever protocol.
pub(crate) trait Refusal: PartialEq + Debug {
    fn status(&self) -> StatusCode;
    /// Whether memory was short.
    fn is_busy(&self) -> bool;
}

impl Refusal for capture::Error {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn is_busy(&self) -> bool {
        *self == Self::Busy
    }
}

impl Refusal for capture::v1::Error {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn is_busy(&self) -> bool {
        *self == Self::ServiceUnavailable
    }
}

/// What a request came to, and the memory that was asked for.
pub(crate) fn decoded<T, E: Refusal>(
    sent: &Sent,
    decode: impl Fn(&Sent, &mut Meter) -> Result<T, E>,
    disguises: &[Disguise],
) -> (Result<T, E>, usize)
where
    T: PartialEq + Debug,
{
    let mut meter = Meter::unbounded();
    let outcome = decode(sent, &mut meter);
    let reserved = meter.reserved;
    assert!(reserved <= sent.settings.memory_budget, "more memory than the whole budget");
    let choice = sent.choice();
    match (choice % 4, reserved.checked_sub(1)) {
        (0, _) => assert_eq!(decode(sent, &mut Meter::unbounded()), outcome, "decoded twice"),
        (1, Some(scarce)) => {
            let outcome = decode(sent, &mut Meter::new(scarce));
            assert!(outcome.is_err_and(|error| error.is_busy()), "decoded without the memory");
        }
        _ => {
            let disguise = disguises.get(choice / 4 % disguises.len().max(1));
            if let Some((disguised, name)) = disguise.and_then(|disguise| disguise(sent)) {
                let again = decode(&disguised, &mut Meter::unbounded());
                means_the_same(&outcome, &again, name);
            }
        }
    }
    (outcome, reserved)
}

/// The same request in other clothes, and what they are; nothing where it would mean something else.
pub(crate) type Disguise = fn(&Sent) -> Option<(Sent, &'static str)>;

fn means_the_same<T: PartialEq + Debug, E: Refusal>(
    plain: &Result<T, E>,
    disguised: &Result<T, E>,
    name: &str,
) {
    match (plain, disguised) {
        (Ok(plain), Ok(disguised)) => assert_eq!(plain, disguised, "{name}"),
        // Which disguise it was may be said in the text.
        (Err(plain), Err(disguised)) => assert_eq!(plain.status(), disguised.status(), "{name}"),
        (plain, disguised) => panic!("{name}: {plain:?} and {disguised:?}"),
    }
}
