//! Logging an account in: by a code that the browser brings back, or by one that is entered on another device.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, Disclosed, LoginTask, PolledLogin, SavedAccount, StartedLogin};
use posthaste_core::Secret;

use crate::{
    BASE,
    asked::Asked,
    frame::Frame,
    show::{self, Html},
};

#[derive(Template)]
#[template(path = "accounts/login.html")]
struct Login {
    p: Frame,
    started: StartedLogin,
    /// What a telephone's camera reads.
    picture: Option<Html>,
    trouble: Option<String>,
}

pub(super) async fn show(
    asked: &Asked,
    started: StartedLogin,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(&asked.fill("Log in at {}", &started.title)).await?;
    let picture = match &started.task {
        LoginTask::Device { verification_uri, verification_uri_complete, .. } => {
            show::picture(verification_uri_complete.as_ref().unwrap_or(verification_uri))
        }
        LoginTask::Code { .. } => None,
    };
    asked.page(&Login { p, started, picture, trouble })
}

/// Takes the code that was brought, asks whether the device is done, or gives the login up.
pub(super) async fn finish(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let login = asked.parameter("login").to_owned();
    match asked.form.value("do") {
        "cancel" => {
            asked.admin.act(&asked.actor, Command::CancelLogin { login }).await?;
            Ok(asked.done(&format!("{BASE}/accounts"), asked.say("The log-in is given up.")))
        }
        "poll" => match asked.act(Command::PollLogin { login: login.clone() }).await? {
            PolledLogin::Done(saved) => Ok(done(&asked, &saved)),
            PolledLogin::Pending { .. } => again(&asked, None).await,
        },
        _ => {
            let brought = Disclosed::new(Secret::new(asked.form.value("brought").trim()));
            match asked.act::<SavedAccount>(Command::FinishLogin { login, brought }).await {
                Ok(saved) => Ok(done(&asked, &saved)),
                Err(error @ (AdminError::Invalid { .. } | AdminError::Login(_))) => {
                    again(&asked, Some(asked.say_error(&error))).await
                }
                Err(error) => Err(error),
            }
        }
    }
}

fn done(asked: &Asked, saved: &SavedAccount) -> Response {
    let told = asked.fill("{} is logged in.", &saved.account.name);
    asked.done(&format!("{BASE}/accounts/{}", saved.account.id), &told)
}

/// The same page once more, from what it sent along.
async fn again(asked: &Asked, trouble: Option<String>) -> Result<Response, AdminError> {
    let shown = asked.form.value("started");
    let started = serde_json::from_str(shown);
    let started: StartedLogin = started.map_err(|_| AdminError::Invalid {
        field: "started",
        message: "is not what the page was made with; begin the log-in again".to_owned(),
    })?;
    show(asked, started, trouble).await
}

impl Login {
    /// The page's own state, which it sends along: the relay keeps none of what a person has to do.
    fn started(&self) -> String {
        serde_json::to_string(&self.started).unwrap_or_default()
    }

    /// An address that leads to the vendor, and nowhere a script could run.
    fn leads(&self, url: &str) -> String {
        if url.starts_with("https://") || url.starts_with("http://") {
            url.to_owned()
        } else {
            "#".to_owned()
        }
    }
}
