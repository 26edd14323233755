//! What the page before has done: said by the next page, and taken back from there where that can be.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use posthaste_core::{AccountId, ClientKeyId, PoolId};

use crate::BASE;

/// What was done, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) undo: Option<Undo>,
}

/// What takes something back: a form that some page takes anyhow.
///
/// A cookie carries it, which others may write: so it is one of these and never an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undo {
    RestoreKey(ClientKeyId),
    PauseAccount(AccountId),
    ResumeAccount(AccountId),
    JoinPool(PoolId, AccountId),
    LeavePool(PoolId, AccountId),
}

impl Undo {
    /// Where its form is sent.
    pub(crate) fn to(&self) -> String {
        match self {
            Self::RestoreKey(key) => format!("{BASE}/keys/{key}/restore"),
            Self::PauseAccount(account) => format!("{BASE}/accounts/{account}/pause"),
            Self::ResumeAccount(account) => format!("{BASE}/accounts/{account}/resume"),
            Self::JoinPool(pool, _) => format!("{BASE}/pools/{pool}/join"),
            Self::LeavePool(pool, _) => format!("{BASE}/pools/{pool}/leave"),
        }
    }

    /// The account that its form names, if it does.
    pub(crate) fn account(&self) -> Option<AccountId> {
        match self {
            Self::JoinPool(_, account) | Self::LeavePool(_, account) => Some(*account),
            Self::RestoreKey(_) | Self::PauseAccount(_) | Self::ResumeAccount(_) => None,
        }
    }

    fn write(&self) -> String {
        match self {
            Self::RestoreKey(key) => format!("restore_{key}"),
            Self::PauseAccount(account) => format!("pause_{account}"),
            Self::ResumeAccount(account) => format!("resume_{account}"),
            Self::JoinPool(pool, account) => format!("join_{pool}_{account}"),
            Self::LeavePool(pool, account) => format!("leave_{pool}_{account}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('_').collect();
        Some(match parts.as_slice() {
            ["restore", key] => Self::RestoreKey(key.parse().ok()?),
            ["pause", account] => Self::PauseAccount(account.parse().ok()?),
            ["resume", account] => Self::ResumeAccount(account.parse().ok()?),
            ["join", pool, account] => Self::JoinPool(pool.parse().ok()?, account.parse().ok()?),
            ["leave", pool, account] => Self::LeavePool(pool.parse().ok()?, account.parse().ok()?),
            _ => return None,
        })
    }
}

/// Has the next page say what was done.
pub(crate) fn tell(told: &Told, secure: bool) -> Option<HeaderValue> {
    let mut value = utf8_percent_encode(&told.text, NON_ALPHANUMERIC).to_string();
    // No text has a dot any more.
    if let Some(undo) = &told.undo {
        value = format!("{value}.{}", undo.write());
    }
    let cookie = Cookie::build((NAME, value))
        .path(BASE)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(cookie::time::Duration::seconds(60));
    HeaderValue::try_from(cookie.build().to_string()).ok()
}

/// What the page before has done.
pub(crate) fn told(headers: &HeaderMap) -> Option<Told> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookie = values
        .flat_map(|value| Cookie::split_parse(value.to_owned()).filter_map(Result::ok))
        .find(|cookie| cookie.name() == NAME)?;
    let (text, undo) = cookie.value().split_once('.').unwrap_or((cookie.value(), ""));
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(Told { text: text.chars().take(MOST_TOLD).collect(), undo: Undo::read(undo) })
}

/// Says it no longer.
pub(crate) fn forget() -> HeaderValue {
    HeaderValue::from_static("posthaste_told=; Path=/admin-next; HttpOnly; SameSite=Lax; Max-Age=0")
}

const NAME: &str = "posthaste_told";
const MOST_TOLD: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: &str) -> Option<Told> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::try_from(format!("a=b; {value}")).unwrap());
        told(&headers)
    }

    #[test]
    fn what_was_told_comes_back_with_what_takes_it_back() {
        let (key, pool, account) = (ClientKeyId::generate(), PoolId::generate(), AccountId::generate());
        for undo in [
            Undo::RestoreKey(key),
            Undo::PauseAccount(account),
            Undo::ResumeAccount(account),
            Undo::JoinPool(pool, account),
            Undo::LeavePool(pool, account),
        ] {
            for undo in [Some(undo), None] {
                let told = Told { text: "a. b_c 密钥; \"d\"".to_owned(), undo };
                let cookie = tell(&told, true).unwrap();
                let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
                assert_eq!(sent(cookie), Some(told));
            }
        }
    }

    #[test]
    fn only_what_is_known_can_be_taken_back() {
        let id = AccountId::generate();
        for undo in ["", "delete_", "delete_/keys", "restore_../x", "pause", "join_1_2", "%2F%2Fevil.example"]
        {
            let told = sent(&format!("posthaste_told=done.{undo}")).unwrap();
            assert_eq!((told.text.as_str(), told.undo), ("done", None), "{undo}");
        }
        assert_eq!(
            sent(&format!("posthaste_told=done.pause_{id}")).unwrap().undo,
            Some(Undo::PauseAccount(id))
        );
        assert_eq!(sent("posthaste_other=done"), None);
    }
}
