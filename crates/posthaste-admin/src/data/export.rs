//! Configuration records as a file that can travel.

use std::sync::Arc;

use posthaste_core::{
    Account, ApiToken, Card, Channel, ClientKey, OwnPrice, Owner, Pool, Route, Sealed, Secret, Setting, Team,
    Timestamp, User,
};
use posthaste_storage::{Entity, RecordKind, Repository, Stores};
use posthaste_vault::{
    Derivation, PassphraseKey, Place, Vault, account_credential_place, account_proxy_place,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::carried::{self, SealedPart};
use crate::{AdminError, Branding, branding};

/// All configuration records of a relay, and what it calls itself.
///
/// Secrets are left out, or sealed under a passphrase in the place that they belong to. Client keys are known by their keyed
/// hash alone: they work at another relay only when that takes over what they are hashed under, which is a secret too. People
/// are in it without what they log in with, tokens of the admin API not at all, unless there is a passphrase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// `posthaste-export`.
    pub format: String,
    /// The version of the form.
    pub version: u32,
    /// The release that made it.
    pub program: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Tells what client keys are hashed under, and gives nothing of it away.
    pub pepper_fingerprint: String,
    /// What became of the secrets.
    pub secrets: ExportedSecrets,
    /// Secrets that are not in it.
    pub left_out: Vec<LeftOut>,
    /// Teams of owners.
    pub teams: Vec<Team>,
    /// Owners of client keys.
    pub owners: Vec<Owner>,
    /// Pools of accounts.
    pub pools: Vec<Pool>,
    /// Upstream accounts.
    pub accounts: Vec<Account>,
    /// Routes.
    pub routes: Vec<Route>,
    /// Client keys.
    pub client_keys: Vec<ClientKey>,
    /// People, without passwords and second factors.
    #[serde(default)]
    pub users: Vec<User>,
    /// What people log in with, sealed.
    #[serde(default)]
    pub logins: Vec<SealedPart>,
    /// Tokens of the admin API, sealed.
    #[serde(default)]
    pub api_tokens: Vec<SealedPart>,
    /// Channels that notices are brought to.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Prices of the operator's own.
    #[serde(default)]
    pub own_prices: Vec<OwnPrice>,
    /// Redemption cards, by the hashes of their codes: whoever has a code can redeem it at the relay that reads this too.
    #[serde(default)]
    pub cards: Vec<Card>,
    /// Settings that were changed while the relay ran.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// What the relay calls itself, where somebody has said so.
    #[serde(default)]
    pub branding: Option<Branding>,
}

/// What became of the secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportedSecrets {
    /// They are not in it.
    LeftOut,
    /// They are sealed under a passphrase.
    Sealed {
        /// How a key is derived from that.
        derivation: Derivation,
        /// What client keys are hashed under.
        pepper: Sealed,
    },
}

/// A secret that is not in an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Of which kind of record.
    #[serde(default = "LeftOut::first_kind")]
    pub kind: RecordKind,
    /// Of which record.
    #[serde(alias = "account")]
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What of it: `credential` or `proxy` of an account, `login` of a person, `token`, or a field of a channel.
    pub field: String,
}

impl LeftOut {
    /// The one that version 1 knew.
    const fn first_kind() -> RecordKind {
        RecordKind::Account
    }
}

