//! Client keys that were deleted: they wait to be restored or dropped.

use posthaste_core::{ClientKey, HashForm, Timestamp};
use posthaste_storage::StorageError;

use super::{CreatedKey, KeyService, KeyView};
use crate::{
    AdminError, Disclosed,
    change::{self, NameLock, find},
    input,
};

impl KeyService<'_> {
    /// Deletes a client key: it opens nothing from now on and its name is free. Its record waits to be
    /// [restored](Self::restore) or [dropped](Self::purge), and what it used stays in the books.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn delete(self, key: &str) -> Result<KeyView, AdminError> {
        let now = self.now();
        let records = self.admin.key_records();
        let id = find(&records, key).await?.value.id;
        let deleted = change::apply(&records, id.uuid(), |key: &mut ClientKey| {
            key.updated_at = now;
            key.deleted_at.get_or_insert(now);
            Ok(())
        });
        self.view(deleted.await?).await
    }

    /// The deleted client keys, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_deleted(self) -> Result<Vec<KeyView>, AdminError> {
        self.list_where(|key| key.deleted_at.is_some()).await
    }

    /// Makes a deleted client key what it was, under another name where `name` gives one. Its secret opens again.
    ///
    /// # Errors
    /// As [`show`](Self::show); [`AdminError::Invalid`] for a key that is not deleted, [`AdminError::Conflict`] when its name
    /// is another's by now.
    pub async fn restore(self, key: &str, name: Option<&str>) -> Result<KeyView, AdminError> {
        let names = NameLock::take(self.admin).await?;
        let restored = self.restore_named(key, name).await;
        names.release().await;
        restored
    }

    async fn restore_named(self, key: &str, name: Option<&str>) -> Result<KeyView, AdminError> {
        let now = self.now();
        let found = self.deleted(key).await?;
        let name = input::name(name.unwrap_or(&found.name))?;
        self.refuse_taken(&name, found.id).await?;
        let records = self.admin.key_records();
        let restored = change::apply(&records, found.id.uuid(), |key: &mut ClientKey| {
            key.name.clone_from(&name);
            key.deleted_at = None;
            key.updated_at = now;
            Ok(())
        });
        self.view(restored.await?).await
    }

    /// Drops the record of a deleted client key for good. What it used stays in the books under its id.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    pub async fn purge(self, key: &str) -> Result<KeyView, AdminError> {
        let found = self.deleted(key).await?;
        let removed = change::remove(&self.admin.key_records(), &found.id.to_string()).await?;
        self.view(removed).await
    }

    /// Drops the records of client keys that were deleted before a moment, at most so many; gives how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn purge_deleted(self, before: Timestamp, most: usize) -> Result<usize, AdminError> {
        let records = self.admin.key_records();
        let is_old = |key: &ClientKey| key.deleted_at.is_some_and(|at| at < before);
        let all = records.all().await?;
        let old: Vec<_> = all.into_iter().filter(|record| is_old(&record.value)).take(most).collect();
        for record in &old {
            match records.remove(record.value.id.uuid(), record.version).await {
                // One that was restored meanwhile has another version, and stays.
                Ok(()) | Err(StorageError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(old.len())
    }

    /// Gives a client key another secret; the one before opens nothing from now on.
    ///
    /// # Errors
    /// As [`show`](Self::show); [`AdminError::Invalid`] for a key that is closed for good.
    pub async fn regenerate(self, key: &str) -> Result<CreatedKey, AdminError> {
        let now = self.now();
        let records = self.admin.key_records();
        let id = find(&records, key).await?.value.id;
        let parts = self.admin.parts();
        let made = parts.vault.generate_client_key(&parts.key_prefix)?;
        let changed = change::apply(&records, id.uuid(), |key: &mut ClientKey| {
            if key.revoked_at.is_some() || key.deleted_at.is_some() {
                let message = format!("client key `{}` is closed, so that no secret opens it", key.name);
                return Err(AdminError::invalid("key", message));
            }
            key.hash = made.hash;
            key.hash_form = HashForm::Own;
            key.hint.clone_from(&made.hint);
            key.updated_at = now;
            Ok(())
        });
        let view = self.view(changed.await?).await?;
        Ok(CreatedKey { view, key: Disclosed::new(made.secret) })
    }

    /// A key that is deleted.
    async fn deleted(self, key: &str) -> Result<ClientKey, AdminError> {
        let found = find(&self.admin.key_records(), key).await?.value;
        if found.deleted_at.is_some() {
            return Ok(found);
        }
        let message = format!(
            "client key `{}` is not deleted; name a deleted one, by its id where it shares its name",
            found.name
        );
        Err(AdminError::invalid("key", message))
    }
}
