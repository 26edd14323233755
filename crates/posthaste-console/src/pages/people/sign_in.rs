//! How people log in here: what the configuration says of the directory and the identity provider, and whether that answers.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::{StatusCode, Uri};
use posthaste_admin::{AdminError, Command, SettingView, SignInWays};
use posthaste_core::Area;

use super::Tabs;
use crate::{BASE, asked::Asked, frame::Frame};

#[derive(Template)]
#[template(path = "people/sign_in.html")]
struct Ways {
    p: Frame,
    tabs: Tabs,
    ways: SignInWays,
    /// What is set for the directory, without what is unset. Secrets come without their values.
    ldap: Vec<SettingView>,
    /// The same for the identity provider.
    oidc: Vec<SettingView>,
    trouble: Option<String>,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_ways(&asked, StatusCode::OK, None).await
}

/// Asks the identity provider where people log in, as for somebody who is about to.
pub(super) async fn try_provider(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match asked.admin.sign_in().depart(None).await {
        Ok(departure) => {
            let host = departure.url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned));
            let told = asked.fill("It answers: people log in at {}.", host.unwrap_or_default());
            Ok(asked.done(&format!("{BASE}/people/sign-in"), &told))
        }
        Err(AdminError::IdentityProvider) => {
            let said =
                asked.say("It cannot be asked, or what it says of itself cannot be used. The log says why.");
            show_ways(&asked, StatusCode::BAD_GATEWAY, Some(said.to_owned())).await
        }
        Err(error) => Err(error),
    }
}

async fn show_ways(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let settings: Vec<SettingView> = asked.act(Command::Settings).await?;
    let of = |section: &str| {
        let is_of = |setting: &&SettingView| setting.value.is_some() && setting.path.starts_with(section);
        settings.iter().filter(is_of).cloned().collect::<Vec<_>>()
    };
    let (ldap, oidc) = (of("ldap."), of("oidc."));
    let p = asked.frame(asked.say("Ways to log in")).await?;
    let (tabs, ways) = (Tabs::of(asked, "sign-in"), asked.admin.sign_in().ways());
    let may_write = asked.may(Area::Users.write());
    asked.page_as(status, &Ways { p, tabs, ways, ldap, oidc, trouble, may_write })
}
