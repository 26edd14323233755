//! The project that an account is charged to, where its vendor wants to know.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use posthaste_core::{Account, Credential, Egress, Payload, Transport};
use posthaste_provider::{ProjectError, ProjectSearch, ProjectStep};
use tokio::time::{sleep, timeout};

use crate::accounts::advice::Finding;

/// The project that the vendor tells.
pub(super) async fn sought(
    transport: &dyn Transport,
    account: &Account,
    credential: Option<&Credential>,
    egress: &Egress,
) -> Result<String, ProjectError> {
    let (mut search, mut step) = ProjectSearch::begin(account, credential)?;
    loop {
        match step {
            ProjectStep::Found(project) => return Ok(project),
            ProjectStep::Ask { after, request } => {
                sleep(after).await;
                let answer = timeout(PATIENCE, ask(transport, *request, egress)).await;
                let failing = |_| ProjectError::Failing("it did not answer in time".to_owned());
                let (status, body) = answer.map_err(failing).flatten()?;
                step = search.next(status, &body)?;
            }
        }
    }
}

async fn ask(
    transport: &dyn Transport,
    request: http::Request<Payload>,
    egress: &Egress,
) -> Result<(http::StatusCode, bytes::Bytes), ProjectError> {
    let failing = |error: &dyn std::fmt::Display| ProjectError::Failing(error.to_string());
    let (head, body) = transport.send(request, egress).await.map_err(|error| failing(&error))?.into_parts();
    let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| failing(&error))?;
    Ok((head.status, body.to_bytes()))
}

/// What it means that there is no project.
pub(super) fn finding(account: &Account, error: &ProjectError) -> Finding {
    let (state, advice) = match error {
        ProjectError::Refused { advice, .. } => ("forbidden", Some(advice.clone())),
        ProjectError::Unauthorised => (
            "wrong_key",
            Some(format!("log the account in again: posthaste accounts login {}", account.name)),
        ),
        ProjectError::Failing(_) => {
            ("failing", Some("try again, or name the project with --project".to_owned()))
        }
        ProjectError::Prepare(_) => ("failing", None),
    };
    let problem = match error {
        ProjectError::Refused { why, .. } => format!("Code Assist refuses the account: {why}"),
        other => other.to_string(),
    };
    Finding { state, problem, advice }
}

const MOST_BYTES: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(15);
