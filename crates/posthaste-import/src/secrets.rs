//! Opening the predecessor's secrets, and keeping a list of those that do not open.

use posthaste_core::Secret;
use posthaste_vault::CrsKey;
use serde::Serialize;
use serde_json::Value;

use crate::found::FoundAccount;

/// A secret that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Whose, for the operator's eye.
    pub account: String,
    /// Which of its secrets.
    pub field: String,
    /// Why.
    pub why: String,
}

/// Opens secrets.
pub(crate) struct Secrets<'a> {
    key: Option<&'a CrsKey>,
    unreadable: Vec<Unreadable>,
    /// How many sealed ones opened.
    opened: usize,
    /// How many were tried with a key and did not open.
    refused: usize,
}

impl<'a> Secrets<'a> {
    pub(crate) fn new(key: Option<&'a CrsKey>) -> Self {
        Self { key, unreadable: Vec::new(), opened: 0, refused: 0 }
    }

    /// A secret of an account. `None` where there is none or it cannot be read; the list tells which.
    pub(crate) fn read(&mut self, account: &FoundAccount, field: &str) -> Option<Secret> {
        let text = sealed_text(account, field)?;
        self.open(account, field, &text)
    }

    /// Opens a text of an account.
    pub(crate) fn open(&mut self, account: &FoundAccount, field: &str, text: &str) -> Option<Secret> {
        if !account.sealed && !looks_sealed(text) {
            return Some(Secret::new(text));
        }
        let opened = match self.key {
            None => Err("it is sealed, and no ENCRYPTION_KEY is given".to_owned()),
            Some(key) => key.open(account.kind.seal(), text).map_err(|error| error.to_string()),
        };
        match opened {
            Ok(secret) => {
                self.opened += 1;
                Some(secret)
            }
            Err(why) => {
                self.refused += usize::from(self.key.is_some());
                self.complain(account, field, why);
                None
            }
        }
    }

    /// Notes a secret that is of no use.
    pub(crate) fn complain(&mut self, account: &FoundAccount, field: &str, why: impl Into<String>) {
        let name = account.fields.text("name").unwrap_or_default();
        let account = format!("{} `{name}` ({})", account.kind.as_str(), account.id);
        self.unreadable.push(Unreadable { account, field: field.to_owned(), why: why.into() });
    }

    /// The list, and how many secrets were tried in vain while none opened.
    pub(crate) fn finish(self) -> (Vec<Unreadable>, Option<usize>) {
        let wrong_key = (self.opened == 0 && self.refused > 0).then_some(self.refused);
        (self.unreadable, wrong_key)
    }
}

/// A field that holds a secret, as text. Bedrock's stand in an object of two parts.
fn sealed_text(account: &FoundAccount, field: &str) -> Option<String> {
    if let Some(Value::Object(parts)) = account.fields.json(field)
        && let (Some(Value::String(iv)), Some(Value::String(sealed))) =
            (parts.get("iv"), parts.get("encrypted"))
    {
        return Some(format!("{iv}:{sealed}"));
    }
    account.fields.text(field).map(|text| text.into_owned())
}

/// Whether a text that should be plain is a sealed one all the same: the predecessor exports what it could not open as it is.
fn looks_sealed(text: &str) -> bool {
    let hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split_once(':').is_some_and(|(iv, sealed)| iv.len() == 32 && hexadecimal(iv) && hexadecimal(sealed))
}
