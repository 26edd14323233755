//! What tokens cost, as it stands now: the price book with the operator's own prices over it.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use posthaste_core::OwnPrice;
use posthaste_metering::PriceBook;
use posthaste_storage::{ConfigStore, Repository, StorageError};

/// The prices. They are replaced whole; requests under way finish with those that they began with or with the new ones.
pub(crate) struct CurrentPrices {
    book: Arc<PriceBook>,
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
        let prices = Self { book, own: Repository::new(store), now };
        prices.reload().await?;
        Ok(prices)
    }

    /// Reads them again. The old ones stay when that fails.
    pub(crate) async fn reload(&self) -> Result<(), StorageError> {
        let own: Vec<_> = self.own.all().await?.into_iter().map(|record| record.value).collect();
        let book = if own.is_empty() { Arc::clone(&self.book) } else { Arc::new(self.book.with_own(&own)) };
        self.now.store(book);
        Ok(())
    }

    /// The prices now. Cheap; not to be held across awaits for long.
    pub(crate) fn now(&self) -> Guard<Arc<PriceBook>> {
        self.now.load()
    }
}
