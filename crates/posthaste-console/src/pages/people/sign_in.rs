//! How people log in here: what the configuration says of the directory and the identity provider, and what is in the way of
//! log-ins there.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, Command, Disclosed, FindingState, SettingView, SignInFinding, SignInReport, SignInStep,
    SignInTest, SignInWay, SignInWays,
};
use posthaste_core::{Area, Secret};

use super::Tabs;
use crate::{asked::Asked, frame::Frame, trouble::is_of_form};

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
    /// Whom the directory was asked for.
    name: String,
    report: Option<SignInReport>,
    trouble: Option<String>,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_ways(&asked, StatusCode::OK, Ok(None)).await
}

/// Looks for what is in the way of log-ins. Nobody is logged in, and no wait begins for anybody.
pub(super) async fn test(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let form = &asked.form;
    let test = SignInTest {
        way: if form.is("way", "oidc") { SignInWay::Oidc } else { SignInWay::Ldap },
        name: form.text("name").map(str::to_owned),
        password: form.given("password").filter(|given| !given.is_empty()).map(disclosed),
    };
    match asked.act::<SignInReport>(Command::TestSignIn(test)).await {
        Ok(report) => show_ways(&asked, StatusCode::OK, Ok(Some(report))).await,
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_ways(&asked, StatusCode::UNPROCESSABLE_ENTITY, Err(said)).await
        }
        Err(error) => Err(error),
    }
}

fn disclosed(password: &str) -> Disclosed {
    Disclosed::new(Secret::new(password))
}

async fn show_ways(
    asked: &Asked,
    status: StatusCode,
    tested: Result<Option<SignInReport>, String>,
) -> Result<Response, AdminError> {
    // Whoever may test may not always see the settings, and then finds the ways alone.
    let settings: Option<Vec<SettingView>> =
        asked.act_if_may(Area::Settings.read(), Command::Settings).await?;
    let settings = settings.unwrap_or_default();
    let of = |section: &str| {
        let is_of = |setting: &&SettingView| setting.value.is_some() && setting.path.starts_with(section);
        settings.iter().filter(is_of).cloned().collect::<Vec<_>>()
    };
    let (ldap, oidc) = (of("ldap."), of("oidc."));
    let p = asked.frame(asked.say("Ways to log in")).await?;
    let (tabs, ways) = (Tabs::of(asked, "sign-in"), asked.admin.sign_in().ways());
    let (may_write, name) = (asked.may(Area::Users.write()), asked.form.value("name").to_owned());
    let (report, trouble) = match tested {
        Ok(report) => (report, None),
        Err(trouble) => (None, Some(trouble)),
    };
    asked.page_as(status, &Ways { p, tabs, ways, ldap, oidc, name, report, trouble, may_write })
}

impl Ways {
    /// What was found of a way, if that is the one that was tested.
    fn findings(&self, way: SignInWay) -> Option<&SignInReport> {
        self.report.as_ref().filter(|report| report.way == way)
    }

    fn of_directory(&self) -> Option<&SignInReport> {
        self.findings(SignInWay::Ldap)
    }

    fn of_provider(&self) -> Option<&SignInReport> {
        self.findings(SignInWay::Oidc)
    }

    /// The class of the badge, and what stands on it.
    fn state(&self, finding: &SignInFinding) -> (&'static str, &'static str) {
        match finding.state {
            FindingState::Good => ("ready", text("good")),
            FindingState::Doubtful => ("limited", text("doubtful")),
            FindingState::Bad => ("failing", text("wrong")),
        }
    }

    fn step(&self, finding: &SignInFinding) -> &'static str {
        match finding.step {
            SignInStep::Address => text("Address"),
            SignInStep::Tls => text("TLS"),
            SignInStep::Bind => text("The relay's own bind"),
            SignInStep::Base => text("The entry below which people are"),
            SignInStep::People => text("People"),
            SignInStep::Groups => text("Groups"),
            SignInStep::Person => text("The person"),
            SignInStep::PersonGroups => text("The person's groups"),
            SignInStep::Role => text("Role"),
            SignInStep::Password => text("The password"),
            SignInStep::Description => text("What it says of itself"),
            SignInStep::Issuer => text("Its name"),
            SignInStep::Endpoints => text("Its addresses"),
            SignInStep::Keys => text("Its keys"),
            SignInStep::Signatures => text("Its signatures"),
            SignInStep::ClientAuthentication => text("How the relay shows who it is"),
            SignInStep::Client => text("Whether it knows the relay"),
            SignInStep::Pkce => text("PKCE"),
            SignInStep::Scopes => text("Scopes"),
            SignInStep::Claims => text("Claims"),
            SignInStep::Redirect => text("Where browsers come back to"),
        }
    }
}

const fn text(text: &'static str) -> &'static str {
    text
}
