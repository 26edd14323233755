//! The own client keys: made, removed, and filled up with cards.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, CreatedOwnKey, Disclosed, HeldRedemption, NewOwnKey, OwnKeyView, OwnUsage, QuotaInfo,
    StandingView, UsageTotals, length_text,
};
use posthaste_core::{CardGift, LimitUnit, NanoUsd, Secret};
use uuid::Uuid;

use super::{is_told_at_the_form, person};
use crate::{
    BASE,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::{
        keys::{expiry, state_word},
        reading::limits,
    },
    show::Number,
};

#[derive(Template)]
#[template(path = "me/keys.html")]
struct Keys<'a> {
    p: Frame,
    form: &'a Fields,
    keys: Vec<OwnKeyView>,
    quota: QuotaInfo,
    usage: OwnUsage,
    /// What each key used, by its id.
    used: HashMap<Uuid, UsageTotals>,
    redeemed: Vec<HeldRedemption>,
    trouble: Option<String>,
    tab: &'static str,
}

#[derive(Template)]
#[template(path = "me/key_made.html")]
struct Made {
    p: Frame,
    made: CreatedOwnKey,
    site: String,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_keys(&asked, StatusCode::OK, &Fields::default(), None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made = match new_key(&asked.form) {
        Ok(new) => asked.admin.own_keys(person(&asked)?).create(new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let p = asked.frame(&made.view.name).await?;
            asked.page(&Made { p, made, site: asked.site.clone() })
        }
        Err(error) => show_trouble(&asked, error).await,
    }
}

fn new_key(form: &Fields) -> Result<NewOwnKey, AdminError> {
    Ok(NewOwnKey {
        name: form.value("name").trim().to_owned(),
        expiry: expiry(form)?.unwrap_or_default(),
        limits: limits(form)?,
    })
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match asked.admin.own_keys(person(&asked)?).delete(asked.form.value("key")).await {
        Ok(gone) => {
            let told = asked.fill("{} is removed. It opens no door any more.", &gone.name);
            Ok(asked.done(&format!("{BASE}/me/keys"), &told))
        }
        Err(error) => show_trouble(&asked, error).await,
    }
}

pub(super) async fn redeem(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let code = Disclosed::new(Secret::new(asked.form.value("code").trim()));
    match asked.admin.own_keys(person(&asked)?).redeem(asked.form.value("key"), &code).await {
        Ok(redeemed) => {
            let told = asked.fill("The card is redeemed for {}.", &redeemed.key_name);
            Ok(asked.done(&format!("{BASE}/me/keys"), &told))
        }
        Err(error) => show_trouble(&asked, error).await,
    }
}

async fn show_trouble(asked: &Asked, error: AdminError) -> Result<Response, AdminError> {
    if !is_told_at_the_form(&error) {
        return Err(error);
    }
    show_keys(asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, Some(asked.say_error(&error))).await
}

async fn show_keys(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let own = asked.admin.own_keys(person(asked)?);
    let (keys, quota, usage, redeemed) =
        (own.list().await?, own.quota().await?, own.usage().await?, own.redemptions().await?);
    let rows = usage.by_key.rows.iter();
    let used = rows.filter_map(|row| Some((row.key.as_ref()?.id, row.totals.clone()))).collect();
    let p = asked.frame(asked.say("Your client keys")).await?;
    asked.page_as(status, &Keys { p, form, keys, quota, usage, used, redeemed, trouble, tab: "keys" })
}

impl Keys<'_> {
    fn state(&self, key: &OwnKeyView) -> &'static str {
        state_word(key.state)
    }

    fn used(&self, key: &OwnKeyView) -> Option<&UsageTotals> {
        self.used.get(&key.id.uuid())
    }

    fn has_room(&self) -> bool {
        self.quota.keys < self.quota.max_keys
    }

    /// What is used of a limit, as far as its bar goes.
    fn filled(&self, standing: &StandingView) -> u64 {
        u64::try_from(standing.used).unwrap_or_default().min(standing.amount)
    }

    fn is_money(&self, standing: &StandingView) -> bool {
        standing.unit == LimitUnit::Cost
    }

    fn dollars(&self, nanos: impl Number) -> NanoUsd {
        NanoUsd::from_nanos(i64::try_from(nanos.counted()).unwrap_or(i64::MAX))
    }

    /// How much longer a key lasts by a card.
    fn length(&self, gives: &CardGift) -> Option<String> {
        (gives.seconds > 0).then(|| length_text(gives.seconds))
    }
}

#[cfg(test)]
mod tests {
    use posthaste_admin::ExpiryInput;

    use super::*;

    #[test]
    fn a_form_says_all_of_a_key_of_ones_own() {
        let form = Fields::read(b"name=+laptop+&expiry=in&expiry_span=30d&limits=cost%3D5/day");
        let new = new_key(&form).unwrap();
        assert_eq!((new.name.as_str(), new.limits.len()), ("laptop", 1));
        assert_eq!(new.expiry, ExpiryInput::In { seconds: 30 * 86_400 });
        assert!(new_key(&Fields::read(b"name=x&limits=lots")).is_err());
    }
}
