//! What a page is made from.

use std::{fmt::Display, sync::Arc};

use axum::response::Response;
use http::{HeaderValue, StatusCode};
use parking_lot::Mutex;
use posthaste_admin::{Acted, Actor, Admin, AdminError, Command, KnownPerson, Replied};
use posthaste_core::{Scope, Timestamp};
use posthaste_http::PageVisitor;

use crate::{
    answer,
    fields::Fields,
    first_steps::WayGone,
    frame::{self, Frame},
    look::Look,
    texts,
    told::{self, Told, Undo},
    trouble,
};

/// A request for a page, whose sender may have it.
pub(crate) struct Asked {
    pub(crate) admin: Admin,
    pub(crate) visitor: PageVisitor,
    pub(crate) actor: Actor,
    pub(crate) look: Look,
    /// The path, without the query.
    pub(crate) path: String,
    pub(crate) query: Fields,
    pub(crate) form: Fields,
    pub(crate) parameters: Vec<(String, String)>,
    /// Where clients reach the relay, as far as this request tells.
    pub(crate) site: String,
    /// What was done by the request before this one, in words.
    pub(crate) told: Option<Told>,
    /// What the browser keeps of a client key that was presented.
    pub(crate) held: Option<String>,
    pub(crate) cookies: Arc<Mutex<Vec<HeaderValue>>>,
    /// Whether the way to the first request is known to be gone to its end.
    pub(crate) way_gone: WayGone,
}

impl Asked {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn may(&self, need: Scope) -> bool {
        self.actor.may(need)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.admin.now()
    }

    pub(crate) fn person(&self) -> Option<&KnownPerson> {
        self.visitor.person.as_ref()
    }

    /// Has a piece of work done for whoever asks.
    pub(crate) async fn act<T: Replied>(&self, command: Command) -> Result<T, AdminError> {
        let reply = self.admin.act(&self.actor, command).await?;
        T::from_reply(reply).ok_or_else(other_kind)
    }

    /// The same, if the record still has the version that the form's field `version` names.
    pub(crate) async fn act_on<T: Replied>(&self, command: Command) -> Result<T, AdminError> {
        let seen = self.form.text("version").and_then(|version| version.parse().ok());
        let Acted { reply, .. } = self.admin.act_on(&self.actor, command, seen).await?;
        T::from_reply(reply).ok_or_else(other_kind)
    }

    /// A record with the version that it has.
    pub(crate) async fn look_up<T: Replied>(&self, command: Command) -> Result<(T, Option<u64>), AdminError> {
        let Acted { reply, version } = self.admin.act_on(&self.actor, command, None).await?;
        Ok((T::from_reply(reply).ok_or_else(other_kind)?, version))
    }

    /// A piece of work whose reply is looked at if whoever asks may have it done, and left out otherwise.
    pub(crate) async fn act_if_may<T: Replied>(
        &self,
        need: Scope,
        command: Command,
    ) -> Result<Option<T>, AdminError> {
        if self.may(need) { self.act(command).await.map(Some) } else { Ok(None) }
    }

    /// A text in the language of whoever asks.
    pub(crate) fn say<'a>(&self, text: &'a str) -> &'a str {
        texts::say(self.look.language, text)
    }

    /// The same with a value in the place of `{}`.
    pub(crate) fn fill(&self, text: &str, value: impl Display) -> String {
        texts::fill(self.look.language, text, &value.to_string())
    }

    /// What went wrong, for the head of a form.
    pub(crate) fn say_error(&self, error: &AdminError) -> String {
        trouble::in_form(self.look.language, error)
    }

    /// What is around every page.
    pub(crate) async fn frame(&self, title: &str) -> Result<Frame, AdminError> {
        frame::of(self, title).await
    }

    /// Goes to another page, which says what was done.
    pub(crate) fn done(&self, path: &str, told: &str) -> Response {
        self.told_at(path, told, None)
    }

    /// The same where it can be taken back from that page.
    pub(crate) fn done_for_now(&self, path: &str, told: &str, undo: Undo) -> Response {
        self.told_at(path, told, Some(undo))
    }

    fn told_at(&self, path: &str, told: &str, undo: Option<Undo>) -> Response {
        let told = Told { text: told.to_owned(), undo };
        self.cookies.lock().extend(told::tell(&told, self.visitor.secure));
        answer::see(path)
    }

    /// A page.
    pub(crate) fn page(&self, template: &impl askama::Template) -> Result<Response, AdminError> {
        self.page_as(StatusCode::OK, template)
    }

    /// A page with another status, for forms that are shown again.
    pub(crate) fn page_as(
        &self,
        status: StatusCode,
        template: &impl askama::Template,
    ) -> Result<Response, AdminError> {
        let html = template.render().map_err(|error| AdminError::internal("a page", error))?;
        Ok(answer::page(status, html))
    }
}

fn other_kind() -> AdminError {
    AdminError::internal("a reply", "it is of another kind than the command asks for")
}
