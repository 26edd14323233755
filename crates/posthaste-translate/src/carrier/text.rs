//! The text of a carrier.

use std::{borrow::Cow, str::FromStr as _, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use posthaste_core::{AccountId, Dialect};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Carried, Place};
use crate::ir::{Maker, Proof};

/// Whether a body holds one of our carriers.
///
/// Such a body may not pass as it is, even in its own dialect: what it carries has to be taken out or left out first.
pub fn holds_carrier(body: &[u8]) -> bool {
    FINDER.find(body).is_some()
}

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));

/// Nine bytes, so that their base64 does not depend on what follows.
const MARKED: &[u8] = b"posthaste";
/// The base64 of [`MARKED`]. It has neither `+` nor `/` and is the same in both alphabets.
const MARK: &str = "cG9zdGhhc3Rl";
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 8;

/// Writes a carrier.
pub(super) fn write(carried: &[Carried]) -> String {
    let records: Vec<_> = carried.iter().map(Record::from).collect();
    let json = serde_json::to_vec(&records).expect("records of strings can always be written as JSON");
    let mut bytes = Vec::with_capacity(MARKED.len() + 1 + json.len() + CHECKSUM_BYTES + 2);
    bytes.extend_from_slice(MARKED);
    bytes.push(VERSION);
    bytes.extend_from_slice(&json);
    while !(bytes.len() + CHECKSUM_BYTES).is_multiple_of(3) {
        bytes.push(b' ');
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum[..CHECKSUM_BYTES]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether a text begins as a carrier does.
pub(super) fn is_carrier(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Reads a carrier; `None` when it is none, or not as it was written.
pub(super) fn read(text: &str) -> Option<Vec<Carried>> {
    if !is_carrier(text) {
        return None;
    }
    let text = if text.contains(['+', '/']) {
        Cow::Owned(text.replace('+', "-").replace('/', "_"))
    } else {
        Cow::Borrowed(text)
    };
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let (signed, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if Sha256::digest(signed)[..CHECKSUM_BYTES] != *checksum {
        return None;
    }
    let json = signed.strip_prefix(MARKED)?.strip_prefix(&[VERSION])?;
    let records: Vec<Record<'_>> = serde_json::from_slice(json).ok()?;
    records.into_iter().map(Record::into_carried).collect()
}

/// Short names: a carrier travels with every turn.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    #[serde(rename = "k")]
    place: u8,
    #[serde(rename = "d")]
    dialect: Dialect,
    #[serde(borrow, rename = "a", default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "m", default, skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "i", default, skip_serializing_if = "Option::is_none")]
    item: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "t", default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    behind: Option<usize>,
    #[serde(borrow, rename = "p")]
    data: Cow<'a, str>,
}

const PLACES: [Place; 4] = [Place::Thoughts, Place::Sealed, Place::Call, Place::Text];

impl<'a> From<&'a Carried> for Record<'a> {
    fn from(carried: &'a Carried) -> Self {
        let Carried { place, proof, text, behind } = carried;
        Self {
            place: *place as u8,
            dialect: proof.maker.dialect,
            account: proof.maker.account.map(|account| Cow::Owned(account.to_string())),
            model: proof.maker.model.as_deref().map(Cow::Borrowed),
            item: proof.item.as_deref().map(Cow::Borrowed),
            text: text.as_deref().map(Cow::Borrowed),
            behind: *behind,
            data: Cow::Borrowed(&proof.data),
        }
    }
}

impl Record<'_> {
    fn into_carried(self) -> Option<Carried> {
        let account = match self.account {
            None => None,
            Some(text) => Some(AccountId::from_str(&text).ok()?),
        };
        let maker = Maker { dialect: self.dialect, account, model: self.model.map(Cow::into_owned) };
        Some(Carried {
            place: *PLACES.get(usize::from(self.place))?,
            proof: Proof { maker, data: self.data.into_owned(), item: self.item.map(Cow::into_owned) },
            text: self.text.map(Cow::into_owned),
            behind: self.behind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(data: &str) -> Carried {
        let maker = Maker {
            dialect: Dialect::OpenAiResponses,
            account: Some(AccountId::generate()),
            model: Some("m".to_owned()),
        };
        let proof = Proof { maker, data: data.to_owned(), item: Some("rs_1".to_owned()) };
        Carried { place: Place::Thoughts, proof, text: Some("größer \"x\"".to_owned()), behind: Some(7) }
    }

    #[test]
    fn what_is_written_is_read_in_both_alphabets() {
        for data in ["", "a", "ab", "abc", "gAAAA+/=", "ÿÿÿ?>~"] {
            let items = vec![carried(data), carried(data)];
            let text = write(&items);
            assert!(text.starts_with(MARK) && !text.contains('=') && text.len().is_multiple_of(4));
            assert!(holds_carrier(format!("{{\"signature\":\"{text}\"}}").as_bytes()));
            assert_eq!(read(&text), Some(items.clone()));
            assert_eq!(read(&text.replace('-', "+").replace('_', "/")), Some(items));
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_no_carrier() {
        let text = write(&[carried("abc")]);
        for end in 0..text.len() {
            assert_eq!(read(&text[..end]), None);
        }
        for position in MARK.len()..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(std::str::from_utf8(&changed).unwrap()), None, "{position}");
        }
        assert_eq!(read("EqQBCkYIBxgC"), None);
    }
}
