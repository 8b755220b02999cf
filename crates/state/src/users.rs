//! Users.

use event::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::database::{Row, Transaction};
use crate::text::{shown, shown_if_any};
use crate::{
    By, Email, Error, Link, Password, Refusal, Role, Secret, Store, audit, links, password,
};

/// Somebody who may log in, or is invited to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Which.
    pub id: Uuid,
    /// What the user logs in with.
    pub email: Email,
    /// What the user is.
    pub role: Role,
    /// Since when.
    #[serde(serialize_with = "shown")]
    pub created_at: Timestamp,
    /// When the user was here last, to the minute.
    #[serde(serialize_with = "shown_if_any")]
    pub seen_at: Option<Timestamp>,
    /// Whether the user has no password yet.
    pub is_invited: bool,
}

/// The columns of [`user`].
pub(crate) const COLUMNS: &str = "users.id, users.email, users.role, users.created_at, \
     users.seen_at, CASE WHEN users.password IS NULL THEN 1 ELSE 0 END";

/// Reads [`COLUMNS`].
pub(crate) fn user(row: &mut Row) -> Result<User, Error> {
    Ok(User {
        id: row.named("an id")?,
        email: row.named("an email address")?,
        role: row.named("a role")?,
        created_at: row.time()?,
        seen_at: row.optional_time()?,
        is_invited: row.flag()?,
    })
}

impl Store {
    /// Whether there is an owner. Once there is, there always is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_set_up(&self) -> Result<bool, Error> {
        self.read(is_set_up)
    }

    /// All users, by their addresses.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn users(&self) -> Result<Vec<User>, Error> {
        let find = format!("SELECT {COLUMNS} FROM users ORDER BY users.email");
        let rows = self.read(|transaction| transaction.query(&find, &[]))?;
        rows.into_iter().map(|mut row| user(&mut row)).collect()
    }

    /// Makes the first owner, of somebody who cannot follow a link; `None` where there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_owner(
        &self,
        email: &Email,
        password: &Password,
        by: &By,
    ) -> Result<Option<User>, Error> {
        if self.is_set_up()? {
            return Ok(None);
        }
        let hash = password.hash()?;
        self.write(|transaction| match is_set_up(transaction)? {
            true => Ok(None),
            false => add_owner(transaction, email, &hash, by).map(Some),
        })
    }

    /// Invites somebody, with a link by which to choose a password.
    ///
    /// # Errors
    /// When the inviter's role is not enough, or somebody has the address.
    pub fn invite(
        &self,
        email: &Email,
        role: Role,
        inviter: Role,
        by: &By,
    ) -> Result<(User, Link), Error> {
        self.write(|transaction| {
            may_give(inviter, role)?;
            let find = "SELECT 1 FROM users WHERE email = $1";
            if transaction.number(find, &[email.as_str().into()])?.is_some() {
                return Err(Refusal::Taken("user").into());
            }
            let invited = add(transaction, email, role, None, by)?;
            let link = links::add(transaction, invited.id, by)?;
            audit::note(transaction, by, "user.invite", &format!("{email} as {role}"))?;
            Ok((invited, link))
        })
    }

    /// Makes a link by which a user chooses another password; the old one holds until then.
    ///
    /// # Errors
    /// When there is no such user, or the giver's role is not enough.
    pub fn new_link(&self, id: Uuid, giver: Role, by: &By) -> Result<Link, Error> {
        self.write(|transaction| {
            let found = find(transaction, id)?;
            may_give(giver, found.role)?;
            let link = links::add(transaction, id, by)?;
            audit::note(transaction, by, "user.link", found.email.as_str())?;
            Ok(link)
        })
    }

    /// Likewise for an address, by whoever owns the machine.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn new_link_for(&self, email: &Email, by: &By) -> Result<Link, Error> {
        let users = self.users()?;
        let found = users.into_iter().find(|user| user.email == *email);
        let found = found.ok_or(Refusal::NoSuch("user"))?;
        self.new_link(found.id, Role::Owner, by)
    }

    /// Gives a user another role, which holds from the next request on.
    ///
    /// # Errors
    /// When there is no such user, the giver's role is not enough, or no owner would be left.
    pub fn set_role(&self, id: Uuid, role: Role, giver: Role, by: &By) -> Result<User, Error> {
        self.write(|transaction| {
            let found = find(transaction, id)?;
            may_give(giver, found.role)?;
            may_give(giver, role)?;
            let change = "UPDATE users SET role = $2 WHERE id = $1";
            transaction.execute(change, &[id.into(), role.name().into()])?;
            an_owner_stays(transaction)?;
            audit::note(transaction, by, "user.role", &format!("{} is {role}", found.email))?;
            Ok(User { role, ..found })
        })
    }

    /// Removes a user, with sessions and personal keys.
    ///
    /// # Errors
    /// When there is no such user, the remover's role is not enough, or no owner would be left.
    pub fn remove_user(&self, id: Uuid, remover: Role, by: &By) -> Result<(), Error> {
        self.write(|transaction| {
            let found = find(transaction, id)?;
            may_give(remover, found.role)?;
            transaction.execute("DELETE FROM users WHERE id = $1", &[id.into()])?;
            an_owner_stays(transaction)?;
            audit::note(transaction, by, "user.remove", found.email.as_str())
        })
    }

    /// Changes a user's own password, and ends all sessions but the one that says so.
    ///
    /// # Errors
    /// When the present password is another.
    pub fn change_password(
        &self,
        id: Uuid,
        present: &str,
        next: &Password,
        session: &Secret,
        by: &By,
    ) -> Result<(), Error> {
        let kept = self.read(|transaction| {
            let found =
                transaction.first("SELECT password FROM users WHERE id = $1", &[id.into()])?;
            found.map_or(Ok(None), |mut row| row.optional_text())
        })?;
        if !password::verify(present, kept.as_deref()) {
            return Err(Refusal::NotRecognized.into());
        }
        let hash = next.hash()?;
        self.write(|transaction| {
            let change = "UPDATE users SET password = $2 WHERE id = $1 AND password = $3";
            let values = [id.into(), hash.clone().into(), kept.clone().into()];
            if transaction.execute(change, &values)? == 0 {
                return Err(Refusal::NotRecognized.into());
            }
            let end = "DELETE FROM sessions WHERE user_id = $1 AND hash <> $2";
            transaction.execute(end, &[id.into(), session.hash().into()])?;
            audit::note(transaction, by, "user.password", &by.who)
        })
    }
}

