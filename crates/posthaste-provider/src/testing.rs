//! What the adapters' tests ask with.

use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, ModelMap, ModelName, ModelRules, PresetName, ProviderKind,
    SchedulingRules, Timestamp,
};

/// An account of a preset's vendor, with nothing particular about it.
pub(crate) fn account(provider: ProviderKind, preset: &str) -> Account {
    Account {
        id: AccountId::generate(),
        name: "tester".to_owned(),
        preset: PresetName(preset.to_owned()),
        provider,
        base_url: "https://api.example.com".to_owned(),
        auth: AuthForm::XApiKey,
        dialects: Vec::new(),
        credential: None,
        priority: Account::DEFAULT_PRIORITY,
        enabled: true,
        models: ModelRules::default(),
        model_map: ModelMap::default(),
        private_address: None,
        proxy: None,
        settings: AccountSettings::default(),
        scheduling: SchedulingRules::default(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

pub(crate) fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}
