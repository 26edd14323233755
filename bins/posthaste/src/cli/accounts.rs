//! `posthaste accounts`

mod errors;
mod login;
pub(super) mod view;

use clap::{Args, Subcommand};
use posthaste_admin::{
    AccountChange, Command as Work, Expires, ModelMapping, NewAccount, Reply, SavedAccount, SchedulingChange,
    TestReport, VendorSettings, parse_limit,
};
use posthaste_core::{AuthForm, DialectUrl, Limit, Secret};

use super::{
    Failure, Output,
    going::Going,
    input,
    output::note,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an account
    Add(Box<Add>),
    /// List all accounts
    List,
    /// Show one account
    Show(Which),
    /// Switch an account on
    Enable(Which),
    /// Switch an account off; requests in flight go on
    Disable(Which),
    /// Change an account; what is not named stays as it is
    Update(Box<Update>),
    /// Remove an account and its credential; what it served stays in the books
    Delete(Going<Which>),
    /// Log an account in at its vendor: a new one, or one whose login has ended
    Login(Box<login::Login>),
    /// End an account's rest and forget what it failed at: it is asked with the next request
    Reset(Which),
    /// Renew the token of an account now, and tell until when it is good
    Refresh(Which),
    /// Tell what went wrong at an account, the newest first
    Errors(errors::Errors),
    /// Tell what is left on an account, where its vendor tells that
    Balance(Balance),
    /// Send one tiny real request with an account; it costs what such a request costs
    Test(Test),
    /// List what `--preset` takes
    Presets,
}

#[derive(Args, Debug)]
pub(super) struct Balance {
    /// The account's name or id
    account: String,
    /// Ask the vendor also when it told within the last five minutes
    #[arg(long)]
    now: bool,
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The account's name or id
    account: String,
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// What fills in the rest; see `posthaste accounts presets`
    #[arg(long)]
    preset: String,
    /// A name for it, unique
    #[arg(long)]
    name: String,
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    settings: Settings,
    /// Add it switched off
    #[arg(long)]
    disabled: bool,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The account's name or id
    account: String,
    /// Another name for it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    key: Key,
    #[command(flatten)]
    settings: Settings,
}

/// What an account presents that was not logged in.
#[derive(Args, Debug)]
struct Key {
    #[command(flatten)]
    api_key: input::ApiKey,
    #[command(flatten)]
    aws: input::AwsKeys,
    #[command(flatten)]
    entra: input::Entra,
    /// How the key is presented: x-api-key, bearer, x-goog-api-key, api-key, aws-keys, aws-chain (the machine's own AWS
    /// keys), entra or none
    #[arg(long, value_parser = input::auth)]
    auth: Option<AuthForm>,
}

