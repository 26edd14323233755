//! `posthaste accounts errors`

use clap::Args;
use posthaste_admin::{ClearedErrors, Command, ErrorsInput};
use posthaste_core::AccountError;

use crate::cli::output;

#[derive(Args, Debug)]
pub(in crate::cli) struct Errors {
    /// The account's name or id
    account: String,
    /// How many at most, 1 to 1000
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
    /// Forget them instead; the account's health stays as it is
    #[arg(long, conflicts_with = "limit")]
    clear: bool,
}

impl Errors {
    pub(super) fn work(self) -> Command {
        let Self { account, limit, clear } = self;
        if clear {
            return Command::ClearAccountErrors { account };
        }
        Command::AccountErrors { account, with: ErrorsInput { limit: Some(limit), since: None } }
    }
}

pub(super) fn table(errors: &[AccountError]) -> String {
    if errors.is_empty() {
        return "nothing went wrong there, as far as is remembered".to_owned();
    }
    let mut table = output::table(&["WHEN", "KIND", "STATUS", "MODEL", "RESTS UNTIL", "REQUEST", "MESSAGE"]);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for error in errors {
        table.add_row([
            error.at.to_string(),
            error.kind.as_str().to_owned(),
            or_dash(error.status.map(|status| status.to_string())),
            or_dash(error.model.as_ref().map(|model| model.to_string())),
            or_dash(error.rest.map(|rest| format!("{} ({})", rest.until, rest.reason))),
            or_dash(error.request.map(|request| request.to_string())),
            output::printable(&error.message),
        ]);
    }
    table.to_string()
}

pub(super) fn cleared(cleared: &ClearedErrors) -> String {
    format!("{} forgotten", output::counted(cleared.forgotten, "failure", "failures"))
}
