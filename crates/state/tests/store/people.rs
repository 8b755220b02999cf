//! People, and when they do what.

use event::Timestamp;
use hogflare_state::{By, Email, Password, Permission, Role, Secret, Store, User};

pub(crate) const PASSWORD: &str = "a long password";

/// So many seconds after the beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000).plus_micros(seconds * 1_000_000)
}

pub(crate) fn by(who: &str, seconds: i64) -> By {
    By { who: who.to_owned(), address: Some("203.0.113.7".parse().unwrap()), at: at(seconds) }
}

pub(crate) fn email(text: &str) -> Email {
    text.parse().unwrap()
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

/// Whether the bytes are somewhere.
pub(crate) fn holds(bytes: &[u8], secret: &Secret) -> bool {
    let wanted = secret.reveal().as_bytes();
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

pub(crate) const SCOPES: [Permission; 5] = [
    Permission::Read,
    Permission::Save,
    Permission::Erase,
    Permission::Projects,
    Permission::Audit,
];

/// Makes `owner@example.com`.
pub(crate) fn owner_of(store: &Store) -> User {
    let email = email("owner@example.com");
    store.create_owner(&email, &password(PASSWORD), &by("hogflare", 0)).unwrap().unwrap()
}

/// Makes somebody with the role, who has chosen [`PASSWORD`].
pub(crate) fn user_of(store: &Store, address: &str, role: Role) -> User {
    let by = by("owner@example.com", 1);
    let (_, link) = store.invite(&email(address), role, Role::Owner, &by).unwrap();
    store.follow(&link.secret, None, &password(PASSWORD), &by).unwrap()
}