#[derive(Args, Debug)]
struct Settings {
    /// Where the API stands: what comes before /v1/messages
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Which of the preset's sites, such as `cn`; see `posthaste accounts presets`
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Where a dialect is spoken that stands elsewhere than --base-url; may be repeated
    #[arg(long, value_name = "DIALECT=URL", value_parser = input::dialect_url)]
    base_url_of: Vec<DialectUrl>,
    /// The day of the month on which a coding plan renews; 0 forgets it
    #[arg(long, value_name = "DAY")]
    plan_day: Option<u8>,
    /// Call it through this proxy: http, https, socks5 or socks5h, such as `socks5h://user:password@host:1080`; `-` asks for
    /// it, '' for none
    #[arg(long, value_name = "URL", value_parser = input::secret)]
    proxy: Option<Secret>,
    /// AWS: the region; '' forgets it, and so with the next three
    #[arg(long)]
    region: Option<String>,
    /// AWS: the named profile of the machine's own keys (`--auth aws-chain`)
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Azure: the api-version of the deployments' API; without one the v1 API is used
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,
    /// Google: the project of Code Assist; without one it is found out
    #[arg(long)]
    project: Option<String>,
    /// 1 (first) to 100 (last) [default: 50]
    #[arg(long)]
    priority: Option<u32>,
    /// Serve only these models; `*` stands for any text; may be repeated or separated by commas; '' for all
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    allow: Option<Vec<String>>,
    /// Do not serve these models
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    deny: Option<Vec<String>>,
    /// Call the client's model FROM by the name TO; may be repeated, the first that fits counts
    #[arg(long, value_name = "FROM=TO", value_parser = input::mapping)]
    map: Option<Vec<ModelMapping>>,
    /// Drop the model map
    #[arg(long, conflicts_with = "map")]
    no_map: bool,
    /// Ask it for so much at most, such as `requests=50/5h` or `concurrency=4`; may be repeated, replaces all
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    limit: Option<Vec<Limit>>,
    /// Drop all limits
    #[arg(long, conflicts_with = "limit")]
    no_limits: bool,
    /// Give it new requests; `--schedulable=false` is a pause that keeps its health
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    schedulable: Option<bool>,
    /// The pools that it belongs to; may be repeated or separated by commas, replaces all; '' for none
    #[arg(long, value_name = "POOL", value_delimiter = ',')]
    pool: Option<Vec<String>>,
    /// Its share where a pool chooses by weight, 1 to 1000 [default: 1]
    #[arg(long, value_name = "NUMBER")]
    weight: Option<u32>,
    /// Give it no new requests from this moment on, when its subscription ends: 2027-01-31; `never` forgets it
    #[arg(long, value_name = "DATE", value_parser = subscription_end)]
    subscription_ends: Option<Expires>,
    /// Free words for sorting; replaces all; '' for none
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Option<Vec<String>>,
    /// Remarks; '' for none
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
    /// Consent to a private address, such as a server in the same network
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_private: Option<bool>,
}

fn subscription_end(text: &str) -> Result<Expires, String> {
    if text == "never" { Ok(Expires::Never) } else { input::moment(text).map(Expires::At) }
}

#[derive(Args, Debug)]
pub(super) struct Test {
    /// The account's name or id
    account: String,
    /// The model to ask for
    #[arg(long)]
    model: Option<String>,
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let command = match command {
        Command::Login(login) => return Box::pin(login::run(*login, config, out)).await,
        other => other,
    };
    let work = work(command)?;
    let session = Session::open(config, &work).await?;
    let deleted = matches!(work, Work::DeleteAccount { .. });
    match session.execute(work).await? {
        Reply::SavedAccount(saved) => show_saved(&saved, out),
        Reply::Accounts(accounts) => out.show(&accounts, || view::table(&accounts)),
        Reply::Account(account) if deleted => {
            out.show(&account, || format!("account `{}` is removed", account.name))
        }
        Reply::Account(account) => out.show(&account, || view::one(&account)),
        Reply::Refreshed(refreshed) => out.show(&refreshed, || view::refreshed(&refreshed)),
        Reply::AccountErrors(errors) => out.show(&errors, || errors::table(&errors)),
        Reply::ClearedErrors(cleared) => out.show(&cleared, || errors::cleared(&cleared)),
        Reply::Balance(balance) => out.show(&balance, || view::balance(&balance)),
        Reply::Tested(report) => show_test(&report, out),
        _ => Err(unexpected()),
    }
}

/// What `--preset` takes; needs no store.
pub(super) fn presets(out: &Output) -> Result<(), Failure> {
    let presets = posthaste_admin::presets();
    out.show(&presets, || view::presets(&presets))
}

fn work(command: Command) -> Result<Work, Failure> {
    let enabled = |account, enabled| Work::UpdateAccount {
        account,
        change: AccountChange { enabled: Some(enabled), ..AccountChange::default() },
    };
    Ok(match command {
        Command::Add(add) => Work::AddAccount(added(*add)?),
        Command::List => Work::ListAccounts,
        Command::Show(which) => Work::ShowAccount { account: which.account },
        Command::Enable(which) => enabled(which.account, true),
        Command::Disable(which) => enabled(which.account, false),
        Command::Update(update) => update_account(*update)?,
        Command::Delete(going) => {
            let which =
                going.sure(|which| format!("remove the account {} and its credential", which.account))?;
            Work::DeleteAccount { account: which.account }
        }
        Command::Reset(which) => Work::ResetAccount { account: which.account },
        Command::Refresh(which) => Work::RefreshAccount { account: which.account },
        Command::Errors(errors) => errors.work(),
        Command::Balance(balance) => Work::AccountBalance { account: balance.account, ask: balance.now },
        Command::Test(test) => Work::TestAccount { account: test.account, model: test.model },
        Command::Presets => Work::ListPresets,
        Command::Login(_) => return Err(Failure::usage("a login is more than one piece of work")),
    })
}

