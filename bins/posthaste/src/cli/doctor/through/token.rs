//! What the doctor shows at the relay's door: a token that it makes for itself and ends again, or the one that it was given.

use posthaste_admin::{Command as Work, Reply, TokenInput};
use posthaste_core::{ApiTokenId, Area, Secret};

use super::Finding;
use crate::{
    Config,
    cli::{
        Failure,
        session::{Session, unexpected},
    },
};

pub(super) struct Token {
    secret: Secret,
    instance: Option<String>,
    /// The one to be ended.
    made: Option<ApiTokenId>,
}

pub(super) async fn make(config: &Config) -> Result<Token, Finding> {
    made(config).await.map_err(|failure| {
        let fix = "posthaste serve; with a relay elsewhere --server, and a token with system:read";
        Finding::bad("through: own token", failure.line(), fix)
    })
}

async fn made(config: &Config) -> Result<Token, Failure> {
    let mut session = Session::open(config, &Work::Status).await?;
    let told = match session {
        // A token that is made in the store alone opens the relay's door too, but none is there.
        Session::Direct(..) => Err(Failure::failed("no relay runs on this data folder")),
        _ => told(&mut session, config).await,
    };
    let closed = session.close().await;
    let token = told?;
    closed?;
    Ok(token)
}

async fn told(session: &mut Session, config: &Config) -> Result<Token, Failure> {
    let Reply::Status(status) = session.call(Work::Status).await? else { return Err(unexpected()) };
    let instance = status.server.and_then(|server| server.instance).map(|instance| instance.to_string());
    if let Some(server) = &config.elsewhere {
        return Ok(Token { secret: server.token().clone(), instance, made: None });
    }
    let name = format!("doctor-{}", uuid::Uuid::now_v7().simple());
    let wanted = TokenInput { name, scopes: vec![Area::System.read()], lasts_seconds: Some(LASTS_SECONDS) };
    match session.call(Work::CreateToken(wanted)).await? {
        Reply::CreatedToken(created) => {
            let secret = created.token.secret().clone();
            Ok(Token { secret, instance, made: Some(created.view.id) })
        }
        _ => Err(unexpected()),
    }
}

impl Token {
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Which relay it was that told.
    pub(super) fn instance(&self) -> Option<String> {
        self.instance.clone()
    }

    /// Ends it, where it was made for this; tells where that fails.
    pub(super) async fn end(self, config: &Config) -> Option<Finding> {
        let work = Work::DeleteToken { token: self.made?.to_string() };
        let ended = match Session::open(config, &work).await {
            Ok(session) => session.execute(work).await,
            Err(failure) => Err(failure),
        };
        let failure = ended.err()?;
        let fix = "it ends by itself within ten minutes";
        Some(Finding::odd("through: own token", format!("could not be deleted: {}", failure.line()), fix))
    }
}

/// Longer than the longest look takes.
const LASTS_SECONDS: u64 = 600;
