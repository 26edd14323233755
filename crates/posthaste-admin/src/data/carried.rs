//! What people log in with, what tokens are known by, and where channels lead: secrets on their way from store to store.

use posthaste_core::{
    ApiToken, Channel, ChannelField, PasswordHash, Sealed, SecondFactor, Secret, SignIn, TokenHash, User,
};
use posthaste_storage::{RecordKind, StorageError};
use posthaste_vault::{PassphraseKey, Place, Vault, channel_place, user_second_factor_place};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::LeftOut;
use crate::AdminError;

/// What is sealed of a record as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPart {
    /// The record's identity.
    pub id: Uuid,
    /// What operators call it.
    pub name: String,
    /// The sealed JSON.
    pub body: Sealed,
}

/// What a person logs in with. The secret of the second factor is as it is entered into devices.
#[derive(Serialize, Deserialize)]
struct Login {
    hash: Option<PasswordHash>,
    second_factor: Option<Factor>,
}

#[derive(Serialize, Deserialize)]
struct Factor {
    secret: String,
    last_step: u64,
    recovery: Vec<TokenHash>,
}

const fn login_place(user: Uuid) -> Place<'static> {
    Place { kind: "export user", id: user, field: "login" }
}

const fn token_place(token: Uuid) -> Place<'static> {
    Place { kind: "export api token", id: token, field: "record" }
}

/// Takes out of a person what the person logs in with, sealed where there is a key.
pub(super) fn take_login(
    user: &mut User,
    vault: &Vault,
    key: Option<&PassphraseKey>,
) -> Result<Option<SealedPart>, AdminError> {
    let factor = user.second_factor.take();
    let hash = match &mut user.sign_in {
        SignIn::Password { hash } => hash.take(),
        SignIn::Ldap { .. } | SignIn::Oidc { .. } => None,
    };
    let Some(key) = key.filter(|_| hash.is_some() || factor.is_some()) else { return Ok(None) };
    let second_factor = match factor {
        None => None,
        Some(SecondFactor { secret, last_step, recovery }) => {
            let secret = vault.unseal(&user_second_factor_place(user.id), &secret)?;
            Some(Factor { secret: secret.expose().to_owned(), last_step, recovery })
        }
    };
    let id = user.id.uuid();
    seal(key, login_place(id), id, &user.name, &Login { hash, second_factor }).map(Some)
}

/// Seals a token whole: whoever could write one into a file would have one.
pub(super) fn seal_token(token: &ApiToken, key: &PassphraseKey) -> Result<SealedPart, AdminError> {
    let id = token.id.uuid();
    seal(key, token_place(id), id, &token.name, token)
}

pub(super) fn open_token(part: &SealedPart, key: &PassphraseKey) -> Result<ApiToken, AdminError> {
    let token: ApiToken = open(key, &token_place(part.id), &part.body)?;
    match token.id.uuid() == part.id {
        true => Ok(token),
        false => Err(AdminError::invalid("file", "a token in it is not the one that it is said to be")),
    }
}

/// A person as it is to be here: with what the export has sealed, else with what is here.
pub(super) fn with_login(
    user: &User,
    present: Option<&User>,
    vault: &Vault,
    sealed: Option<(&SealedPart, &PassphraseKey)>,
) -> Result<User, AdminError> {
    let mut wanted = user.clone();
    // What somebody wrote into the file in the clear was not written by an export.
    take_login(&mut wanted, vault, None)?;
    wanted.last_login_at = wanted.last_login_at.max(present.and_then(|present| present.last_login_at));
    if let Some(present) = present {
        wanted.second_factor.clone_from(&present.second_factor);
        if let (SignIn::Password { .. }, SignIn::Password { hash }) = (&wanted.sign_in, &present.sign_in) {
            wanted.sign_in = SignIn::Password { hash: hash.clone() };
        }
    }
    let Some((part, key)) = sealed else { return Ok(wanted) };
    let place = user_second_factor_place(user.id);
    let Login { hash, second_factor } = open(key, &login_place(user.id.uuid()), &part.body)?;
    if let (SignIn::Password { hash: kept }, Some(hash)) = (&mut wanted.sign_in, hash) {
        *kept = Some(hash);
    }
    if let Some(Factor { secret, last_step, recovery }) = second_factor {
        let here = wanted.second_factor.as_ref().and_then(|factor| vault.unseal(&place, &factor.secret).ok());
        // Codes that were used here since stay used.
        if here.is_none_or(|here| here.expose() != secret) {
            let secret = vault.seal(&place, &Secret::new(secret))?;
            wanted.second_factor = Some(SecondFactor { secret, last_step, recovery });
        }
    }
    Ok(wanted)
}

