//! Who I am, my password and my sessions.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, PasswordChange, QuotaInfo, SessionView, TokenView, UserView};
use posthaste_core::{Area, Level, Scope, Secret};

use super::{is_told_at_the_form, person};
use crate::{
    BASE,
    asked::Asked,
    frame::Frame,
    pages::{
        people::{own_session, role_name, role_words, sign_in_words, twice_the_same},
        reading::invalid,
    },
};

#[derive(Template)]
#[template(path = "me/account.html")]
struct Account {
    p: Frame,
    user: UserView,
    scopes: Vec<Scope>,
    quota: QuotaInfo,
    sessions: Vec<SessionView>,
    this_session: String,
    /// The own tokens of the admin API; `None` for whoever may not see any.
    tokens: Option<Vec<TokenView>>,
    trouble: Option<String>,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_account(&asked, StatusCode::OK, None).await
}

/// The page again, with what went wrong.
pub(super) async fn show_trouble(asked: &Asked, error: AdminError) -> Result<Response, AdminError> {
    if !is_told_at_the_form(&error) {
        return Err(error);
    }
    show_account(asked, StatusCode::UNPROCESSABLE_ENTITY, Some(asked.say_error(&error))).await
}

async fn show_account(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let me = person(asked)?;
    let profile = asked.admin.sign_in().profile(me);
    let sessions = asked.admin.sign_in().own_sessions(me).await?;
    let quota = asked.admin.own_keys(me).quota().await?;
    let tokens: Option<Vec<TokenView>> = asked.act_if_may(Area::Users.read(), Command::ListTokens).await?;
    let own = |mut tokens: Vec<TokenView>| {
        tokens.retain(|token| token.user == Some(me.user.id));
        tokens
    };
    let (tokens, this_session) = (tokens.map(own), own_session(asked));
    let p = asked.frame(asked.say("Your account")).await?;
    let (user, scopes) = (profile.user, profile.scopes);
    asked.page_as(
        status,
        &Account { p, user, scopes, quota, sessions, this_session, tokens, trouble, tab: "account" },
    )
}

pub(super) async fn change_password(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let me = person(&asked)?;
    let change = match password_change(&asked) {
        Ok(change) => change,
        Err(error) => return show_trouble(&asked, error).await,
    };
    match asked.admin.sign_in().change_password(me, change).await {
        Ok(_) => {
            let told = asked.say("Your password is another one now. Your other sessions are ended.");
            Ok(asked.done(&format!("{BASE}/me"), told))
        }
        Err(error) => show_trouble(&asked, error).await,
    }
}

fn password_change(asked: &Asked) -> Result<PasswordChange, AdminError> {
    let form = &asked.form;
    let new = twice_the_same(asked, form, "password")?;
    let new = new.ok_or_else(|| invalid("password", asked.say("Give the new password twice.")))?;
    let current = posthaste_admin::Disclosed::new(Secret::new(form.value("current")));
    Ok(PasswordChange { current, new })
}

pub(super) async fn end_other_sessions(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let ended = asked.admin.sign_in().end_other_sessions(person(&asked)?).await?;
    Ok(asked.done(&format!("{BASE}/me"), &asked.fill("{} other sessions are ended.", ended)))
}

impl Account {
    fn role(&self) -> &'static str {
        role_name(self.user.role)
    }

    fn may(&self) -> &'static str {
        role_words(self.user.role)
    }

    fn sign_in(&self) -> &str {
        sign_in_words(&self.user.sign_in)
    }

    fn is_this(&self, session: &SessionView) -> bool {
        session.id == self.this_session
    }

    /// The scopes, each area once: changing includes looking.
    fn widest(&self) -> Vec<&Scope> {
        let writes = |area| self.scopes.contains(&Scope { area, level: Level::Write });
        let widest = |scope: &&Scope| scope.level == Level::Write || !writes(scope.area);
        self.scopes.iter().filter(widest).collect()
    }
}
