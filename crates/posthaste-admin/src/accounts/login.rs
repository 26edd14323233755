//! Logging accounts in at their vendor, instead of giving them a key.
//!
//! A login is planned, begun and finished. Between the two it lives in this process alone, for as long as its code does.
//! The vendor is asked through the proxy of the account that comes of it.

mod pending;
mod saving;
mod state;

use std::time::Duration;

use posthaste_core::{Account, Timestamp};
use posthaste_provider::{preset, presets};
use posthaste_vault::{
    CredentialSource,
    oauth::{DevicePoll, Loopback, OAuthClient, OAuthError, OAuthFlows},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{AccountService, NewAccount, SavedAccount, known_preset};
use crate::{AdminError, change::find, input::Disclosed};

pub(crate) use pending::Logins;
use pending::{Flow, Pending, Purpose};
pub(crate) use state::{is_input, state};

/// Whose login it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginFor {
    /// An account that is added once the login is finished. It has no key.
    NewAccount(Box<NewAccount>),
    /// An account that was logged in before, by id or name: it gets another token.
    Account(String),
}

/// How a person shows that they consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginFlow {
    /// By a code that the browser brings back.
    Code {
        /// Where to, if not where it is configured.
        redirect_uri: Option<String>,
    },
    /// By entering a code on any other device.
    Device,
}

/// What a login would be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginPlan {
    /// The sign-in, by the name of its section `[oauth.<name>]`.
    pub provider: String,
    /// For people.
    pub title: String,
    /// Whether there is a flow with a code.
    pub code: bool,
    /// Where the browser brings the code unless told otherwise. Port 0 stands for any free port.
    pub redirect_uri: Option<String>,
    /// Whether that is the machine on which the browser runs, so that the code can be caught there.
    pub loopback: bool,
    /// Whether there is a device flow.
    pub device: bool,
}

/// A login that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartedLogin {
    /// Goes into the commands that finish it, or give it up.
    pub login: String,
    /// Whose sign-in it is, for people.
    pub title: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What the person has to do.
    #[serde(flatten)]
    pub task: LoginTask,
}

/// What a person has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flow", rename_all = "snake_case")]
pub enum LoginTask {
    /// Open the address, allow it, and bring the code back.
    Code {
        /// The address.
        url: String,
        /// Where the browser is sent with the code.
        redirect_uri: String,
        /// What the browser brings back along with the code.
        state: String,
    },
    /// Open the address on any device and enter the code.
    Device {
        /// The address.
        verification_uri: String,
        /// The same with the code in it, if the vendor gives that.
        verification_uri_complete: Option<String>,
        /// The code.
        user_code: String,
        /// How long to wait before each question whether it is done.
        interval_seconds: u64,
    },
}

/// Whether a person is done on the other device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PolledLogin {
    /// Not yet.
    Pending {
        /// How long to wait before the next question.
        wait_ms: u64,
        /// Why the vendor could not be asked, if it could not.
        problem: Option<String>,
    },
    /// It is, and the account is there.
    Done(Box<SavedAccount>),
}

