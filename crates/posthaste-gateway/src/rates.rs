//! What a dollar of cost is billed as, as operators say while the relay runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use posthaste_core::{ServiceRates, Setting, SettingValue};
use posthaste_storage::{ConfigStore, Repository, StorageError};

/// The operators' rates by provider, replaced whole.
pub(crate) struct CurrentRates {
    settings: Repository<Setting>,
    now: ArcSwap<ServiceRates>,
}

impl CurrentRates {
    /// Reads them.
    pub(crate) async fn load(store: Arc<dyn ConfigStore>) -> Result<Self, StorageError> {
        let rates = Self { settings: Repository::new(store), now: ArcSwap::default() };
        rates.reload().await?;
        Ok(rates)
    }

    /// Reads them again. The old ones stay when that fails.
    pub(crate) async fn reload(&self) -> Result<(), StorageError> {
        let kept = self.settings.get(ServiceRates::ID).await?.map(|found| found.value.value);
        let rates = match kept {
            Some(SettingValue::ServiceRates(rates)) => rates,
            _ => ServiceRates::default(),
        };
        self.now.store(Arc::new(rates));
        Ok(())
    }

    /// Those of this moment.
    pub(crate) fn now(&self) -> Arc<ServiceRates> {
        self.now.load_full()
    }
}
