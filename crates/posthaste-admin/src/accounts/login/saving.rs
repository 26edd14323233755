//! What comes of a login: a new account, or another token for one.

use posthaste_core::{Account, AuthForm, Egress};
use posthaste_storage::StorageError;
use posthaste_vault::{CredentialSource, StoredCredential, StoredToken, Vault};

use super::{
    super::{AccountService, NewAccount, SavedAccount, scheduling::CheckedScheduling},
    known_preset,
    pending::{Pending, Purpose},
    sign_in,
};
use crate::{
    AdminError,
    change::{self, by_name, find},
};

impl AccountService<'_> {
    /// The account that a login is to make, without its credential.
    pub(super) async fn account_to_log_in(self, new: &NewAccount) -> Result<Account, AdminError> {
        let preset = known_preset(&new.preset)?;
        sign_in(preset.name)?;
        let keys = [
            ("api_key", new.api_key.is_some()),
            ("aws_access_key_id", new.aws.is_some()),
            ("entra_client_id", new.entra.is_some()),
        ];
        if let Some((field, _)) = keys.into_iter().find(|(_, given)| *given) {
            let message = "is not used by an account that is logged in; leave it out";
            return Err(AdminError::invalid(field, message));
        }
        if new.auth.is_some_and(|auth| auth != AuthForm::OAuth) {
            let message = "an account that is logged in presents its token; leave this out";
            return Err(AdminError::invalid("auth", message));
        }
        let scheduling = CheckedScheduling::new(self.admin, &new.scheduling).await?;
        let mut account = self.drafted(preset, &NewAccount { auth: Some(AuthForm::OAuth), ..new.clone() })?;
        scheduling.apply(&mut account.scheduling);
        // Sooner than after the person has done their part.
        match by_name(&self.admin.account_records(), &account.name).await? {
            Some(there) if there.value.auth == AuthForm::OAuth => Err(AdminError::Conflict {
                what: format!(
                    "account `{0}` exists already; choose another name, or log that one in again: posthaste accounts login {0}",
                    account.name
                ),
            }),
            Some(_) => Err(change::taken("account", &account.name)),
            None => Ok(account),
        }
    }

    /// The way out of the account that the login is for.
    pub(super) async fn egress(self, pending: &Pending) -> Result<Egress, AdminError> {
        let account = match pending.purpose() {
            Purpose::Add(account) => Account::clone(account),
            Purpose::Renew(id) => find(&self.admin.account_records(), &id.to_string()).await?.value,
        };
        Ok(self.admin.credentials().egress(&account).await?)
    }

    /// Keeps what the vendor gave. When that fails, the login stays and may be finished again.
    pub(super) async fn save(self, login: &str, pending: &mut Pending) -> Result<SavedAccount, AdminError> {
        let token = pending.token().expect("a login is saved once there is a token").clone();
        let identity = token.facts.identity.clone();
        let account = match pending.purpose().clone() {
            Purpose::Add(account) => self.add_logged_in(*account, token).await?,
            Purpose::Renew(id) => {
                let records = self.admin.account_records();
                let vault = &self.admin.parts().vault;
                let now = self.now();
                let change = |account: &mut Account| renew(vault, account, token.clone(), now);
                let account = change::apply(&records, id.uuid(), change).await?;
                self.admin.credentials().invalidate(id);
                if let Some(runtime) = &self.admin.parts().runtime {
                    runtime.release(id);
                }
                account
            }
        };
        pending.end();
        self.admin.logins().forget(login);
        let mut saved = self.saved(account);
        if let Some(identity) = identity {
            saved.notices.push(format!("logged in as {identity}"));
        }
        Ok(saved)
    }

    async fn add_logged_in(self, account: Account, token: StoredToken) -> Result<Account, AdminError> {
        let now = self.now();
        let sealed = token.seal(&self.admin.parts().vault, account.id)?;
        let account = Account { credential: Some(sealed), created_at: now, updated_at: now, ..account };
        let name = account.name.clone();
        match self.admin.account_records().create(account).await {
            Ok(created) => Ok(created.value),
            Err(StorageError::Taken { .. }) => Err(change::taken("account", &name)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Puts the new token in the old one's place, and past it in the count.
fn renew(
    vault: &Vault,
    account: &mut Account,
    token: StoredToken,
    now: posthaste_core::Timestamp,
) -> Result<(), AdminError> {
    super::check_renewable(account)?;
    // One that cannot be opened any more is one more reason to log in again.
    let old = account.credential.as_ref().and_then(|old| StoredToken::open(vault, account.id, old).ok());
    let generation = old.map_or(token.generation, |old| old.generation.saturating_add(1));
    account.credential = Some(StoredToken { generation, ..token }.seal(vault, account.id)?);
    account.updated_at = now;
    Ok(())
}