impl AccountService<'_> {
    /// Looks whether a login could be begun, and how. Nothing is asked of the vendor.
    ///
    /// # Errors
    /// As [`start_login`](Self::start_login).
    pub async fn plan_login(self, whose: &LoginFor) -> Result<LoginPlan, AdminError> {
        let (_, _, client) = self.prepare(whose).await?;
        Ok(LoginPlan {
            provider: client.provider.name.to_owned(),
            title: client.provider.title.to_owned(),
            code: client.authorize_url.is_some(),
            loopback: client.redirect_uri.as_ref().is_some_and(Loopback::fits),
            redirect_uri: client.redirect_uri.map(String::from),
            device: client.device_url.is_some(),
        })
    }

    /// Begins a login.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, also when the preset has no sign-in;
    /// [`AdminError::Conflict`] when the name is taken or too many logins are under way; [`AdminError::Login`] when no
    /// OAuth client is configured or the vendor refuses.
    pub async fn start_login(self, whose: &LoginFor, flow: &LoginFlow) -> Result<StartedLogin, AdminError> {
        let (purpose, account, client) = self.prepare(whose).await?;
        let provider = client.provider.name;
        let (flow, title, expires_at, task) = match flow {
            LoginFlow::Code { redirect_uri } => {
                let redirect_uri = redirect(redirect_uri.as_deref(), &client)?;
                let begun = self.flows().start_code(provider, redirect_uri.as_ref())?;
                let task = LoginTask::Code {
                    url: begun.url.into(),
                    redirect_uri: begun.redirect_uri.into(),
                    state: begun.state,
                };
                (Flow::Code(begun.ticket), begun.provider.title, begun.expires_at, task)
            }
            LoginFlow::Device => {
                let egress = self.admin.credentials().egress(&account).await?;
                let begun = self.flows().start_device(provider, &egress).await?;
                let task = LoginTask::Device {
                    verification_uri: begun.verification_uri,
                    verification_uri_complete: begun.verification_uri_complete,
                    user_code: begun.user_code,
                    interval_seconds: begun.interval.as_secs(),
                };
                let next_poll = self.now().plus(begun.interval);
                let flow = Flow::Device { ticket: begun.ticket, next_poll };
                (flow, begun.provider.title, begun.expires_at, task)
            }
        };
        let pending = Pending::new(purpose, flow);
        let login = self.admin.logins().begin(pending, expires_at, self.now())?;
        Ok(StartedLogin { login, title: title.to_owned(), expires_at, task })
    }

    /// Finishes a login with what the person brought back: the code, `CODE#STATE`, or the whole address that the browser
    /// was sent to. After a slip it may be tried again.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such login here; [`AdminError::Login`] otherwise.
    pub async fn finish_login(self, login: &str, brought: &Disclosed) -> Result<SavedAccount, AdminError> {
        let entry = self.admin.logins().find(login)?;
        let mut pending = entry.lock().await;
        let Flow::Code(ticket) = pending.flow()? else {
            let message = "waits for a code that is entered on another device; ask whether that is done";
            return Err(AdminError::invalid("login", message));
        };
        if !pending.has_token() {
            let egress = self.egress(&pending).await?;
            let finished = self.flows().finish_code(ticket, brought.secret().expose(), &egress).await;
            match finished {
                Ok(token) => pending.keep(token),
                Err(error) => return Err(self.given_up(login, &mut pending, error)),
            }
        }
        self.save(login, &mut pending).await
    }

    /// Asks whether the person is done on the other device. Who asks sooner than told is told to wait, and the vendor is
    /// not asked.
    ///
    /// # Errors
    /// As [`finish_login`](Self::finish_login).
    pub async fn poll_login(self, login: &str) -> Result<PolledLogin, AdminError> {
        let entry = self.admin.logins().find(login)?;
        let mut pending = entry.lock().await;
        let Flow::Device { ticket, next_poll } = pending.flow()? else {
            return Err(AdminError::invalid("login", "waits for the code that the browser brings back"));
        };
        if pending.has_token() {
            return self.save(login, &mut pending).await.map(|saved| PolledLogin::Done(Box::new(saved)));
        }
        let early = next_poll.since(self.now());
        if !early.is_zero() {
            return Ok(PolledLogin::Pending { wait_ms: millis(early), problem: None });
        }
        let egress = self.egress(&pending).await?;
        let (ticket, wait, problem) = match self.flows().poll_device(ticket, &egress).await {
            Ok(DevicePoll::Done(token)) => {
                pending.keep(token);
                return self.save(login, &mut pending).await.map(|saved| PolledLogin::Done(Box::new(saved)));
            }
            Ok(DevicePoll::Pending { ticket, wait } | DevicePoll::SlowDown { ticket, wait }) => {
                (ticket, wait, None)
            }
            Ok(DevicePoll::Unanswered { ticket, wait, error }) => (ticket, wait, Some(error.to_string())),
            Err(error) => return Err(self.given_up(login, &mut pending, error)),
        };
        pending.wait(ticket, self.now().plus(wait));
        Ok(PolledLogin::Pending { wait_ms: millis(wait), problem })
    }

    /// Gives a login up.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such login here.
    pub fn cancel_login(self, login: &str) -> Result<(), AdminError> {
        self.admin.logins().find(login)?;
        self.admin.logins().forget(login);
        Ok(())
    }

    /// Checks whose login it is; gives the account as it is or will be, and the client that asks.
    async fn prepare(self, whose: &LoginFor) -> Result<(Purpose, Account, OAuthClient), AdminError> {
        let (purpose, account) = match whose {
            LoginFor::NewAccount(new) => {
                let account = self.account_to_log_in(new).await?;
                (Purpose::Add(Box::new(account.clone())), account)
            }
            LoginFor::Account(selector) => {
                let account = find(&self.admin.account_records(), selector).await?.value;
                check_renewable(&account)?;
                (Purpose::Renew(account.id), account)
            }
        };
        let client = self.flows().clients().client(sign_in(&account.preset.0)?)?;
        Ok((purpose, account, client))
    }

    /// Ends a login that the vendor ended. One that a slip or the network kept from its end stays.
    fn given_up(self, login: &str, pending: &mut Pending, error: OAuthError) -> AdminError {
        if state::ends_login(&error) {
            pending.end();
            self.admin.logins().forget(login);
        }
        error.into()
    }

    fn flows(&self) -> &OAuthFlows {
        self.admin.flows()
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

/// The redirect address: the given one, else the configured one, of which a port must be known.
fn redirect(given: Option<&str>, client: &OAuthClient) -> Result<Option<Url>, AdminError> {
    let Some(given) = given else {
        if client.redirect_uri.as_ref().and_then(Url::port) == Some(0) {
            let message = "has port 0, for any free one; give the address that you listen at";
            return Err(AdminError::invalid("redirect_uri", message));
        }
        return Ok(None);
    };
    let invalid =
        |_| AdminError::invalid("redirect_uri", "is no URL; give one such as http://127.0.0.1:1455/callback");
    Url::parse(given).map(Some).map_err(invalid)
}

fn check_renewable(account: &Account) -> Result<(), AdminError> {
    if account.auth == posthaste_core::AuthForm::OAuth {
        return Ok(());
    }
    let message =
        format!("`{}` was not logged in, it presents a key; log in a new account instead", account.name);
    Err(AdminError::invalid("account", message))
}

/// The sign-in of a preset's vendor.
fn sign_in(name: &str) -> Result<&'static str, AdminError> {
    preset(name).and_then(|preset| preset.oauth).ok_or_else(|| {
        let offered: Vec<_> = presets().filter(|row| row.oauth.is_some()).map(|row| row.name).collect();
        let message = format!(
            "`{}` has no sign-in; give the account its key with accounts add, or choose one of {}",
            name.escape_debug(),
            offered.join(", ")
        );
        AdminError::invalid("preset", message)
    })
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
