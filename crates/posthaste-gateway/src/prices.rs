//! What tokens cost, as it stands now: the price book, the list that operators took over, and their own prices, each over the
//! one before.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use posthaste_core::{KeptPriceList, OwnPrice, Setting, SettingValue};
use posthaste_metering::{PriceBook, PriceList};
use posthaste_storage::{ConfigStore, Repository, StorageError};

/// The prices. They are replaced whole; requests under way finish with those that they began with or with the new ones.
pub(crate) struct CurrentPrices {
    /// Without the operator's own.
    book: ArcSwap<PriceBook>,
    own: Repository<OwnPrice>,
    settings: Repository<Setting>,
    /// The list as it was read last, with the version of its record: reading it takes longer than everything else here.
    list: Mutex<Option<(u64, Arc<PriceList>)>>,
    now: ArcSwap<PriceBook>,
}

impl CurrentPrices {
    /// Reads the list and the operator's own.
    pub(crate) async fn load(
        book: Arc<PriceBook>,
        store: Arc<dyn ConfigStore>,
    ) -> Result<Self, StorageError> {
        let now = ArcSwap::new(Arc::clone(&book));
        let (own, settings) = (Repository::new(Arc::clone(&store)), Repository::new(store));
        let prices = Self { book: ArcSwap::new(book), own, settings, list: Mutex::default(), now };
        prices.reload().await?;
        Ok(prices)
    }

    /// Reads them again. The old ones stay when that fails.
    pub(crate) async fn reload(&self) -> Result<(), StorageError> {
        self.take(self.book.load_full(), self.list().await?, &self.own().await?);
        Ok(())
    }

    /// Lays the operator's own over another book. Nothing changes when they cannot be read.
    pub(crate) async fn replace(&self, book: Arc<PriceBook>) -> Result<(), StorageError> {
        let (list, own) = (self.list().await?, self.own().await?);
        self.book.store(Arc::clone(&book));
        self.take(book, list, &own);
        Ok(())
    }

    async fn own(&self) -> Result<Vec<OwnPrice>, StorageError> {
        Ok(self.own.all().await?.into_iter().map(|record| record.value).collect())
    }

    /// The list that operators took over. One that cannot be read, such as a newer release may keep, is left out, and a
    /// warning is logged.
    async fn list(&self) -> Result<Option<Arc<PriceList>>, StorageError> {
        let Some(found) = self.settings.get(KeptPriceList::ID).await? else { return Ok(None) };
        let SettingValue::PriceList(kept) = found.value.value else { return Ok(None) };
        let version = found.version;
        if let Some((read, list)) = &*self.list.lock()
            && *read == version
        {
            return Ok(Some(Arc::clone(list)));
        }
        match PriceList::kept(&kept.list) {
            Ok(list) => {
                let list = Arc::new(list);
                *self.list.lock() = Some((version, Arc::clone(&list)));
                Ok(Some(list))
            }
            Err(error) => {
                tracing::warn!(%error, source = kept.source, "the list of prices that was taken over is left out");
                Ok(None)
            }
        }
    }

    fn take(&self, book: Arc<PriceBook>, list: Option<Arc<PriceList>>, own: &[OwnPrice]) {
        let book = match list.map(|list| book.with_list(&list)) {
            None => book,
            Some(Ok(over)) => Arc::new(over),
            Some(Err(error)) => {
                tracing::warn!(%error, "the list of prices that was taken over does not go over the price book");
                book
            }
        };
        self.now.store(if own.is_empty() { book } else { Arc::new(book.with_own(own)) });
    }

    /// The prices now. Cheap; not to be held across awaits for long.
    pub(crate) fn now(&self) -> Guard<Arc<PriceBook>> {
        self.now.load()
    }
}
