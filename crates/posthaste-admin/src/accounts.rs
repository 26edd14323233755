//! Upstream accounts.

mod address;
mod advice;
mod balance;
mod credential;
mod errors;
mod login;
mod order;
mod place;
mod proxy;
mod refresh;
mod scheduling;
mod test;
mod usage;
mod vendor;
mod view;

pub(crate) use balance::Balances;
pub use balance::{BalanceAmount, BalanceView};
pub use credential::{AwsKeysInput, EntraInput};
pub use errors::{ClearedErrors, ErrorsInput};
pub use login::{LoginFlow, LoginFor, LoginPlan, LoginTask, PolledLogin, StartedLogin};
pub(crate) use login::{Logins, is_input, state};
pub use order::{AccountOrder, AccountPlace, OrderItem, OrderView};
pub(crate) use proxy::read as read_proxy;
pub use refresh::RefreshedAccount;
pub use scheduling::{Expires, SchedulingChange};
pub(crate) use test::TestWatch;
pub use test::{TestEvent, TestReport, TestSteps};
pub use usage::{AccountUsage, WindowUsage};
pub use vendor::VendorSettings;
pub use view::{AccountView, Health, PresetView, presets};

use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, DialectUrl, Limit, PresetName, SchedulingRules,
};
use posthaste_provider::{Preset, SettingsError, preset, presets as known_presets, provider};
use posthaste_storage::StorageError;
use posthaste_vault::account_proxy_place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{credential::Given, scheduling::CheckedScheduling};
use crate::{
    Admin, AdminError,
    change::{self, find},
    input::{self, Disclosed, ModelMapping},
};

/// An account to be added.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewAccount {
    /// The preset that fills in the rest.
    pub preset: String,
    /// The operator's name for it.
    pub name: String,
    /// Where the API stands; the preset's when not given.
    pub base_url: Option<String>,
    /// Which of the preset's sites; its first when not given.
    pub site: Option<String>,
    /// Where dialects are spoken that stand elsewhere.
    pub base_urls: Vec<DialectUrl>,
    /// The day of the month on which a plan renews.
    pub plan_day: Option<u8>,
    /// The API key.
    pub api_key: Option<Disclosed>,
    /// AWS keys, with which requests are signed.
    pub aws: Option<AwsKeysInput>,
    /// An application of Microsoft Entra.
    pub entra: Option<EntraInput>,
    /// How the credential is presented; as its kind and the preset tell when not given.
    pub auth: Option<AuthForm>,
    /// The URL of the proxy that it is called through, with user and password.
    pub proxy: Option<Disclosed>,
    /// What only its vendor asks for.
    pub vendor: VendorSettings,
    /// 1 (first) to 100 (last); 50 when not given.
    pub priority: Option<u32>,
    /// Only models that fit one of these patterns, unless empty.
    pub allow: Vec<String>,
    /// No models that fit one of these patterns.
    pub deny: Vec<String>,
    /// What the upstream calls the clients' models.
    pub model_map: Vec<ModelMapping>,
    /// What it may be asked for.
    pub limits: Vec<Limit>,
    /// Consent to a private address.
    pub allow_private: bool,
    /// Added, but switched off.
    pub disabled: bool,
    /// How it takes part in scheduling.
    pub scheduling: SchedulingChange,
}

/// What is to change of an account. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountChange {
    /// The operator's name for it.
    pub name: Option<String>,
    /// Where the API stands. Consent to a private address belongs to the old one and is asked for again.
    pub base_url: Option<String>,
    /// Which of the preset's sites.
    pub site: Option<String>,
    /// Where dialects are spoken that stand elsewhere; goes with the base URL.
    pub base_urls: Vec<DialectUrl>,
    /// The day of the month on which a plan renews; 0 forgets it.
    pub plan_day: Option<u8>,
    /// The API key.
    pub api_key: Option<Disclosed>,
    /// AWS keys.
    pub aws: Option<AwsKeysInput>,
    /// An application of Microsoft Entra.
    pub entra: Option<EntraInput>,
    /// How the credential is presented; as its kind tells when not given.
    pub auth: Option<AuthForm>,
    /// The URL of the proxy that it is called through, with user and password; empty for none.
    pub proxy: Option<Disclosed>,
    /// What only its vendor asks for.
    pub vendor: VendorSettings,
    /// 1 (first) to 100 (last).
    pub priority: Option<u32>,
    /// The patterns of models that it serves; empty for all.
    pub allow: Option<Vec<String>>,
    /// The patterns of models that it does not serve.
    pub deny: Option<Vec<String>>,
    /// What the upstream calls the clients' models.
    pub model_map: Option<Vec<ModelMapping>>,
    /// What it may be asked for, in place of all that was said before.
    pub limits: Option<Vec<Limit>>,
    /// Gives consent to a private address, or takes it back.
    pub allow_private: Option<bool>,
    /// Whether it takes part.
    pub enabled: Option<bool>,
    /// How it takes part in scheduling.
    pub scheduling: SchedulingChange,
}

