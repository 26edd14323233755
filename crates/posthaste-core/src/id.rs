//! Identities. Each is a UUID newtype, so that one cannot stand where another is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// A text that is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: expected a UUID such as 0190c0de-0000-7000-8000-000000000001")]
pub struct IdError(String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new identity. Later ones sort after earlier ones.
            ///
            /// It is unique, not secret: its random bits come from a fast generator in this process (uuid's
            /// `fast-rng`) instead of a system call each.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Takes a UUID that is known already, such as a stored or an imported one.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError(text.to_owned()))
            }
        }
    };
}

id! {
    /// The identity of an [`Account`](crate::Account).
    AccountId
}
id! {
    /// The identity of a [`ClientKey`](crate::ClientKey); not the secret that a client presents.
    ClientKeyId
}
id! {
    /// The identity of a [`Pool`](crate::Pool).
    PoolId
}
id! {
    /// The identity of a [`Route`](crate::Route).
    RouteId
}
id! {
    /// The identity of an [`OwnPrice`](crate::OwnPrice).
    OwnPriceId
}
id! {
    /// The identity of a [`Card`](crate::Card).
    CardId
}
id! {
    /// The identity of a [`Redemption`](crate::Redemption), or of a step that takes one back.
    RedemptionId
}
id! {
    /// The identity of a user of the relay, who owns client keys.
    UserId
}
id! {
    /// The identity of an [`ApiToken`](crate::ApiToken); not the secret that a program presents.
    ApiTokenId
}
id! {
    /// The identity of a [`Team`](crate::Team).
    TeamId
}
id! {
    /// The identity of a [`Channel`](crate::Channel).
    ChannelId
}
id! {
    /// The identity of one client request, told to the client as `x-posthaste-request-id`.
    RequestId
}

id! {
    /// The identity of one relay's run, made when it starts: of two relays the lesser one started first.
    InstanceId
}

impl AccountId {
    /// Whom the books name for what was used before, at another relay whose records were taken over. No account has it.
    pub const CARRIED_OVER: Self = Self(Uuid::from_u128(0x6361_7272_6965_8d00_8000_6f76_6572_0001));
}

impl RequestId {
    /// The least identity that [`generate`](Self::generate) can give at `moment`: whatever is less is earlier.
    pub fn least_at(moment: Timestamp) -> Self {
        let millis = u128::try_from(moment.as_millis()).unwrap_or(0);
        Self(Uuid::from_u128((millis & MOST_MILLIS) << 80))
    }
}

/// 48 bits, as RFC 9562 §5.7 has them.
const MOST_MILLIS: u128 = (1 << 48) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = AccountId::generate();
        assert_eq!(id.to_string().parse::<AccountId>().unwrap(), id);
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let first = RequestId::generate();
        assert!(first < RequestId::generate());
    }

    #[test]
    fn identities_of_a_later_moment_are_not_below_its_least() {
        let now = Timestamp::from(jiff::Timestamp::now());
        let id = RequestId::generate();
        assert!(RequestId::least_at(now) <= id);
        assert!(RequestId::least_at(now.plus(std::time::Duration::from_secs(5))) > id);
        assert_eq!(RequestId::least_at(Timestamp::from_secs(-1)).uuid(), Uuid::nil());
    }

    #[test]
    fn other_text_is_refused_with_an_example() {
        let error = "acc-1".parse::<AccountId>().unwrap_err();
        assert!(error.to_string().contains("`acc-1` is not an id"), "{error}");
    }
}
