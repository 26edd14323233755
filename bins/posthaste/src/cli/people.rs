//! `posthaste users` and `posthaste admin`

mod sign_in;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use posthaste_admin::{
    Command as Work, CreatedOwnKey, Disclosed, ExpiryInput, NewOwnKey, NewUser, OwnKeyView, Reply,
    SessionView, UserChange, UserView, parse_length, parse_limit,
};
use posthaste_core::{Limit, Role, Secret};

use self::sign_in::TestSignIn;
use super::{
    Failure, Output,
    going::Going,
    input, keys, output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List everybody who can log in
    List,
    /// Show one person
    Show(Which),
    /// Make a person
    Create(Create),
    /// Change a person; what is not named stays as it is
    Update(Update),
    /// Remove a person; the client keys stay
    Delete(Going<Which>),
    /// Give a person another password and end the sessions
    ResetPassword(ResetPassword),
    /// Take a person's second factor away
    DropSecondFactor(Which),
    /// List a person's sessions
    Sessions(Which),
    /// End all sessions of a person
    Logout(Which),
    /// Look for what is wrong with the directory or the identity provider; nobody is logged in
    TestSignIn(TestSignIn),
    /// The client keys of a person's own
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the client keys of a person
    List(Which),
    /// Make a client key for a person, within what the person may have; it is shown this once
    Create(CreateKey),
    /// Close a client key of a person's for good; its record stays
    Revoke(RevokeKey),
}

#[derive(Args, Debug)]
pub(super) struct CreateKey {
    /// The person's name or id
    name: String,
    /// What the key is called; others see the person's name before it
    key: String,
    /// End so long from now: 12h, 30d
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    expires_in: Option<u64>,
    /// Allow so much, such as `requests=100/5h`, `cost=25/month,on-loss=closed`, `concurrency=4`; may be repeated
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    limit: Vec<Limit>,
}

#[derive(Args, Debug)]
pub(super) struct RevokeKey {
    /// The person's name or id
    name: String,
    /// The key's name as the person knows it, or its id
    key: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Make an owner, who may do everything
    Create(CreateOwner),
    /// Give a person another password and end the sessions
    ResetPassword(ResetPassword),
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The name or id
    name: String,
}

#[derive(Args, Debug)]
pub(super) struct Password {
    /// The password; `-` asks for it, or reads a line of a pipe
    #[arg(long, value_name = "PASSWORD", value_parser = input::secret)]
    password: Option<Secret>,
    /// A file that holds the password
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
}

impl Password {
    fn read(self) -> Result<Option<Disclosed>, Failure> {
        input::one_secret("password", self.password, self.password_file)
    }

    fn ask(self) -> Result<Disclosed, Failure> {
        let given = self.password.or_else(|| self.password_file.is_none().then(|| Secret::new("-")));
        let asked = input::one_secret("password", given, self.password_file)?;
        asked.ok_or_else(|| Failure::usage("give a password"))
    }
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// The name to log in with
    name: String,
    /// user, viewer, operator, admin or owner
    #[arg(long, value_name = "ROLE", default_value = "user")]
    role: Role,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    about: About,
}

#[derive(Args, Debug)]
struct About {
    /// What the person is called
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Where mail reaches the person
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// How many client keys the person may have at once
    #[arg(long, value_name = "NUMBER")]
    max_keys: Option<u32>,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The name or id
    name: String,
    /// user, viewer, operator, admin or owner
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,
    /// Let the person log in
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Do not let the person log in, and end the sessions
    #[arg(long)]
    disable: bool,
    #[command(flatten)]
    about: About,
}

#[derive(Args, Debug)]
pub(super) struct CreateOwner {
    /// The name to log in with
    name: String,
    #[command(flatten)]
    password: Password,
}

#[derive(Args, Debug)]
pub(super) struct ResetPassword {
    /// The name or id
    name: String,
    #[command(flatten)]
    password: Password,
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        Command::List => Work::ListUsers,
        Command::Show(which) => Work::ShowUser { user: which.name },
        Command::Create(Create { name, role, password, about }) => {
            let About { display_name, email, max_keys } = about;
            let password = password.read()?;
            Work::CreateUser(NewUser { name, password, role: Some(role), display_name, email, max_keys })
        }
        Command::Update(Update { name, role, enable, disable, about }) => {
            let About { display_name, email, max_keys } = about;
            let enabled = (enable || disable).then_some(enable);
            Work::UpdateUser {
                user: name,
                change: UserChange { role, enabled, display_name, email, max_keys },
            }
        }
        Command::Delete(going) => {
            let which = going.sure(|which| format!("remove the person {}", which.name))?;
            Work::DeleteUser { user: which.name }
        }
        Command::ResetPassword(reset) => {
            Work::SetPassword { user: reset.name, password: reset.password.ask()? }
        }
        Command::DropSecondFactor(which) => Work::DropSecondFactor { user: which.name },
        Command::Sessions(which) => Work::ListSessions { user: which.name },
        Command::Logout(which) => Work::EndSessions { user: which.name },
        Command::TestSignIn(test) => test.work()?,
        Command::Keys(command) => work_on_keys(command),
    };
    execute(work, config, out).await
}