/// An account that was added or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedAccount {
    /// The account.
    #[serde(flatten)]
    pub account: AccountView,
    /// What the operator should know about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// Upstream accounts.
#[derive(Clone, Copy)]
pub struct AccountService<'a> {
    admin: &'a Admin,
}

impl<'a> AccountService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Adds an account.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn add(self, new: NewAccount) -> Result<SavedAccount, AdminError> {
        let preset = known_preset(&new.preset)?;
        let scheduling = CheckedScheduling::new(self.admin, &new.scheduling).await?;
        let mut account = self.drafted(preset, &new)?;
        scheduling.apply(&mut account.scheduling);
        let vault = &self.admin.parts().vault;
        account.credential = new.given().seal(vault, account.id, account.auth, None)?;
        let name = account.name.clone();
        match self.admin.account_records().create(account).await {
            Ok(created) => Ok(self.saved(created.value)),
            Err(StorageError::Taken { .. }) => Err(change::taken("account", &name)),
            Err(error) => Err(error.into()),
        }
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<AccountView>, AdminError> {
        let records = self.admin.account_records().all().await?;
        let mut views: Vec<_> = records.into_iter().map(|record| self.view(record.value)).collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// One account, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none; so it is with the other services.
    pub async fn show(self, account: &str) -> Result<AccountView, AdminError> {
        find(&self.admin.account_records(), account).await.map(|record| self.view(record.value))
    }

    /// Changes an account. What it rested from is forgotten when the change may have put it right.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn update(self, account: &str, change: AccountChange) -> Result<SavedAccount, AdminError> {
        let records = self.admin.account_records();
        let id = find(&records, account).await?.value.id;
        let scheduling = CheckedScheduling::new(self.admin, &change.scheduling).await?;
        let account = change::apply(&records, id.uuid(), |account: &mut Account| {
            scheduling.apply(&mut account.scheduling);
            self.change(account, &change)
        });
        let account = account.await?;
        if change.may_cure()
            && let Some(runtime) = &self.admin.parts().runtime
        {
            runtime.release(id);
        }
        Ok(self.saved(account))
    }

    /// Switches an account on or off.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn set_enabled(self, account: &str, enabled: bool) -> Result<SavedAccount, AdminError> {
        self.update(account, AccountChange { enabled: Some(enabled), ..AccountChange::default() }).await
    }

    /// Removes an account and its credential. What it served stays in the books.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn delete(self, account: &str) -> Result<AccountView, AdminError> {
        let removed = change::remove(&self.admin.account_records(), account).await?;
        if let Err(error) = self.admin.parts().stores.account_errors.clear(removed.id).await {
            tracing::warn!(account = %removed.name, %error, "the failures of a removed account stay until they are old");
        }
        Ok(self.view(removed))
    }

    /// Sends one tiny real request with an account, which costs what such a request costs, and reports what came of it.
    ///
    /// # Errors
    /// As [`show`](Self::show), and when the request cannot be made; a failing upstream is a report.
    pub async fn test(self, account: &str, model: Option<&str>) -> Result<TestReport, AdminError> {
        let account = find(&self.admin.account_records(), account).await?.value;
        test::test(self.admin, &account, model).await
    }

    /// A new account without its credential.
    fn drafted(self, preset: &Preset, new: &NewAccount) -> Result<Account, AdminError> {
        let now = self.admin.parts().clock.now();
        let wish = place::Wish {
            base_url: new.base_url.as_deref(),
            site: new.site.as_deref(),
            base_urls: &new.base_urls,
        };
        let mut settings =
            AccountSettings { plan_day: input::plan_day(new.plan_day)?, ..AccountSettings::default() };
        new.vendor.apply(&mut settings);
        let place = place::of(preset, wish, &settings, new.allow_private, now)?;
        settings.base_urls = place.base_urls;
        let id = AccountId::generate();
        let proxy = new
            .proxy
            .as_ref()
            .map(|given| read_proxy(&self.admin.parts().vault, &account_proxy_place(id), given));
        let account = Account {
            id,
            name: input::name(&new.name)?,
            preset: PresetName(preset.name.to_owned()),
            provider: preset.provider,
            base_url: place.base_url,
            auth: new.auth.or(new.given().form()).unwrap_or(preset.auth),
            dialects: place.dialects,
            credential: None,
            priority: input::priority(new.priority)?,
            enabled: !new.disabled,
            models: input::model_rules(&new.allow, &new.deny)?,
            model_map: input::model_map(&new.model_map)?,
            private_address: place.consent,
            proxy: proxy.transpose()?.flatten(),
            settings,
            scheduling: SchedulingRules { limits: input::limits(&new.limits)?, ..SchedulingRules::default() },
            created_at: now,
            updated_at: now,
        };
        check(&account)?;
        Ok(account)
    }

    fn change(self, account: &mut Account, change: &AccountChange) -> Result<(), AdminError> {
        let now = self.admin.parts().clock.now();
        if let Some(name) = &change.name {
            account.name = input::name(name)?;
        }
        let before = account.auth;
        if let Some(auth) = change.auth.or(change.given().form()) {
            let logs_in = [account.auth, auth].map(|form| form == AuthForm::OAuth);
            if logs_in[0] != logs_in[1] {
                let message =
                    "an account with a key and one that is logged in are two: add or log in another one";
                return Err(AdminError::invalid("auth", message));
            }
            account.auth = auth;
        }
        let vault = &self.admin.parts().vault;
        let kept = account.credential.take().map(|kept| (before, kept));
        account.credential = change.given().seal(vault, account.id, account.auth, kept)?;
        if let Some(given) = &change.proxy {
            account.proxy = read_proxy(vault, &account_proxy_place(account.id), given)?;
        }
        self.move_to(account, change)?;
        if let Some(day) = change.plan_day {
            account.settings.plan_day = input::plan_day(Some(day).filter(|day| *day != 0))?;
        }
        if let Some(priority) = change.priority {
            account.priority = input::priority(Some(priority))?;
        }
        if let Some(allow) = &change.allow {
            account.models.allow = input::patterns("allow", allow)?;
        }
        if let Some(deny) = &change.deny {
            account.models.deny = input::patterns("deny", deny)?;
        }
        if let Some(map) = &change.model_map {
            account.model_map = input::model_map(map)?;
        }
        if let Some(limits) = &change.limits {
            account.scheduling.limits = input::limits(limits)?;
        }
        if let Some(enabled) = change.enabled {
            account.enabled = enabled;
        }
        account.updated_at = now;
        check(account)
    }

    /// Gives the account another place, or consent to the one that it has.
    fn move_to(self, account: &mut Account, change: &AccountChange) -> Result<(), AdminError> {
        let wish = place::Wish {
            base_url: change.base_url.as_deref(),
            site: change.site.as_deref(),
            base_urls: &change.base_urls,
        };
        let now = self.admin.parts().clock.now();
        let allowed = change.allow_private.unwrap_or(false);
        // The vendor's own endpoint moves with the settings that name it.
        let adapter = provider(account.provider);
        let told = adapter.base_url(&account.settings).is_ok_and(|url| url == account.base_url);
        change.vendor.apply(&mut account.settings);
        if wish.base_url.is_none() && told && !change.vendor.is_empty() {
            account.base_url = adapter.base_url(&account.settings).map_err(unfit)?;
        }
        if wish.is_empty() {
            if change.allow_private.is_some() {
                account.private_address = place::consent_to(account, allowed, now)?;
            }
            return Ok(());
        }
        let place = place::of(known_preset(&account.preset.0)?, wish, &account.settings, allowed, now)?;
        account.base_url = place.base_url;
        account.settings.base_urls = place.base_urls;
        account.dialects = place.dialects;
        account.private_address = place.consent;
        Ok(())
    }

    pub(crate) fn view(self, account: Account) -> AccountView {
        let runtime = self.admin.parts().runtime.as_deref();
        AccountView::new(account, runtime)
    }

    fn saved(self, account: Account) -> SavedAccount {
        let notices = address::notices(&account);
        SavedAccount { account: self.view(account), notices }
    }
}

