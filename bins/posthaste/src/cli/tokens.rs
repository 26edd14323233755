//! `posthaste tokens`

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, CreatedToken, Reply, TokenInput, TokenView, parse_length};
use posthaste_core::Scope;

use super::{
    Failure, Output,
    going::Going,
    output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the tokens of the admin API
    List,
    /// Make a token; its secret is shown now and never again
    Create(Create),
    /// End a token
    Delete(Going<Which>),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// A name for it
    name: String,
    /// What it may do, such as `keys:read` or `accounts:write`; may be repeated
    #[arg(long, value_name = "SCOPE", required = true)]
    scope: Vec<Scope>,
    /// How long it lasts, such as `30d`; 90 days unless told, a year at most
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    lasts: Option<u64>,
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The name or id
    name: String,
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        Command::List => Work::ListTokens,
        Command::Create(Create { name, scope, lasts }) => {
            Work::CreateToken(TokenInput { name, scopes: scope, lasts_seconds: lasts })
        }
        Command::Delete(going) => {
            let which = going.sure(|which| format!("end the token {}", which.name))?;
            Work::DeleteToken { token: which.name }
        }
    };
    let session = Session::open(config, &work).await?;
    match session.execute(work).await? {
        Reply::Tokens(tokens) => out.show(&tokens, || table(&tokens)),
        Reply::CreatedToken(created) => out.show(&created, || made(&created)),
        Reply::Token(token) => out.show(&token, || format!("token `{}` has ended", token.name)),
        _ => Err(unexpected()),
    }
}

fn made(created: &CreatedToken) -> String {
    let token = created.token.secret().expose();
    format!("{token}\n\nThis is shown once. Programs send it as `Authorization: Bearer {token}`.")
}

fn table(tokens: &[TokenView]) -> String {
    if tokens.is_empty() {
        return "no tokens".to_owned();
    }
    let mut table = output::table(&["NAME", "ENDS WITH", "SCOPES", "UNTIL", "MADE BY", "ID"]);
    for token in tokens {
        let scopes: Vec<_> = token.scopes.iter().map(Scope::to_string).collect();
        table.add_row([
            token.name.clone(),
            token.hint.clone(),
            scopes.join(", "),
            token.expires_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            token.user.map_or_else(|| "this machine".to_owned(), |user| user.to_string()),
            token.id.to_string(),
        ]);
    }
    table.to_string()
}
