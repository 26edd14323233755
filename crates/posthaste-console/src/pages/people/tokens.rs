//! Tokens with which programs use the admin API in a person's place.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, CreatedToken, TokenInput, TokenView, UserView};
use posthaste_core::{Area, Scope, Timestamp, UserId};

use super::Tabs;
use crate::{
    BASE,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::reading::{invalid, seconds},
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "people/tokens.html")]
struct List {
    p: Frame,
    tabs: Tabs,
    tokens: Vec<TokenView>,
    people: HashMap<UserId, String>,
    now: Timestamp,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "people/token_form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    areas: Vec<Grant>,
    trouble: Option<String>,
}

/// An area of which a token may be given something.
struct Grant {
    name: &'static str,
    read: String,
    /// `None` where whoever makes the token may not write there.
    write: Option<String>,
}

#[derive(Template)]
#[template(path = "people/token_made.html")]
struct Made {
    p: Frame,
    made: CreatedToken,
    site: String,
}

pub(super) async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let tokens: Vec<TokenView> = asked.act(Command::ListTokens).await?;
    let users: Vec<UserView> = asked.act(Command::ListUsers).await?;
    let people = users.into_iter().map(|user| (user.id, user.name)).collect();
    let p = asked.frame(asked.say("API tokens")).await?;
    let (tabs, may_write) = (Tabs::of(&asked, "tokens"), asked.may(Area::Users.write()));
    asked.page(&List { p, tabs, tokens, people, now: asked.now(), may_write })
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = Fields::default().with("lasts", "90d");
    show_form(&asked, StatusCode::OK, &blank, None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made: Result<CreatedToken, _> = match input(&asked.form) {
        Ok(new) => asked.act(Command::CreateToken(new)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let p = asked.frame(&made.view.name).await?;
            asked.page(&Made { p, made, site: asked.site.clone() })
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let token = asked.parameter("token").to_owned();
    let gone: TokenView = asked.act(Command::DeleteToken { token }).await?;
    let told = asked.fill("{} is ended. Programs with it are refused from now on.", &gone.name);
    Ok(asked.done(&format!("{BASE}/people/tokens"), &told))
}

fn input(form: &Fields) -> Result<TokenInput, AdminError> {
    let chosen = form.all("scope").filter(|scope| !scope.is_empty());
    let scopes = chosen.map(|scope| {
        scope.parse::<Scope>().map_err(|_| invalid("scopes", format!("`{scope}` is none that there is")))
    });
    Ok(TokenInput {
        name: form.value("name").trim().to_owned(),
        scopes: scopes.collect::<Result<_, _>>()?,
        lasts_seconds: seconds(form, "lasts")?,
    })
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let may_read = Area::ALL.into_iter().filter(|area| asked.may(area.read()));
    let areas = may_read.map(|area| Grant {
        name: area_words(area),
        read: area.read().to_string(),
        write: asked.may(area.write()).then(|| area.write().to_string()),
    });
    let p = asked.frame(asked.say("New API token")).await?;
    asked.page_as(status, &Form { p, form, areas: areas.collect(), trouble })
}

impl List {
    /// Who made it; `None` for the command line.
    fn maker(&self, token: &TokenView) -> Option<&str> {
        self.people.get(&token.user?).map(String::as_str)
    }

    fn is_over(&self, token: &TokenView) -> bool {
        token.expires_at.is_some_and(|end| end <= self.now)
    }
}

fn area_words(area: Area) -> &'static str {
    match area {
        Area::Accounts => text("accounts and their log-ins"),
        Area::Pools => text("pools and routes"),
        Area::Keys => text("client keys, owners, teams, cards"),
        Area::Usage => text("use and cost"),
        Area::Requests => text("requests and why they went so"),
        Area::Bodies => text("bodies of requests"),
        Area::Users => text("people and API tokens"),
        Area::Settings => text("settings of the relay"),
        Area::Notifications => text("notification channels"),
        Area::Audit => text("the audit log"),
        Area::Data => text("exports and imports"),
        Area::System => text("how the relay fares"),
    }
}

/// Marks a text that pages say in the reader's language.
fn text(text: &'static str) -> &'static str {
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_a_token_may() {
        let form = Fields::read(b"name=ci&scope=keys:write&scope=&scope=usage:read&lasts=30d");
        let new = input(&form).unwrap();
        assert_eq!(new.scopes, [Area::Keys.write(), Area::Usage.read()]);
        assert_eq!(new.lasts_seconds, Some(30 * 86_400));
        assert!(input(&Fields::read(b"scope=all:write")).is_err());
        assert!(input(&Fields::read(b"lasts=long")).is_err());
    }
}