impl NewAccount {
    fn given(&self) -> Given<'_> {
        Given { api_key: self.api_key.as_ref(), aws: self.aws.as_ref(), entra: self.entra.as_ref() }
    }
}

impl AccountChange {
    fn given(&self) -> Given<'_> {
        Given { api_key: self.api_key.as_ref(), aws: self.aws.as_ref(), entra: self.entra.as_ref() }
    }

    /// Whether an account that rests may be well again after this.
    fn may_cure(&self) -> bool {
        self.base_url.is_some()
            || self.site.is_some()
            || !self.base_urls.is_empty()
            || self.api_key.is_some()
            || self.aws.is_some()
            || self.entra.is_some()
            || self.auth.is_some()
            || self.proxy.is_some()
            || !self.vendor.is_empty()
            || self.allow_private.is_some()
            || self.enabled == Some(true)
    }
}

/// Whether the account's vendor can do with its settings.
fn check(account: &Account) -> Result<(), AdminError> {
    provider(account.provider).check(account).map_err(unfit)
}

fn unfit(error: SettingsError) -> AdminError {
    AdminError::invalid(error.field, error.message)
}

fn known_preset(name: &str) -> Result<&'static Preset, AdminError> {
    preset(name).ok_or_else(|| {
        let known: Vec<_> = known_presets().map(|preset| preset.name).collect();
        let message = format!("`{}` is not known; choose one of {}", name.escape_debug(), known.join(", "));
        AdminError::invalid("preset", message)
    })
}
