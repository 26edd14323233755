//! Each account, by a tiny request of its own on its own way.

use posthaste_admin::{AccountView, Command as Work, Reply};

use super::Finding;
use crate::{Config, cli::session::Session};

pub(super) async fn look(config: &Config, only: &[String], offline: bool) -> Vec<Finding> {
    let mut session = match Session::open(config, &Work::ListAccounts).await {
        Ok(session) => session,
        Err(failure) => return vec![Finding::bad("accounts", failure.line(), "what is said there")],
    };
    let accounts = match session.call(Work::ListAccounts).await {
        Ok(Reply::Accounts(accounts)) => accounts,
        Ok(_) => Vec::new(),
        Err(failure) => return vec![Finding::bad("accounts", failure.line(), "what is said there")],
    };
    let mut found = Vec::new();
    for name in only.iter().filter(|name| !accounts.iter().any(|account| is(account, name))) {
        found.push(Finding::bad(format!("account `{name}`"), "is not there", "posthaste accounts list"));
    }
    let wanted = accounts.iter().filter(|account| match only {
        [] => account.enabled,
        only => only.iter().any(|name| is(account, name)),
    });
    for account in wanted {
        let what = format!("account `{}`", account.name);
        found.push(match offline {
            true => Finding::skipped(what, "not tried"),
            false => tried(&mut session, account, what).await,
        });
    }
    // What was found is worth more than how the session ends.
    let _ = session.close().await;
    found
}

fn is(account: &AccountView, name: &str) -> bool {
    account.name == name || account.id.to_string() == name
}

async fn tried(session: &mut Session, account: &AccountView, what: String) -> Finding {
    let work = Work::TestAccount { account: account.id.to_string(), model: None };
    match session.call(work).await {
        Ok(Reply::Tested(report)) if report.ok => {
            Finding::good(what, format!("`{}` answered in {} ms", report.upstream_model, report.latency_ms))
        }
        Ok(Reply::Tested(report)) => {
            let state = report.state.map(|state| format!("{state}: ")).unwrap_or_default();
            let problem = report.problem.unwrap_or_else(|| "it does not serve".to_owned());
            let fix = report.advice.unwrap_or_else(|| format!("posthaste accounts show {}", account.name));
            Finding::bad(what, format!("{state}{problem}"), fix)
        }
        Ok(_) => {
            Finding::bad(what, "another answer than was asked for", "use the program of the same version")
        }
        Err(failure) => {
            Finding::bad(what, failure.line(), format!("posthaste accounts show {}", account.name))
        }
    }
}
