//! Settings that operators change while the relay runs.

use posthaste_core::{Setting, SettingValue, Timestamp};
use posthaste_storage::{Repository, StorageError};
use uuid::Uuid;

use crate::{Admin, AdminError};

/// What a setting says; `None` where nobody has said anything.
pub(crate) async fn kept(admin: &Admin, id: Uuid) -> Result<Option<SettingValue>, AdminError> {
    Ok(admin.setting_records().get(id).await?.map(|found| found.value.value))
}

/// Writes what `next` makes of what a setting says. Somebody else's change meanwhile is not undone: `next` is asked again.
pub(crate) async fn change(
    admin: &Admin,
    id: Uuid,
    next: impl Fn(Option<SettingValue>) -> Result<SettingValue, AdminError>,
) -> Result<SettingValue, AdminError> {
    let records: Repository<Setting> = admin.setting_records();
    let mut tries = 0;
    loop {
        let now: Timestamp = admin.now();
        let found = records.get(id).await?;
        let version = found.as_ref().map(|found| found.version);
        let value = next(found.map(|found| found.value.value))?;
        let setting = Setting { value, updated_at: now };
        let written = match version {
            Some(version) => records.replace(setting, version).await,
            None => records.create(setting).await,
        };
        match written {
            Ok(written) => return Ok(written.value.value),
            Err(StorageError::Conflict { .. } | StorageError::Taken { .. }) if tries < MOST_REPEATS => {
                tries += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

const MOST_REPEATS: u32 = 5;
