//! Step 6, credential: the project that some accounts are charged to, found out at the vendor once.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use posthaste_core::{
    AccessToken, Account, AccountId, Cooldown, CooldownReason, Credential, Egress, Secret, Transport,
};
use posthaste_provider::{ProjectError, ProjectSearch, ProjectStep};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    attempt::with_causes,
    whole::{MOST_ERROR_BYTES, collect},
};

/// The projects that were found. Each relay finds them for itself and keeps them while it runs.
pub(crate) struct Projects {
    slots: Cache<AccountId, Arc<Slot>>,
}

/// Whoever holds it searches, and the others wait for what is found.
type Slot = Mutex<Option<Known>>;

struct Known {
    holder: Holder,
    found: Result<Arc<str>, Failed>,
}

/// Whose project it is: another person's login gives another one, a refreshed token does not.
#[derive(PartialEq)]
enum Holder {
    Named(String),
    Token(Option<Secret>),
}

/// A search that failed counts for a moment, so that those who wait do not all repeat it.
struct Failed {
    cooldown: Cooldown,
    until: Instant,
}

/// Why an account has no project.
pub(crate) enum NoProject {
    /// Its token was refused: with another one there may be a project.
    TokenRefused,
    /// It must rest.
    Rest(Cooldown),
}

impl Projects {
    pub(crate) fn new() -> Self {
        Self { slots: Cache::builder().max_capacity(MOST_KNOWN).time_to_live(KEPT).build() }
    }

    /// The account's project, through the account's own way out.
    pub(crate) async fn of(
        &self,
        account: &Account,
        credential: Option<&Credential>,
        egress: &Egress,
        transport: &dyn Transport,
    ) -> Result<Arc<str>, NoProject> {
        let holder = Holder::of(credential);
        let slot = self.slots.get_with(account.id, Arc::default);
        let mut known = slot.lock().await;
        if let Some(known) = &*known
            && known.holder == holder
        {
            match &known.found {
                Ok(project) => return Ok(Arc::clone(project)),
                Err(failed) if failed.until > Instant::now() => {
                    return Err(NoProject::Rest(failed.cooldown.clone()));
                }
                Err(_) => {}
            }
        }
        let found = search(account, credential, egress, transport).await;
        match found {
            Ok(project) => {
                tracing::info!(account = %account.name, %project, "the account's project was found");
                let project: Arc<str> = project.into();
                *known = Some(Known { holder, found: Ok(Arc::clone(&project)) });
                Ok(project)
            }
            Err(ProjectError::Unauthorised) => Err(NoProject::TokenRefused),
            Err(error) => {
                let cooldown = Cooldown::of_account(reason(&error), None, error.to_string());
                let failed = Failed { cooldown: cooldown.clone(), until: Instant::now() + FAILURE_KEPT };
                *known = Some(Known { holder, found: Err(failed) });
                Err(NoProject::Rest(cooldown))
            }
        }
    }
}

impl Holder {
    fn of(credential: Option<&Credential>) -> Self {
        match credential {
            Some(Credential::Token(AccessToken { facts, .. })) if facts.identity.is_some() => {
                Self::Named(facts.identity.clone().unwrap_or_default())
            }
            credential => Self::Token(credential.and_then(Credential::text).cloned()),
        }
    }
}

async fn search(
    account: &Account,
    credential: Option<&Credential>,
    egress: &Egress,
    transport: &dyn Transport,
) -> Result<String, ProjectError> {
    let (mut search, mut step) = ProjectSearch::begin(account, credential)?;
    loop {
        match step {
            ProjectStep::Found(project) => return Ok(project),
            ProjectStep::Ask { after, request } => {
                tokio::time::sleep(after).await;
                let asking = async {
                    let response = transport.send(*request, egress).await;
                    let (head, body) = response.map_err(|error| failing(&with_causes(&error)))?.into_parts();
                    let body = collect(body, PATIENCE, MOST_ERROR_BYTES).await;
                    Ok((head.status, body.map_err(|broken| failing(&broken.why))?))
                };
                let answer = timeout(PATIENCE, asking).await;
                let (status, body) = answer.unwrap_or_else(|_| Err(failing("it did not answer in time")))?;
                step = search.next(status, &body)?;
            }
        }
    }
}

fn failing(why: &str) -> ProjectError {
    ProjectError::Failing(why.to_owned())
}

const fn reason(error: &ProjectError) -> CooldownReason {
    match error {
        ProjectError::Refused { .. } => CooldownReason::Forbidden,
        ProjectError::Unauthorised => CooldownReason::Unauthorised,
        ProjectError::Failing(_) | ProjectError::Prepare(_) => CooldownReason::Failing,
    }
}

/// More than a large fleet has accounts; finding one again costs one short question.
const MOST_KNOWN: u64 = 10_000;
/// A project that an owner gives up is noticed within a day.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const FAILURE_KEPT: Duration = Duration::from_secs(10);
/// For each question.
const PATIENCE: Duration = Duration::from_secs(15);
