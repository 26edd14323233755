//! `posthaste accounts login`

mod pasting;

use std::{io, time::Duration};

use clap::Args;
use posthaste_admin::{
    Command as Work, Disclosed, LoginFlow, LoginFor, LoginPlan, LoginTask, NewAccount, PolledLogin, Reply,
    SavedAccount, StartedLogin,
};
use posthaste_core::{Clock, Secret, SystemClock, Timestamp};
use posthaste_vault::oauth::Loopback;
use serde::Serialize;
use tokio::{signal, time::sleep};
use url::Url;

use self::pasting::Pasting;
use super::{Settings, new_account, show_saved};
use crate::{
    Config,
    cli::{
        Failure, Output,
        output::{note, tell},
        session::{Session, unexpected},
        spinner::Spinner,
    },
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Login {
    /// An account to log in again, by name or id; it keeps its settings. Without one, --preset and --name make a new one
    #[arg(conflicts_with_all = ["preset", "name", "disabled", "Settings"], required_unless_present = "preset")]
    account: Option<String>,
    /// What fills in the rest of a new account; see `posthaste accounts presets`
    #[arg(long, requires = "name")]
    preset: Option<String>,
    /// A name for the new account, unique
    #[arg(long, requires = "preset")]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Add it switched off
    #[arg(long)]
    disabled: bool,
    /// Show a code to enter on any device, instead of having one brought by the browser
    #[arg(long, conflicts_with = "paste")]
    device: bool,
    /// Paste the code, and do not listen for the browser on this machine
    #[arg(long)]
    paste: bool,
}

/// How the consent comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The browser runs on this machine and is waited for; what is pasted counts as well.
    Loopback,
    /// By hand.
    Paste,
    /// The vendor is asked until the person is done on another device.
    Device,
}

/// A login under way.
struct Desk<'a> {
    session: Session,
    out: &'a Output,
    begun: Option<String>,
}

/// What a program is told before it has to act.
#[derive(Serialize)]
struct Told<'a> {
    title: &'a str,
    expires_at: Timestamp,
    #[serde(flatten)]
    task: &'a LoginTask,
}

pub(in crate::cli) async fn run(login: Login, config: &Config, out: &Output) -> Result<(), Failure> {
    let (device, paste) = (login.device, login.paste);
    let whose = login.whose()?;
    let session = Session::open(config, &Work::PlanLogin(whose.clone())).await?;
    let mut desk = Desk { session, out, begun: None };
    let done = tokio::select! {
        done = desk.log_in(whose, device, paste) => done,
        _ = signal::ctrl_c() => Err(Failure::failed("the login was given up")),
    };
    if done.is_err() {
        desk.give_up().await;
    }
    let closed = desk.session.close().await;
    let saved = done?;
    closed?;
    show_saved(&saved, out)
}

impl Login {
    fn whose(self) -> Result<LoginFor, Failure> {
        match (self.account, self.preset, self.name) {
            (Some(account), ..) => Ok(LoginFor::Account(account)),
            (None, Some(preset), Some(name)) => {
                let new = NewAccount { disabled: self.disabled, ..new_account(preset, name, self.settings)? };
                Ok(LoginFor::NewAccount(Box::new(new)))
            }
            _ => Err(Failure::usage("name an account to log in again, or a new one's --preset and --name")),
        }
    }
}

