//! What people may do here: roles, and the scopes of API tokens.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a person may do, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees and keeps own client keys, and nothing else.
    User,
    /// Sees how the relay is set up and what it does, changes nothing.
    Viewer,
    /// Keeps accounts, pools, routes, client keys and notification channels.
    Operator,
    /// Keeps everything but owners and other admins.
    Admin,
    /// Keeps everything.
    Owner,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 5] = [Self::User, Self::Viewer, Self::Operator, Self::Admin, Self::Owner];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether the role may do what `need` says.
    pub fn may(self, need: Scope) -> bool {
        let Scope { area, level } = need;
        match self {
            Self::Owner | Self::Admin => true,
            Self::Operator => match area {
                Area::Accounts | Area::Pools | Area::Keys | Area::Notifications => true,
                Area::Usage | Area::Requests | Area::Settings | Area::System => level == Level::Read,
                Area::Bodies | Area::Users | Area::Audit | Area::Data => false,
            },
            Self::Viewer => {
                level == Level::Read
                    && matches!(
                        area,
                        Area::Accounts
                            | Area::Pools
                            | Area::Keys
                            | Area::Usage
                            | Area::Requests
                            | Area::System
                    )
            }
            Self::User => false,
        }
    }

    /// Whether somebody of this role may give, take or change `other`'s log-in and role.
    pub fn may_keep(self, other: Self) -> bool {
        self == Self::Owner || self > other
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| UnknownWord { what: "role", known: Self::ALL.map(Self::as_str).join(", ") })
    }
}

/// What an act is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Upstream accounts and their log-ins.
    Accounts,
    /// Pools and routes.
    Pools,
    /// Client keys, their owners and teams.
    Keys,
    /// What was used and what it cost.
    Usage,
    /// Requests and why they went as they did.
    Requests,
    /// Captured bodies of requests.
    Bodies,
    /// People, their roles, sessions and API tokens.
    Users,
    /// Settings of the relay that are kept in the store.
    Settings,
    /// Notification channels.
    Notifications,
    /// The audit log.
    Audit,
    /// Exports, backups and imports.
    Data,
    /// How the relay fares.
    System,
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 12] = [
        Self::Accounts,
        Self::Pools,
        Self::Keys,
        Self::Usage,
        Self::Requests,
        Self::Bodies,
        Self::Users,
        Self::Settings,
        Self::Notifications,
        Self::Audit,
        Self::Data,
        Self::System,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Pools => "pools",
            Self::Keys => "keys",
            Self::Usage => "usage",
            Self::Requests => "requests",
            Self::Bodies => "bodies",
            Self::Users => "users",
            Self::Settings => "settings",
            Self::Notifications => "notifications",
            Self::Audit => "audit",
            Self::Data => "data",
            Self::System => "system",
        }
    }

    /// Looking at it.
    pub const fn read(self) -> Scope {
        Scope { area: self, level: Level::Read }
    }

    /// Changing it.
    pub const fn write(self) -> Scope {
        Scope { area: self, level: Level::Write }
    }
}

/// How far an act goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Looks.
    Read,
    /// Looks and changes.
    Write,
}

/// What an act needs, or an API token may do: an area and how far. Written as `keys:read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// About what.
    pub area: Area,
    /// How far; writing includes reading.
    pub level: Level,
}

impl Scope {
    /// Whether whoever has this scope may do what `need` says.
    pub fn covers(self, need: Self) -> bool {
        self.area == need.area && self.level >= need.level
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Read => "read",
            Level::Write => "write",
        };
        write!(f, "{}:{level}", self.area.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let unknown = || {
            let known = Area::ALL.map(|area| format!("{}:read|write", area.as_str())).join(", ");
            UnknownWord { what: "scope", known }
        };
        let (area, level) = text.split_once(':').ok_or_else(unknown)?;
        let area = Area::ALL.into_iter().find(|known| known.as_str() == area).ok_or_else(unknown)?;
        match level {
            "read" => Ok(area.read()),
            "write" => Ok(area.write()),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is none of the known words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}; it is one of: {known}")]
pub struct UnknownWord {
    what: &'static str,
    known: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_scopes_survive_their_texts() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for area in Area::ALL {
            for scope in [area.read(), area.write()] {
                assert_eq!(scope.to_string().parse(), Ok(scope));
            }
        }
        assert!("keys".parse::<Scope>().is_err() && "keys:all".parse::<Scope>().is_err());
        let error = "boss".parse::<Role>().unwrap_err().to_string();
        assert_eq!(error, "not a role; it is one of: user, viewer, operator, admin, owner");
    }

    #[test]
    fn a_greater_role_may_all_that_a_lesser_one_may() {
        for pair in Role::ALL.windows(2) {
            for area in Area::ALL {
                for need in [area.read(), area.write()] {
                    assert!(
                        !pair[0].may(need) || pair[1].may(need),
                        "{need}: {} but not {}",
                        pair[0],
                        pair[1]
                    );
                }
                assert!(!pair[0].may(area.write()) || pair[0].may(area.read()), "{}", pair[0]);
            }
        }
    }

    #[test]
    fn nobody_raises_himself() {
        for role in Role::ALL {
            for other in Role::ALL {
                assert_eq!(role.may_keep(other), role == Role::Owner || role > other, "{role} {other}");
            }
        }
    }

    #[test]
    fn a_scope_covers_its_area_only() {
        assert!(Area::Keys.write().covers(Area::Keys.read()) && Area::Keys.read().covers(Area::Keys.read()));
        assert!(!Area::Keys.read().covers(Area::Keys.write()));
        assert!(!Area::Keys.write().covers(Area::Accounts.read()));
    }
}
