//! Service rates: what a dollar of cost is billed as, by provider.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, RatesInput, ServiceRate};
use posthaste_core::{Area, ProviderKind};

use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "prices/rates.html")]
struct Rates {
    p: Frame,
    /// Each rate with what its field says.
    rows: Vec<(ServiceRate, String)>,
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_form(&asked, StatusCode::OK, None).await
}

pub(super) async fn set(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let set: Result<Vec<ServiceRate>, _> =
        asked.act(Command::SetServiceRates(RatesInput { rates: changed(&asked.form) })).await;
    match set {
        Ok(_) => Ok(asked.done(&format!("{BASE}/prices/rates"), asked.say("The rates hold from now on."))),
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// The rates that were typed over what the page showed, so that nobody undoes what somebody else said of another provider.
/// An emptied field means what the configuration says.
fn changed(form: &Fields) -> BTreeMap<ProviderKind, Option<String>> {
    let one = |provider: ProviderKind| {
        let (rate, was) = (form.text(&field(provider)), form.text(&was(provider)));
        (form.given(&field(provider)).is_some() && rate != was).then(|| (provider, rate.map(str::to_owned)))
    };
    ProviderKind::ALL.into_iter().filter_map(one).collect()
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let rates: Vec<ServiceRate> = asked.act(Command::ShowServiceRates).await?;
    let typed = |rate: &ServiceRate| asked.form.given(&field(rate.provider)).map(str::to_owned);
    let own = |rate: &ServiceRate| if rate.set { rate.rate.clone() } else { String::new() };
    let rows = rates.into_iter().map(|rate| (rate.clone(), typed(&rate).unwrap_or_else(|| own(&rate))));
    let rows = rows.collect();
    let p = asked.frame(asked.say("Service rates")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page_as(status, &Rates { p, rows, trouble, may_write, tab: "rates" })
}

fn field(provider: ProviderKind) -> String {
    format!("rate_{}", provider.as_str())
}

fn was(provider: ProviderKind) -> String {
    format!("was_{}", provider.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_typed_changes() {
        let [one, two, three, ..] = ProviderKind::ALL;
        let form = Fields::default()
            .with(&field(one), "1.5")
            .with(&was(one), "1.5")
            .with(&field(two), "2")
            .with(&was(two), "")
            .with(&field(three), "")
            .with(&was(three), "3");
        let expected = BTreeMap::from([(two, Some("2".to_owned())), (three, None)]);
        assert_eq!(changed(&form), expected);
    }
}