pub(crate) fn is_set_up(transaction: &mut dyn Transaction) -> Result<bool, Error> {
    // An invited owner cannot log in yet, but somebody invited them.
    let find = "SELECT count(*) FROM users WHERE role = 'owner'";
    Ok(transaction.number(find, &[])?.unwrap_or(0) > 0)
}

pub(crate) fn find(transaction: &mut dyn Transaction, id: Uuid) -> Result<User, Error> {
    let find = format!("SELECT {COLUMNS} FROM users WHERE users.id = $1");
    let found = transaction.first(&find, &[id.into()])?;
    user(&mut found.ok_or(Refusal::NoSuch("user"))?)
}

/// Makes the first owner; links for that are of no use any more.
pub(crate) fn add_owner(
    transaction: &mut dyn Transaction,
    email: &Email,
    hash: &str,
    by: &By,
) -> Result<User, Error> {
    let owner = add(transaction, email, Role::Owner, Some(hash), by)?;
    transaction.execute("DELETE FROM links WHERE user_id IS NULL", &[])?;
    audit::note(transaction, by, "setup", email.as_str())?;
    Ok(owner)
}

fn add(
    transaction: &mut dyn Transaction,
    email: &Email,
    role: Role,
    hash: Option<&str>,
    by: &By,
) -> Result<User, Error> {
    let id = Uuid::now_v7();
    let add =
        "INSERT INTO users (id, email, role, password, created_at) VALUES ($1, $2, $3, $4, $5)";
    let values = [id.into(), email.as_str().into(), role.name().into(), hash.into(), by.at.into()];
    transaction.execute(add, &values)?;
    find(transaction, id)
}

fn may_give(giver: Role, role: Role) -> Result<(), Error> {
    match giver.may(role.given_by()) {
        true => Ok(()),
        false => Err(Refusal::NotAllowed(giver).into()),
    }
}

/// Undoes what would leave nobody who can log in as an owner.
fn an_owner_stays(transaction: &mut dyn Transaction) -> Result<(), Error> {
    let find = "SELECT count(*) FROM users WHERE role = 'owner' AND password IS NOT NULL";
    match transaction.number(find, &[])?.unwrap_or(0) {
        0 => Err(Refusal::LastOwner.into()),
        _ => Ok(()),
    }
}
