//! Who may do what.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What somebody may do.
///
/// It is also the scope of a key, with the exceptions of [`Permission::is_scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Ask for whatever events, persons and recordings say, and see what was saved.
    Read,
    /// Keep insights, dashboards and queries.
    Save,
    /// Erase persons.
    Erase,
    /// Make and change projects, their keys, and block tokens.
    Projects,
    /// See who did what.
    Audit,
    /// Invite, change and remove users.
    Users,
    /// Likewise owners.
    Owners,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Save,
        Self::Erase,
        Self::Projects,
        Self::Audit,
        Self::Users,
        Self::Owners,
    ];

    /// Whether a key may have it: who has access is decided by people who are there.
    pub const fn is_scope(self) -> bool {
        !matches!(self, Self::Users | Self::Owners)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Save => "save",
            Self::Erase => "erase",
            Self::Projects => "projects",
            Self::Audit => "audit",
            Self::Users => "users",
            Self::Owners => "owners",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Permission {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|permission| permission.name() == name).ok_or(())
    }
}

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything; there is always one.
    Owner,
    /// May do everything that concerns no owner.
    Admin,
    /// May look.
    Viewer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Viewer];

    /// Whether the role comes with a permission.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(permission, Permission::Owners),
            Self::Viewer => matches!(permission, Permission::Read),
        }
    }

    /// What somebody needs to give or take the role.
    pub const fn given_by(self) -> Permission {
        match self {
            Self::Owner => Permission::Owners,
            Self::Admin | Self::Viewer => Permission::Users,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_table_says() {
        let may = |role: Role| {
            let names = Permission::ALL.into_iter().filter(|permission| role.may(*permission));
            names.map(Permission::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(may(Role::Owner), "read save erase projects audit users owners");
        assert_eq!(may(Role::Admin), "read save erase projects audit users");
        assert_eq!(may(Role::Viewer), "read");
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(permission));
            let json = serde_json::to_string(&permission).unwrap();
            assert_eq!(json, format!("\"{permission}\""));
        }
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
    }
}
