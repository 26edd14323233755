//! What the relay calls itself on its pages. It is kept in a journal of the store, each version an entry, so that every relay
//! shows the same, an edit never undoes another one unseen, and what was there before can be looked up.

use posthaste_core::Timestamp;
use posthaste_storage::{JournalEntry, JournalStore, StorageError};
use posthaste_vault::hash_token;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Admin, AdminError, AuditTarget};

/// What the relay calls itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Branding {
    /// Its name, 1 to 60 characters.
    pub site_name: String,
    /// Its icon: an `https` address, or a picture as `data:image/png;base64,…` (also jpeg, gif, webp), at most 64 KiB; empty for
    /// the usual one.
    pub site_icon: String,
    /// Whether pages for holders of client keys lead to the log-in of operators.
    pub show_admin_button: bool,
    /// What holders of client keys are told at the top of their page; empty for nothing. At most 2000 characters.
    pub notice: String,
}

impl Default for Branding {
    fn default() -> Self {
        Self {
            site_name: "Posthaste".to_owned(),
            site_icon: String::new(),
            show_admin_button: true,
            notice: String::new(),
        }
    }
}

/// What is to change of it. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrandingChange {
    /// The version that is changed; refused when it is no longer the present one. Without it the present one is.
    pub version: Option<u64>,
    /// The name.
    #[serde(alias = "siteName")]
    pub site_name: Option<String>,
    /// The icon.
    #[serde(alias = "siteIcon")]
    pub site_icon: Option<String>,
    /// Whether pages for holders lead to the log-in of operators.
    #[serde(alias = "showAdminButton")]
    pub show_admin_button: Option<bool>,
    /// The notice.
    pub notice: Option<String>,
}

/// It, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrandingView {
    /// The version; 0 where nobody has changed anything yet.
    pub version: u64,
    /// When it was written.
    pub changed_at: Option<Timestamp>,
    /// What the relay calls itself.
    #[serde(flatten)]
    pub branding: Branding,
}

/// What it is now.
pub(crate) async fn show(admin: &Admin) -> Result<BrandingView, AdminError> {
    kept(&*admin.parts().stores.journals).await
}

/// What is kept of it in a store.
pub(crate) async fn kept(journals: &dyn JournalStore) -> Result<BrandingView, AdminError> {
    let Some(entry) = journals.last(JOURNAL).await? else {
        return Ok(BrandingView { version: 0, changed_at: None, branding: Branding::default() });
    };
    read(&entry)
}

/// It, as the audit log shows it: of a picture, which may be long, its size and a mark that changes with it.
pub(crate) async fn seen(admin: &Admin) -> Result<(AuditTarget, Value), AdminError> {
    let mut branding = show(admin).await?.branding;
    if let Some((kind, picture)) =
        branding.site_icon.split_once(',').filter(|(kind, _)| kind.starts_with("data:"))
    {
        let mark = hash_token(picture).to_hex();
        branding.site_icon = format!("{kind},… ({} characters, {})", picture.len(), &mark[..8]);
    }
    let target = AuditTarget { kind: JOURNAL.to_owned(), id: None, name: branding.site_name.clone() };
    Ok((target, serde_json::to_value(&branding).unwrap_or(Value::Null)))
}

/// Changes it.
pub(crate) async fn change(admin: &Admin, change: BrandingChange) -> Result<BrandingView, AdminError> {
    let parts = admin.parts();
    let present = show(admin).await?;
    if let Some(version) = change.version.filter(|version| *version != present.version) {
        let what = format!(
            "version {version} is not the present one: that is {}; read it and change it again",
            present.version
        );
        return Err(AdminError::Conflict { what });
    }
    let BrandingChange { site_name, site_icon, show_admin_button, notice, .. } = change;
    let Branding { site_name: name, site_icon: icon, show_admin_button: shows, notice: said } =
        present.branding;
    let branding = Branding {
        site_name: site_name.map_or(name, |name| name.trim().to_owned()),
        site_icon: site_icon.unwrap_or(icon),
        show_admin_button: show_admin_button.unwrap_or(shows),
        notice: notice.unwrap_or(said),
    };
    check(&branding)?;
    let version = present.version + 1;
    keep(&*parts.stores.journals, &branding, version, parts.clock.now()).await
}

/// Writes it down as a version.
///
/// # Errors
/// [`AdminError::Conflict`] when it is not the one behind the present version.
pub(crate) async fn keep(
    journals: &dyn JournalStore,
    branding: &Branding,
    version: u64,
    now: Timestamp,
) -> Result<BrandingView, AdminError> {
    let text = serde_json::to_string(branding)
        .map_err(|error| AdminError::Store(StorageError::corrupt("the branding", error)))?;
    let entry = JournalEntry { number: version, at: now, text };
    match journals.append(JOURNAL, &entry).await {
        Ok(()) => {}
        Err(StorageError::Conflict { .. }) => {
            let what = "somebody else has changed it at this moment; read it and change it again".to_owned();
            return Err(AdminError::Conflict { what });
        }
        Err(error) => return Err(error.into()),
    }
    if entry.number > KEPT {
        journals.forget(JOURNAL, entry.number - KEPT).await?;
    }
    read(&entry)
}

fn read(entry: &JournalEntry) -> Result<BrandingView, AdminError> {
    let branding = serde_json::from_str(&entry.text)
        .map_err(|error| AdminError::Store(StorageError::corrupt("the branding", error)))?;
    Ok(BrandingView { version: entry.number, changed_at: Some(entry.at), branding })
}

/// Whether it can be taken.
///
/// # Errors
/// [`AdminError::Invalid`] with the field.
pub(crate) fn check(branding: &Branding) -> Result<(), AdminError> {
    let Branding { site_name, site_icon, notice, .. } = branding;
    let length = site_name.chars().count();
    if length == 0 || length > LONGEST_NAME || site_name.chars().any(char::is_control) {
        let message = format!("is not a name of 1 to {LONGEST_NAME} characters on one line");
        return Err(AdminError::invalid("site_name", message));
    }
    if notice.chars().count() > LONGEST_NOTICE {
        return Err(AdminError::invalid("notice", format!("has more than {LONGEST_NOTICE} characters")));
    }
    if site_icon.len() > LARGEST_ICON {
        return Err(AdminError::invalid("site_icon", "is larger than 64 KiB"));
    }
    if !site_icon.is_empty() && !is_icon(site_icon) {
        let message = "is neither an `https` address nor a picture as `data:image/png;base64,…` (png, jpeg, gif or webp)";
        return Err(AdminError::invalid("site_icon", message));
    }
    Ok(())
}

/// Nothing that a browser would run: no scripts within drawings, and no other schemes.
fn is_icon(icon: &str) -> bool {
    if let Ok(url) = url::Url::parse(icon)
        && url.scheme() == "https"
    {
        return true;
    }
    let picture = PICTURES.iter().find_map(|kind| icon.strip_prefix(&format!("data:image/{kind};base64,")));
    picture.is_some_and(|data| {
        !data.is_empty() && data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
    })
}

/// The journal of its versions.
pub(crate) const JOURNAL: &str = "branding";
const KEPT: u64 = 50;
const LONGEST_NAME: usize = 60;
const LONGEST_NOTICE: usize = 2_000;
const LARGEST_ICON: usize = 64 * 1024;
const PICTURES: [&str; 4] = ["png", "jpeg", "gif", "webp"];
