//! `posthaste users test-sign-in`

use clap::Args;
use posthaste_admin::{Command as Work, FindingState, SignInReport, SignInTest, SignInWay};

use super::Password;
use crate::cli::{Failure, Output, output};

#[derive(Args, Debug)]
pub(in crate::cli) struct TestSignIn {
    /// ldap (the directory) or oidc (the identity provider)
    #[arg(value_name = "WAY", value_parser = way)]
    way: SignInWay,
    /// Look for this person in the directory as well
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    password: Password,
}

impl TestSignIn {
    pub(super) fn work(self) -> Result<Work, Failure> {
        let Self { way, name, password } = self;
        Ok(Work::TestSignIn(SignInTest { way, name, password: password.read()? }))
    }
}

fn way(text: &str) -> Result<SignInWay, String> {
    match text {
        "ldap" => Ok(SignInWay::Ldap),
        "oidc" => Ok(SignInWay::Oidc),
        _ => Err("it is `ldap` or `oidc`".to_owned()),
    }
}

/// What was found; a failure where something is in the way.
pub(super) fn show(report: &SignInReport, out: &Output) -> Result<(), Failure> {
    out.show(report, || table(report))?;
    if report.ok { Ok(()) } else { Err(Failure::failed("people cannot log in this way")) }
}

fn table(report: &SignInReport) -> String {
    let mut table = output::table(&["STEP", "STATE", "FOUND"]);
    for finding in &report.findings {
        let state = match finding.state {
            FindingState::Good => "good",
            FindingState::Doubtful => "doubtful",
            FindingState::Bad => "wrong",
        };
        let found = match &finding.advice {
            Some(advice) => format!("{}; {advice}", finding.found),
            None => finding.found.clone(),
        };
        let step = serde_json::to_value(finding.step).ok();
        let step = step.as_ref().and_then(|step| step.as_str()).unwrap_or_default().replace('_', " ");
        table.add_row([step, state.to_owned(), found]);
    }
    table.to_string()
}
