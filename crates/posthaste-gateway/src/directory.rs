//! The accounts as they are now, without asking the store.

use std::sync::Arc;

use arc_swap::ArcSwap;
use posthaste_core::{Account, AccountId};
use posthaste_storage::{ConfigStore, Repository, StorageError};

/// An immutable snapshot of all accounts, replaced whole when one of them changes.
pub struct AccountDirectory {
    accounts: Repository<Account>,
    snapshot: ArcSwap<Vec<Arc<Account>>>,
}

impl AccountDirectory {
    /// Reads all accounts.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(store: Arc<dyn ConfigStore>) -> Result<Self, StorageError> {
        let directory = Self { accounts: Repository::new(store), snapshot: ArcSwap::default() };
        directory.reload().await?;
        Ok(directory)
    }

    /// Reads all accounts again. Requests under way keep the snapshot they began with.
    ///
    /// # Errors
    /// When the store cannot be read; the old snapshot stays.
    pub async fn reload(&self) -> Result<(), StorageError> {
        let accounts = self.accounts.all().await?;
        self.snapshot.store(Arc::new(accounts.into_iter().map(|account| Arc::new(account.value)).collect()));
        Ok(())
    }

    /// All accounts, in the order of their identity.
    pub fn all(&self) -> Arc<Vec<Arc<Account>>> {
        self.snapshot.load_full()
    }

    /// Whether an account with this identity exists.
    pub fn contains(&self, id: AccountId) -> bool {
        self.snapshot.load().binary_search_by_key(&id, |account| account.id).is_ok()
    }
}
