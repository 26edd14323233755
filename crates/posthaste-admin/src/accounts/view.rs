//! Accounts as operators see them.

use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, Dialect, ModelMap, ModelName, ModelPattern, ModelRules,
    PresetName, PrivateAddressConsent, ProviderKind, SchedulingRules, Timestamp,
};
use posthaste_provider::{Preset, Site, presets as known_presets, provider};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ParkedModels, ParkedView, QuotaView, Runtime, input::ModelMapping};

/// An account as operators see it: without its credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    /// Its identity.
    pub id: AccountId,
    /// The operator's name for it.
    pub name: String,
    /// The preset that it was made from.
    pub preset: PresetName,
    /// The adapter that serves it.
    pub provider: ProviderKind,
    /// Where the API stands.
    pub base_url: String,
    /// How the credential is presented.
    pub auth: AuthForm,
    /// Whether a credential is kept.
    pub has_credential: bool,
    /// 1 (first) to 100 (last).
    pub priority: u8,
    /// Whether it takes part.
    pub enabled: bool,
    /// Its health; `None` when no relay runs that could know it.
    pub health: Option<Health>,
    /// Models that it does not serve for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked_models: Vec<ParkedModels>,
    /// The windows of its plan, as its vendor told last; nothing where no relay runs or none was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quota: Vec<QuotaView>,
    /// Which of the clients' models it serves.
    pub models: ModelRules,
    /// What it calls them.
    pub model_map: Vec<ModelMapping>,
    /// The dialects that it speaks by its own settings, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialects: Vec<Dialect>,
    /// What only its vendor asks for.
    #[serde(default)]
    pub settings: AccountSettings,
    /// How it takes part in scheduling.
    #[serde(default)]
    pub scheduling: SchedulingRules,
    /// The proxy that it is called through, without its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Consent to a private address, if given.
    pub private_address: Option<PrivateAddressConsent>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whether an account serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// It does.
    Ready,
    /// It rests.
    Parked(ParkedView),
    /// It is switched off.
    Disabled,
}

/// A preset as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresetView {
    /// The name to choose it by.
    pub name: String,
    /// The adapter.
    pub provider: ProviderKind,
    /// Where the API stands; `None` when the operator has to tell.
    pub base_url: Option<String>,
    /// The other places where it stands, by the name to choose them by.
    pub sites: Vec<SiteView>,
    /// The dialects that an account speaks, the preferred one first; empty where the model tells.
    pub dialects: Vec<Dialect>,
    /// The windows that a plan's quota is counted in.
    pub windows: Vec<String>,
    /// Whether an account can be logged in, and by whose settings (`[oauth.NAME]`).
    pub oauth: Option<String>,
    /// How the credential is presented unless told otherwise.
    pub auth: AuthForm,
    /// Whether an account needs a credential.
    pub needs_credential: bool,
    /// One line about it.
    pub summary: String,
}

/// A place where a vendor serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteView {
    /// What to choose it by.
    pub name: String,
    /// The base URL.
    pub base_url: String,
}

impl AccountView {
    pub(super) fn new(account: Account, runtime: Option<&dyn Runtime>) -> Self {
        Self {
            health: runtime.map(|runtime| health(&account, runtime)),
            parked_models: runtime.map(|runtime| runtime.parked_models(account.id)).unwrap_or_default(),
            quota: runtime.map(|runtime| runtime.quota(account.id)).unwrap_or_default(),
            id: account.id,
            name: account.name,
            preset: account.preset,
            provider: account.provider,
            base_url: account.base_url,
            auth: account.auth,
            has_credential: account.credential.is_some(),
            priority: account.priority,
            enabled: account.enabled,
            models: account.models,
            model_map: lines(&account.model_map),
            dialects: account.dialects,
            settings: account.settings,
            scheduling: account.scheduling,
            proxy: account.proxy.map(|proxy| proxy.to_string()),
            private_address: account.private_address,
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

/// The presets as operators see them.
pub fn presets() -> Vec<PresetView> {
    let view = |preset: &Preset| PresetView {
        name: preset.name.to_owned(),
        provider: preset.provider,
        base_url: preset.base_url().map(str::to_owned),
        sites: preset.sites.iter().filter(|site| !site.name.is_empty()).map(site_view).collect(),
        dialects: dialects(preset),
        windows: preset.windows.iter().map(|window| window.as_str().to_owned()).collect(),
        oauth: preset.oauth.map(str::to_owned),
        auth: preset.auth,
        needs_credential: preset.needs_credential,
        summary: preset.summary.to_owned(),
    };
    known_presets().map(view).collect()
}

fn site_view(site: &Site) -> SiteView {
    SiteView { name: site.name.to_owned(), base_url: site.base_url.to_owned() }
}

fn dialects(preset: &Preset) -> Vec<Dialect> {
    match preset.dialects {
        // What Bedrock speaks depends on the model.
        [] if preset.provider == ProviderKind::Bedrock => Vec::new(),
        [] => ModelName::parse("any")
            .map(|any| provider(preset.provider).dialects(&any).to_vec())
            .unwrap_or_default(),
        own => own.to_vec(),
    }
}

fn health(account: &Account, runtime: &dyn Runtime) -> Health {
    if !account.enabled {
        return Health::Disabled;
    }
    runtime.parked(account.id).map_or(Health::Ready, Health::Parked)
}

fn lines(map: &ModelMap) -> Vec<ModelMapping> {
    let line = |(from, to): &(ModelPattern, ModelName)| ModelMapping {
        from: from.as_str().to_owned(),
        to: to.as_str().to_owned(),
    };
    map.0.iter().map(line).collect()
}
