//! The audit log: who did what, and what it changed.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, AuditEntry, AuditInput, AuditPage, AuditReport, Command, Outcome};
use posthaste_core::Area;

use super::reading::moment;
use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    serve::{Door, Page, shows},
};

pub(super) fn pages() -> Vec<Page> {
    let read = Door::Needs(Area::Audit.read());
    vec![shows("/audit", read, list), shows("/audit/verify", read, verify)]
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    page: AuditPage,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "audit/verified.html")]
struct Verified {
    p: Frame,
    report: AuditReport,
}

/// A field that was changed, before and after.
struct Changed {
    field: String,
    before: String,
    after: String,
}

async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let given = |name: &str| query.text(name).map(str::to_owned);
    let input = AuditInput {
        before: query.text("before").and_then(|before| before.parse().ok()),
        limit: Some(50),
        action: given("action"),
        target: given("target"),
        who: given("who"),
        from: moment(query, "from"),
        until: moment(query, "until"),
    };
    let page: AuditPage = asked.act(Command::ListAudit(input)).await?;
    let next = page
        .next
        .map(|next| format!("{}{}", asked.path, query.clone().set("before", next.to_string()).to_query()));
    let p = asked.frame(asked.say("Audit log")).await?;
    asked.page(&List { p, query, page, next })
}

async fn verify(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let report: AuditReport = asked.act(Command::VerifyAudit).await?;
    let p = asked.frame(asked.say("Audit log")).await?;
    asked.page(&Verified { p, report })
}

impl List<'_> {
    fn is_filtered(&self) -> bool {
        ["action", "target", "who", "from", "until", "before"]
            .iter()
            .any(|name| self.query.text(name).is_some())
    }

    /// Who did it, by name where there is one.
    fn who(&self, entry: &AuditEntry) -> String {
        fn text(text: &'static str) -> &'static str {
            text
        }
        let told = |name| entry.who.get(name).and_then(serde_json::Value::as_str);
        let kind = match told("kind") {
            Some("machine") => text("the command line"),
            Some("stranger") => text("a stranger"),
            Some("token") => text("API token"),
            _ => "",
        };
        [self.p.t(kind), told("name").unwrap_or_default()].join(" ").trim().to_owned()
    }

    /// The page of the record that it was done to, if there is one.
    fn page_of(&self, entry: &AuditEntry) -> Option<String> {
        let target = entry.target.as_ref()?;
        let folder = match target.kind.as_str() {
            "client_key" => "keys",
            "account" => "accounts",
            "pool" => "pools",
            "route" => "routes",
            "user" => "people",
            "owner" => "people/owners",
            "team" => "people/teams",
            _ => return None,
        };
        Some(format!("{}/{folder}/{}", self.p.base(), target.id?))
    }

    fn outcome(&self, entry: &AuditEntry) -> (&'static str, &'static str) {
        fn text(text: &'static str) -> &'static str {
            text
        }
        match entry.outcome {
            Outcome::Done => ("done", text("done")),
            Outcome::Refused => ("refused", text("refused")),
            Outcome::Failed => ("failing", text("failed")),
        }
    }

    /// The fields that are others since then.
    fn changes(&self, entry: &AuditEntry) -> Vec<Changed> {
        let (before, after) = (entry.before.as_ref(), entry.after.as_ref());
        let sides = [before, after];
        let mut names: Vec<_> = sides
            .into_iter()
            .flatten()
            .filter_map(|side| side.as_object())
            .flat_map(|side| side.keys())
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() && (before.is_some() || after.is_some()) {
            return vec![Changed { field: String::new(), before: written(before), after: written(after) }];
        }
        let of = |side: Option<&serde_json::Value>, name: &str| written(side.and_then(|side| side.get(name)));
        let change =
            |name: &String| Changed { field: name.clone(), before: of(before, name), after: of(after, name) };
        names.into_iter().map(change).collect()
    }
}

/// A value as people read it: texts without quotes, everything else as JSON.
fn written(value: Option<&serde_json::Value>) -> String {
    match value {
        None | Some(serde_json::Value::Null) => "–".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