impl Desk<'_> {
    async fn log_in(&mut self, whose: LoginFor, device: bool, paste: bool) -> Result<SavedAccount, Failure> {
        let plan = match self.session.call(Work::PlanLogin(whose.clone())).await? {
            Reply::LoginPlan(plan) => plan,
            _ => return Err(unexpected()),
        };
        let way = match (device, paste) {
            (true, _) => Way::Device,
            (_, true) => Way::Paste,
            _ if plan.code && plan.loopback => Way::Loopback,
            _ if plan.code || !plan.device => Way::Paste,
            _ => Way::Device,
        };
        let (flow, listener) = flow(&plan, way).await?;
        let started = self.start(whose, flow).await?;
        match &started.task {
            LoginTask::Code { state, .. } => Box::pin(self.by_code(&started, state, listener)).await,
            LoginTask::Device { interval_seconds, .. } => self.by_device(&started, *interval_seconds).await,
        }
    }

    async fn start(&mut self, whose: LoginFor, flow: LoginFlow) -> Result<StartedLogin, Failure> {
        let Reply::StartedLogin(started) = self.session.call(Work::StartLogin { whose, flow }).await? else {
            return Err(unexpected());
        };
        self.begun = Some(started.login.clone());
        let told = Told { title: &started.title, expires_at: started.expires_at, task: &started.task };
        self.out.step(&told, || task(&started))?;
        Ok(started)
    }

    /// Waits for the browser, for something pasted, or for whichever comes first.
    async fn by_code(
        &mut self,
        started: &StartedLogin,
        state: &str,
        listener: Option<Loopback>,
    ) -> Result<SavedAccount, Failure> {
        let mut pasting = Pasting::begin();
        if !self.out.is_json() {
            tell(if listener.is_some() { WAITING_OR_PASTE } else { PASTE });
        }
        loop {
            let left = started.expires_at.since(SystemClock.now());
            let brought = tokio::select! {
                pasted = pasting.next(), if !pasting.is_over() => match pasted {
                    Some(pasted) => pasted?,
                    None if listener.is_some() => continue,
                    None => return Err(Failure::usage("there is no code in what was pasted").hint(PASTE)),
                },
                called = caught(listener.as_ref(), state, left) => Secret::new(called?.as_str()),
                () = sleep(left) => return Err(too_late()),
            };
            match self.finish(started, brought).await {
                // A slip can be put right, and what the browser brings cannot be one.
                Err(failure) if matches!(failure.state(), Some("no_code" | "state_mismatch")) => {
                    if pasting.is_over() {
                        return Err(failure);
                    }
                    note(&failure.line());
                }
                finished => return finished,
            }
        }
    }

    async fn finish(&mut self, started: &StartedLogin, brought: Secret) -> Result<SavedAccount, Failure> {
        let work = Work::FinishLogin { login: started.login.clone(), brought: Disclosed::new(brought) };
        let spinner = Spinner::new(&format!("asking {} for the token", started.title), self.out.is_json());
        match spinner.turn(self.session.call(work)).await? {
            Reply::SavedAccount(saved) => Ok(saved),
            _ => Err(unexpected()),
        }
    }

    async fn by_device(
        &mut self,
        started: &StartedLogin,
        interval_seconds: u64,
    ) -> Result<SavedAccount, Failure> {
        let waiting = format!("waiting until {} hears that you allowed it", started.title);
        let spinner = Spinner::new(&waiting, self.out.is_json());
        let mut told = None;
        let mut wait = Duration::from_secs(interval_seconds);
        loop {
            spinner.turn(sleep(wait.max(SHORTEST_WAIT))).await;
            let work = Work::PollLogin { login: started.login.clone() };
            match spinner.turn(self.session.call(work)).await? {
                Reply::PolledLogin(PolledLogin::Done(saved)) => return Ok(*saved),
                Reply::PolledLogin(PolledLogin::Pending { wait_ms, problem }) => {
                    if let Some(problem) = problem.as_ref().filter(|_| problem != told) {
                        note(&format!("{problem}; asking again"));
                    }
                    told = problem;
                    wait = Duration::from_millis(wait_ms);
                }
                _ => return Err(unexpected()),
            }
        }
    }

    /// Forgets a login that was not finished, where it was begun.
    async fn give_up(&mut self) {
        if let Some(login) = self.begun.take() {
            // Mostly it is over there as well.
            let _ = self.session.call(Work::CancelLogin { login }).await;
        }
    }
}

/// The flow of a way, with what listens for the browser. A port that is taken is no reason to give up: the code can be
/// pasted.
async fn flow(plan: &LoginPlan, way: Way) -> Result<(LoginFlow, Option<Loopback>), Failure> {
    let here = plan.redirect_uri.as_deref().filter(|_| plan.loopback).and_then(|uri| Url::parse(uri).ok());
    let Some(here) = here.filter(|_| way != Way::Device) else {
        let flow =
            if way == Way::Device { LoginFlow::Device } else { LoginFlow::Code { redirect_uri: None } };
        return Ok((flow, None));
    };
    match Loopback::bind(&here).await {
        Ok(listener) => {
            let redirect_uri = Some(listener.redirect_uri().to_string());
            Ok((LoginFlow::Code { redirect_uri }, (way == Way::Loopback).then_some(listener)))
        }
        Err(error) if way == Way::Loopback => {
            note(&format!(
                "the browser cannot be waited for at {here}: {error}; paste what it shows instead"
            ));
            Ok((LoginFlow::Code { redirect_uri: Some(here.to_string()) }, None))
        }
        Err(_) => Ok((LoginFlow::Code { redirect_uri: Some(here.to_string()) }, None)),
    }
}

/// The address that the browser was sent to; without a listener, never.
async fn caught(listener: Option<&Loopback>, state: &str, left: Duration) -> Result<Url, Failure> {
    let Some(listener) = listener else { return std::future::pending().await };
    listener.wait(state, left).await.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => too_late(),
        _ => Failure::failed("the browser cannot be waited for")
            .caused_by(error.to_string())
            .hint("log in with --paste"),
    })
}

fn too_late() -> Failure {
    Failure::failed("the sign-in took too long")
        .hint("start the login again and finish it sooner")
        .called(Some("expired_code".to_owned()))
}

/// What the person has to do.
fn task(started: &StartedLogin) -> String {
    let StartedLogin { title, expires_at, task, .. } = started;
    match task {
        LoginTask::Code { url, .. } => {
            format!(
                "Open this address in a browser and allow it at {title}, before {expires_at}:\n\n  {url}\n"
            )
        }
        LoginTask::Device { verification_uri, verification_uri_complete, user_code, .. } => {
            let short = verification_uri_complete.as_ref().map(|url| format!(" (or open {url})"));
            format!(
                "Open this address on any device and enter the code at {title}, before {expires_at}:\n\n  \
                 {verification_uri}\n  {user_code}{}\n",
                short.unwrap_or_default()
            )
        }
    }
}

const WAITING_OR_PASTE: &str =
    "Waiting for the browser. If it runs on another machine, paste the address that it ends at:";
const PASTE: &str = "Paste the code that the page shows, or the whole address that the browser ends at:";
/// For vendors that want to be asked without a pause.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