fn added(add: Add) -> Result<NewAccount, Failure> {
    Ok(NewAccount {
        api_key: add.key.api_key.read()?,
        aws: add.key.aws.read()?,
        entra: add.key.entra.read()?,
        auth: add.key.auth,
        disabled: add.disabled,
        ..new_account(add.preset, add.name, add.settings)?
    })
}

/// An account with its settings and without what it presents.
fn new_account(preset: String, name: String, settings: Settings) -> Result<NewAccount, Failure> {
    Ok(NewAccount {
        vendor: settings.vendor(),
        scheduling: settings.scheduling(),
        proxy: input::proxy(settings.proxy)?,
        preset,
        name,
        base_url: settings.base_url,
        site: settings.site,
        base_urls: settings.base_url_of,
        plan_day: settings.plan_day.filter(|day| *day != 0),
        priority: settings.priority,
        allow: input::list(settings.allow).unwrap_or_default(),
        deny: input::list(settings.deny).unwrap_or_default(),
        model_map: settings.map.unwrap_or_default(),
        limits: settings.limit.unwrap_or_default(),
        allow_private: settings.allow_private.unwrap_or(false),
        ..NewAccount::default()
    })
}

impl Settings {
    fn scheduling(&self) -> SchedulingChange {
        SchedulingChange {
            schedulable: self.schedulable,
            pools: input::list(self.pool.clone()),
            weight: self.weight,
            expires_at: self.subscription_ends,
            tags: input::list(self.tag.clone()),
            notes: self.notes.clone(),
        }
    }

    fn vendor(&self) -> VendorSettings {
        VendorSettings {
            region: self.region.clone(),
            profile: self.profile.clone(),
            api_version: self.api_version.clone(),
            project: self.project.clone(),
        }
    }
}

fn update_account(update: Update) -> Result<Work, Failure> {
    let settings = update.settings;
    let (vendor, scheduling) = (settings.vendor(), settings.scheduling());
    let change = AccountChange {
        name: update.name,
        base_url: settings.base_url,
        site: settings.site,
        base_urls: settings.base_url_of,
        plan_day: settings.plan_day,
        api_key: update.key.api_key.read()?,
        aws: update.key.aws.read()?,
        entra: update.key.entra.read()?,
        auth: update.key.auth,
        vendor,
        proxy: input::proxy(settings.proxy)?,
        priority: settings.priority,
        allow: input::list(settings.allow),
        deny: input::list(settings.deny),
        model_map: if settings.no_map { Some(Vec::new()) } else { settings.map },
        limits: if settings.no_limits { Some(Vec::new()) } else { settings.limit },
        allow_private: settings.allow_private,
        enabled: None,
        scheduling,
    };
    Ok(Work::UpdateAccount { account: update.account, change })
}

fn show_saved(saved: &SavedAccount, out: &Output) -> Result<(), Failure> {
    saved.notices.iter().for_each(|notice| note(notice));
    out.show(saved, || view::one(&saved.account))
}

/// A failed test is a failed command, with the report all the same.
fn show_test(report: &TestReport, out: &Output) -> Result<(), Failure> {
    out.show(report, || view::test(report))?;
    match &report.problem {
        None => Ok(()),
        Some(problem) => {
            let failure = Failure::failed(format!("account `{}` does not serve", report.account));
            let failure = failure.caused_by(problem.clone()).called(report.state.clone());
            Err(match &report.advice {
                Some(advice) => failure.hint(advice.clone()),
                None => failure,
            })
        }
    }
}