/// Reads all configuration records; secrets come with them when there is a passphrase.
///
/// # Errors
/// When the store fails, a secret does not open, or the passphrase is too short.
pub async fn export(
    stores: &Stores,
    vault: &Vault,
    now: Timestamp,
    passphrase: Option<&Secret>,
) -> Result<Export, AdminError> {
    let key = passphrase.map(PassphraseKey::new).transpose().map_err(super::passphrase_error)?;
    let mut export = Export {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now,
        pepper_fingerprint: vault.pepper_fingerprint(),
        secrets: ExportedSecrets::LeftOut,
        left_out: Vec::new(),
        teams: all(stores).await?,
        owners: all(stores).await?,
        pools: all(stores).await?,
        accounts: all(stores).await?,
        routes: all(stores).await?,
        client_keys: all(stores).await?,
        users: all(stores).await?,
        logins: Vec::new(),
        api_tokens: Vec::new(),
        channels: all(stores).await?,
        own_prices: all(stores).await?,
        // After the client keys: of a card that is redeemed meanwhile, the key has nothing yet, and it is not redeemed twice.
        cards: all(stores).await?,
        settings: all(stores).await?,
        branding: Some(branding::kept(&*stores.journals).await?)
            .filter(|kept| kept.version > 0)
            .map(|kept| kept.branding),
    };
    let tokens: Vec<ApiToken> = all(stores).await?;
    match key {
        Some((key, derivation)) => {
            for account in &mut export.accounts {
                reseal(account, vault, &key)?;
            }
            for channel in &mut export.channels {
                carried::reseal_channel(channel, vault, &key)?;
            }
            for user in &mut export.users {
                export.logins.extend(carried::take_login(user, vault, Some(&key))?);
            }
            export.api_tokens =
                tokens.iter().map(|token| carried::seal_token(token, &key)).collect::<Result<_, _>>()?;
            let pepper = vault.seal_pepper(&key)?;
            export.secrets = ExportedSecrets::Sealed { derivation, pepper };
        }
        None => {
            export.left_out = export.accounts.iter_mut().flat_map(leave_out).collect();
            let left = |kind, id, name: &str, field: &str| LeftOut {
                kind,
                id,
                name: name.to_owned(),
                field: field.to_owned(),
            };
            for user in &mut export.users {
                let before = user.clone();
                carried::take_login(user, vault, None)?;
                if before != *user {
                    export.left_out.push(left(RecordKind::User, user.id.uuid(), &user.name, "login"));
                }
            }
            let gone = |token: &ApiToken| left(RecordKind::ApiToken, token.id.uuid(), &token.name, "token");
            export.left_out.extend(tokens.iter().map(gone));
            export.left_out.extend(export.channels.iter_mut().flat_map(carried::leave_out_of_channel));
        }
    }
    Ok(export)
}

/// Reads an export's text.
///
/// # Errors
/// [`AdminError::Invalid`] when it is none, or one of a newer release.
pub fn read_export(text: &str) -> Result<Export, AdminError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
        version: u32,
    }
    let none = |why: String| AdminError::invalid("file", format!("it is no export of a relay: {why}"));
    let head: Head = serde_json::from_str(text).map_err(|error| none(error.to_string()))?;
    if head.format != FORMAT {
        return Err(none(format!("its format is not `{FORMAT}`")));
    }
    if !(1..=VERSION).contains(&head.version) {
        let what = format!(
            "the export has version {}, and this release reads versions 1 to {VERSION}: import it with the release that \
             made it, or a later one",
            head.version
        );
        return Err(AdminError::invalid("file", what));
    }
    serde_json::from_str(text).map_err(|error| none(error.to_string()))
}

async fn all<T: Entity>(stores: &Stores) -> Result<Vec<T>, AdminError> {
    let all = Repository::<T>::new(Arc::clone(&stores.config)).all().await?;
    Ok(all.into_iter().map(|versioned| versioned.value).collect())
}

fn reseal(account: &mut Account, vault: &Vault, key: &PassphraseKey) -> Result<(), AdminError> {
    let moved = |place: Place<'_>, sealed: &mut Option<Sealed>| -> Result<(), AdminError> {
        if let Some(sealed) = sealed {
            *sealed = key.seal(&place, &vault.unseal(&place, sealed)?)?;
        }
        Ok(())
    };
    moved(account_credential_place(account.id), &mut account.credential)?;
    match &mut account.proxy {
        Some(proxy) => moved(account_proxy_place(account.id), &mut proxy.password),
        None => Ok(()),
    }
}

fn leave_out(account: &mut Account) -> Vec<LeftOut> {
    let credential = account.credential.take().map(|_| CREDENTIAL);
    let proxy = account.proxy.as_mut().and_then(|proxy| proxy.password.take()).map(|_| PROXY);
    let left = |field: &str| LeftOut {
        kind: RecordKind::Account,
        id: account.id.uuid(),
        name: account.name.clone(),
        field: field.to_owned(),
    };
    credential.into_iter().chain(proxy).map(left).collect()
}

pub(super) const CREDENTIAL: &str = "credential";
pub(super) const PROXY: &str = "proxy";
const FORMAT: &str = "posthaste-export";
const VERSION: u32 = 2;
