//! What tokens cost, as it stands now: the price book with the operator's own prices over it.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use posthaste_core::OwnPrice;
use posthaste_metering::PriceBook;
use posthaste_storage::{ConfigStore, Repository, StorageError};

/// The prices. They are replaced whole; requests under way finish with those that they began with or with the new ones.
pub(crate) struct CurrentPrices {
    /// Without the operator's own.
    book: ArcSwap<PriceBook>,
    own: Repository<OwnPrice>,
    now: ArcSwap<PriceBook>,
}

impl CurrentPrices {
    /// Reads the operator's own.
    pub(crate) async fn load(
        book: Arc<PriceBook>,
        store: Arc<dyn ConfigStore>,
    ) -> Result<Self, StorageError> {
        let now = ArcSwap::new(Arc::clone(&book));
        let prices = Self { book: ArcSwap::new(book), own: Repository::new(store), now };
        prices.reload().await?;
        Ok(prices)
    }

    /// Reads them again. The old ones stay when that fails.
    pub(crate) async fn reload(&self) -> Result<(), StorageError> {
        self.take(self.book.load_full(), &self.own().await?);
        Ok(())
    }

    /// Lays the operator's own over another book. Nothing changes when they cannot be read.
    pub(crate) async fn replace(&self, book: Arc<PriceBook>) -> Result<(), StorageError> {
        let own = self.own().await?;
        self.book.store(Arc::clone(&book));
        self.take(book, &own);
        Ok(())
    }

    async fn own(&self) -> Result<Vec<OwnPrice>, StorageError> {
        Ok(self.own.all().await?.into_iter().map(|record| record.value).collect())
    }

    fn take(&self, book: Arc<PriceBook>, own: &[OwnPrice]) {
        self.now.store(if own.is_empty() { book } else { Arc::new(book.with_own(own)) });
    }

    /// The prices now. Cheap; not to be held across awaits for long.
    pub(crate) fn now(&self) -> Guard<Arc<PriceBook>> {
        self.now.load()
    }
}
