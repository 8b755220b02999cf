//! Links that work once: to become the first owner, and to choose a password.

use event::Timestamp;
use uuid::Uuid;

use crate::database::Transaction;
use crate::{By, Email, Error, Password, Refusal, Secret, Store, User, audit, users};

/// How long a link to choose a password lasts.
const A_WEEK: i64 = 7 * 86_400 * 1_000_000;

/// A link's secret part.
#[derive(Clone, Debug)]
pub struct Link {
    /// What whoever follows it shows.
    pub secret: Secret,
    /// Until when; the first owner's lasts until there is an owner.
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// Makes the link by which somebody becomes the first owner, in place of earlier ones; `None` where
    /// there is an owner.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new_setup_link(&self) -> Result<Option<Link>, Error> {
        self.write(|transaction| {
            if users::is_set_up(transaction)? {
                return Ok(None);
            }
            transaction.execute("DELETE FROM links WHERE user_id IS NULL", &[])?;
            insert(transaction, None, None).map(Some)
        })
    }

    /// Whether a link can be followed. To be asked before a password is hashed, which takes its time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn knows_link(&self, link: &Secret, now: Timestamp) -> Result<bool, Error> {
        self.read(|transaction| Ok(find(transaction, link, now)?.is_some()))
    }

    /// Follows a link: the first owner is made, or a user's password set and all sessions ended.
    ///
    /// # Errors
    /// When the link is not valid, or an address is missing or not the user's.
    pub fn follow(
        &self,
        link: &Secret,
        email: Option<&Email>,
        password: &Password,
        by: &By,
    ) -> Result<User, Error> {
        if !self.knows_link(link, by.at)? {
            return Err(Refusal::LinkUnknown.into());
        }
        let hash = password.hash()?;
        self.write(|transaction| {
            let whose = find(transaction, link, by.at)?.ok_or(Refusal::LinkUnknown)?;
            let by = |email: &Email| By { who: email.to_string(), ..by.clone() };
            match whose {
                Some(id) => {
                    let user = users::find(transaction, id)?;
                    let by = by(&user.email);
                    set_password(transaction, user, email, &hash, &by)
                }
                None => {
                    let email = email.ok_or_else(|| {
                        crate::error::wrong("email", "the address of the first owner")
                    })?;
                    users::add_owner(transaction, email, &hash, &by(email))
                }
            }
        })
    }
}

/// Makes a link by which a user chooses a password, in place of earlier ones.
pub(crate) fn add(transaction: &mut dyn Transaction, user: Uuid, by: &By) -> Result<Link, Error> {
    transaction.execute("DELETE FROM links WHERE user_id = $1", &[user.into()])?;
    insert(transaction, Some(user), Some(by.at.plus_micros(A_WEEK)))
}

fn insert(
    transaction: &mut dyn Transaction,
    user: Option<Uuid>,
    expires_at: Option<Timestamp>,
) -> Result<Link, Error> {
    let secret = Secret::new("hfl")?;
    let add = "INSERT INTO links (hash, user_id, expires_at) VALUES ($1, $2, $3)";
    transaction.execute(add, &[secret.hash().into(), user.into(), expires_at.into()])?;
    Ok(Link { secret, expires_at })
}

/// Whose password a valid link sets: a user's, or that of the first owner.
fn find(
    transaction: &mut dyn Transaction,
    link: &Secret,
    now: Timestamp,
) -> Result<Option<Option<Uuid>>, Error> {
    let find = "SELECT user_id, expires_at FROM links WHERE hash = $1";
    let Some(mut row) = transaction.first(find, &[link.hash().into()])? else { return Ok(None) };
    let (user, expires_at) = (row.optional_id()?, row.optional_time()?);
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Ok(None);
    }
    // It went when the owner came, unless somebody has put an old file back.
    if user.is_none() && users::is_set_up(transaction)? {
        return Ok(None);
    }
    Ok(Some(user))
}

fn set_password(
    transaction: &mut dyn Transaction,
    user: User,
    email: Option<&Email>,
    hash: &str,
    by: &By,
) -> Result<User, Error> {
    if email.is_some_and(|email| *email != user.email) {
        return Err(crate::error::wrong("email", "the address that was invited"));
    }
    let id = user.id;
    transaction
        .execute("UPDATE users SET password = $2 WHERE id = $1", &[id.into(), hash.into()])?;
    transaction.execute("DELETE FROM links WHERE user_id = $1", &[id.into()])?;
    transaction.execute("DELETE FROM sessions WHERE user_id = $1", &[id.into()])?;
    audit::note(transaction, by, "user.password", user.email.as_str())?;
    Ok(User { is_invited: false, ..user })
}