/// Seals a channel's secrets under the passphrase.
pub(super) fn reseal_channel(
    channel: &mut Channel,
    vault: &Vault,
    key: &PassphraseKey,
) -> Result<(), AdminError> {
    let id = channel.id;
    for (field, sealed) in secrets_of(channel) {
        let place = channel_place(id, field);
        *sealed = key.seal(&place, &vault.unseal(&place, sealed)?)?;
    }
    Ok(())
}

/// Takes a channel's secrets out, and tells which.
pub(super) fn leave_out_of_channel(channel: &mut Channel) -> Vec<LeftOut> {
    let password = channel.proxy.as_mut().and_then(|proxy| proxy.password.take());
    let taken = [
        (ChannelField::Target, channel.target.take()),
        (ChannelField::Key, channel.key.take()),
        (ChannelField::Proxy, password),
    ];
    let left = |field: ChannelField| LeftOut {
        kind: RecordKind::Channel,
        id: channel.id.uuid(),
        name: channel.name.clone(),
        field: field.as_str().to_owned(),
    };
    taken.into_iter().filter(|(_, sealed)| sealed.is_some()).map(|(field, _)| left(field)).collect()
}

/// A channel as it is to be here: its secrets sealed for this store, or those that are here.
pub(super) fn with_channel_secrets(
    channel: &Channel,
    present: Option<&Channel>,
    vault: &Vault,
    key: Option<&PassphraseKey>,
    left_out: &[LeftOut],
) -> Result<Channel, AdminError> {
    let mut wanted = channel.clone();
    let here = |field| present.and_then(|present| present.sealed().find(|(other, _)| *other == field));
    match key {
        Some(key) => {
            for (field, sealed) in secrets_of(&mut wanted) {
                let place = channel_place(channel.id, field);
                let secret = key.open(&place, sealed).map_err(super::passphrase_error)?;
                let same = here(field).filter(|(_, kept)| {
                    vault.unseal(&place, kept).is_ok_and(|kept| kept.expose() == secret.expose())
                });
                *sealed = match same {
                    Some((_, kept)) => kept.clone(),
                    None => vault.seal(&place, &secret)?,
                };
            }
        }
        None => {
            let was = |field: ChannelField| {
                left_out.iter().any(|left| left.id == channel.id.uuid() && left.field == field.as_str())
            };
            let kept = |field| here(field).filter(|_| was(field)).map(|(_, sealed)| sealed.clone());
            wanted.target = kept(ChannelField::Target);
            wanted.key = kept(ChannelField::Key);
            if let Some(proxy) = &mut wanted.proxy {
                proxy.password = kept(ChannelField::Proxy);
            }
            let lacks = |field, has: bool| was(field) && !has;
            let lacking = lacks(ChannelField::Target, wanted.target.is_some())
                || lacks(ChannelField::Key, wanted.key.is_some());
            wanted.enabled &= !lacking;
        }
    }
    Ok(wanted)
}

fn secrets_of(channel: &mut Channel) -> impl Iterator<Item = (ChannelField, &mut Sealed)> {
    let password = channel.proxy.as_mut().and_then(|proxy| proxy.password.as_mut());
    let fields = [
        (ChannelField::Target, channel.target.as_mut()),
        (ChannelField::Key, channel.key.as_mut()),
        (ChannelField::Proxy, password),
    ];
    fields.into_iter().filter_map(|(field, sealed)| Some((field, sealed?)))
}

fn seal<T: Serialize>(
    key: &PassphraseKey,
    place: Place<'_>,
    id: Uuid,
    name: &str,
    body: &T,
) -> Result<SealedPart, AdminError> {
    let text = serde_json::to_string(body)
        .map_err(|error| AdminError::Store(StorageError::corrupt("a record", error)))?;
    Ok(SealedPart { id, name: name.to_owned(), body: key.seal(&place, &Secret::new(text))? })
}

fn open<T: DeserializeOwned>(
    key: &PassphraseKey,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<T, AdminError> {
    let text = key.open(place, sealed).map_err(super::passphrase_error)?;
    // The reader's message would repeat parts of the text.
    serde_json::from_str(text.expose()).map_err(|_| {
        AdminError::invalid("file", "a sealed part of it holds something else than this release knows")
    })
}