pub(super) async fn run_admin(command: AdminCommand, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        AdminCommand::Create(CreateOwner { name, password }) => {
            let password = Some(password.ask()?);
            Work::CreateUser(NewUser { name, password, role: Some(Role::Owner), ..NewUser::default() })
        }
        AdminCommand::ResetPassword(reset) => {
            Work::SetPassword { user: reset.name, password: reset.password.ask()? }
        }
    };
    execute(work, config, out).await
}

fn work_on_keys(command: KeysCommand) -> Work {
    match command {
        KeysCommand::List(which) => Work::ListKeysOf { user: which.name },
        KeysCommand::Create(CreateKey { name, key, expires_in, limit }) => {
            let expiry = expires_in.map_or(ExpiryInput::Never, |seconds| ExpiryInput::In { seconds });
            Work::CreateKeyOf { user: name, new: NewOwnKey { name: key, expiry, limits: limit } }
        }
        KeysCommand::Revoke(RevokeKey { name, key }) => Work::RevokeKeyOf { user: name, key },
    }
}

async fn execute(work: Work, config: &Config, out: &Output) -> Result<(), Failure> {
    let session = Session::open(config, &work).await?;
    let deleted = matches!(work, Work::DeleteUser { .. });
    match session.execute(work).await? {
        Reply::Users(users) => out.show(&users, || table(&users)),
        Reply::User(user) if deleted => out.show(&user, || format!("user `{}` is removed", user.name)),
        Reply::User(user) => out.show(&user, || one(&user)),
        Reply::Sessions(sessions) => out.show(&sessions, || session_table(&sessions)),
        Reply::SignInTested(report) => sign_in::show(&report, out),
        Reply::OwnKeys(keys) => out.show(&keys, || key_table(&keys)),
        Reply::CreatedOwnKey(made) => out.show(&made, || created_key(&made)),
        Reply::OwnKey(key) => out.show(&key, || format!("client key `{}` is closed for good", key.name)),
        _ => Err(unexpected()),
    }
}

fn table(users: &[UserView]) -> String {
    if users.is_empty() {
        return "nobody can log in; make an owner: posthaste admin create NAME".to_owned();
    }
    let mut table = output::table(&["NAME", "ROLE", "SIGN-IN", "STATE", "LAST LOG-IN", "ID"]);
    for user in users {
        table.add_row([
            user.name.clone(),
            user.role.to_string(),
            sign_in(user),
            state(user).to_owned(),
            user.last_login_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            user.id.to_string(),
        ]);
    }
    table.to_string()
}

fn one(user: &UserView) -> String {
    output::list(&[
        ("name", user.name.clone()),
        ("id", user.id.to_string()),
        ("called", user.display_name.clone()),
        ("mail", user.email.clone().unwrap_or_else(|| "-".to_owned())),
        ("role", user.role.to_string()),
        ("sign-in", sign_in(user)),
        ("state", state(user).to_owned()),
        ("last log-in", user.last_login_at.map_or_else(|| "never".to_owned(), |at| at.to_string())),
        ("made", user.created_at.to_string()),
        ("changed", user.updated_at.to_string()),
    ])
}

fn sign_in(user: &UserView) -> String {
    if user.second_factor { format!("{} and code", user.sign_in) } else { user.sign_in.clone() }
}

fn state(user: &UserView) -> &'static str {
    if user.enabled { "on" } else { "off" }
}

fn session_table(sessions: &[SessionView]) -> String {
    if sessions.is_empty() {
        return "no sessions".to_owned();
    }
    let mut table = output::table(&["BEGAN", "LAST USED", "ENDS", "FROM", "WITH"]);
    for session in sessions {
        table.add_row([
            session.began_at.to_string(),
            session.used_at.to_string(),
            session.until.to_string(),
            session.address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
            session.agent.clone(),
        ]);
    }
    table.to_string()
}

fn key_table(keys: &[OwnKeyView]) -> String {
    if keys.is_empty() {
        return "no client keys of the person's own".to_owned();
    }
    let mut table = output::table(&["NAME", "ENDS WITH", "STATE", "EXPIRES", "ID"]);
    for key in keys {
        table.add_row([
            key.name.clone(),
            key.hint.clone(),
            keys::view::status(key.state).to_owned(),
            key.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            key.id.to_string(),
        ]);
    }
    table.to_string()
}

fn created_key(made: &CreatedOwnKey) -> String {
    format!(
        "{}\n\nclient key `{}` ({}). It is shown this once and kept only as a hash: store it now.",
        made.key.secret().expose(),
        made.view.name,
        made.view.id
    )
}
