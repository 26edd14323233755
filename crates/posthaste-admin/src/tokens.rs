//! Tokens of the admin API.

use std::time::Duration;

use posthaste_core::{ApiToken, ApiTokenId, Role, Scope, Timestamp, UserId};
use posthaste_storage::Repository;
use posthaste_vault::{NewToken, hash_token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Admin, AdminError, Who,
    change::{self, by_name},
    input::{self, Disclosed},
};

/// A token to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenInput {
    /// A name for it.
    pub name: String,
    /// What it may do; each has to be allowed to whoever makes it.
    pub scopes: Vec<Scope>,
    /// In how many seconds it ends; 90 days unless told, at most a year.
    pub lasts_seconds: Option<u64>,
}

/// A token as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// Its identity.
    pub id: ApiTokenId,
    /// Its name.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// Who made it; `None` for the relay's own operator.
    pub user: Option<UserId>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token that was just made, with its secret, which nobody can tell again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub view: TokenView,
    /// What programs present as `Authorization: Bearer`.
    pub token: Disclosed,
}

/// Tokens of the admin API.
#[derive(Clone, Copy)]
pub struct TokenService<'a> {
    admin: &'a Admin,
}

impl<'a> TokenService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Makes a token for `actor`, who keeps it from doing more than he may himself.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Forbidden`] for a scope that the actor does
    /// not have, [`AdminError::Conflict`] when the name is taken.
    pub async fn create(self, actor: &Actor, new: TokenInput) -> Result<CreatedToken, AdminError> {
        if new.scopes.is_empty() {
            return Err(AdminError::invalid(
                "scopes",
                "is empty; name what the token may do, such as keys:read",
            ));
        }
        // A token that makes tokens would outlive itself.
        if matches!(actor.who, Who::Token { .. }) {
            return Err(AdminError::Forbidden { need: "a log-in; tokens make no tokens".to_owned() });
        }
        new.scopes.iter().try_for_each(|scope| actor.check(*scope))?;
        let lasts = new.lasts_seconds.unwrap_or(USUAL.as_secs());
        if !(1..=LONGEST.as_secs()).contains(&lasts) {
            return Err(AdminError::invalid(
                "lasts_seconds",
                "is not from a second to a year; such as 7776000",
            ));
        }
        let now = self.admin.parts().clock.now();
        let name = input::name(&new.name)?;
        let records = self.tokens();
        if by_name(&records, &name).await?.is_some() {
            return Err(change::taken("token", &name));
        }
        let made = NewToken::generate(PREFIX)?;
        let text = made.secret.expose();
        let token = ApiToken {
            id: ApiTokenId::generate(),
            name,
            token: made.hash,
            hint: text[text.len() - HINT_LENGTH..].to_owned(),
            user: actor.user(),
            scopes: new.scopes,
            expires_at: Some(now.plus(Duration::from_secs(lasts))),
            created_at: now,
        };
        let kept = records.create(token).await?.value;
        Ok(CreatedToken { view: TokenView::of(kept), token: Disclosed::new(made.secret) })
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<TokenView>, AdminError> {
        let mut views: Vec<_> =
            self.tokens().all().await?.into_iter().map(|found| TokenView::of(found.value)).collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// Ends a token.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn delete(self, token: &str) -> Result<TokenView, AdminError> {
        change::remove(&self.tokens(), token).await.map(TokenView::of)
    }

    /// Whom a presented token stands for now; `None` for one that is unknown, over, or of a person who may not log in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn actor(self, presented: &str) -> Result<Option<Who>, AdminError> {
        if !presented.starts_with(PREFIX) {
            return Ok(None);
        }
        let Some(found) = self.tokens().find(&hash_token(presented).to_hex()).await? else { return Ok(None) };
        let ApiToken { id, name, user, scopes, expires_at, .. } = found.value;
        if expires_at.is_some_and(|end| end <= self.admin.parts().clock.now()) {
            return Ok(None);
        }
        let role = match user {
            None => Role::Owner,
            Some(user) => match self.admin.user_records().get(user.uuid()).await? {
                Some(found) if found.value.enabled => found.value.role,
                _ => return Ok(None),
            },
        };
        Ok(Some(Who::Token { id, name, user, role, scopes }))
    }

    fn tokens(self) -> Repository<ApiToken> {
        self.admin.token_records()
    }
}

impl TokenView {
    fn of(token: ApiToken) -> Self {
        let ApiToken { id, name, hint, user, scopes, expires_at, created_at, .. } = token;
        Self { id, name, hint, user, scopes, expires_at, created_at }
    }
}

/// What tokens begin with, so that scanners for leaked secrets know them.
const PREFIX: &str = "pht_";
const HINT_LENGTH: usize = 4;
const USUAL: Duration = Duration::from_secs(90 * 24 * 3_600);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);
