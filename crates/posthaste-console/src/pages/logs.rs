//! The latest lines of the relay's log.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, LogFilterInput, LogInput, LogLevel, LogLine, LogPage};
use posthaste_core::Area;

use crate::{
    BASE,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    serve::{Door, Page, shows, takes},
};

pub(super) fn pages() -> Vec<Page> {
    vec![
        shows("/logs", Door::Needs(Area::System.read()), show),
        takes("/logs/filter", Door::Needs(Area::Settings.write()), set_filter),
    ]
}

#[derive(Template)]
#[template(path = "logs.html")]
struct Logs<'a> {
    p: Frame,
    query: &'a Fields,
    /// `None` where no relay runs that keeps one.
    log: Option<LogPage>,
    /// What the field for the filter says.
    filter: String,
    /// The lines before these; `None` where there are none.
    older: Option<String>,
    /// The latest lines, where these are others.
    latest: Option<String>,
    trouble: Option<String>,
    may_write: bool,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_lines(&asked, StatusCode::OK, None).await
}

async fn set_filter(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let input = LogFilterInput { filter: asked.form.value("filter").trim().to_owned() };
    match asked.act::<LogPage>(Command::SetLogFilter(input)).await {
        Ok(log) => {
            let told = asked.fill("From now on this is logged: {}", &log.filter);
            Ok(asked.done(&format!("{BASE}/logs"), &told))
        }
        Err(error @ AdminError::Invalid { .. }) => {
            let said = asked.say_error(&error);
            show_lines(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn show_lines(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let query = &asked.query;
    let limit = query.number("limit").unwrap_or(USUAL).clamp(1, MOST);
    let given = |name: &str| query.text(name).map(str::to_owned);
    let before = query.text("before").and_then(|before| before.parse().ok());
    let input = LogInput {
        before,
        level: query.text("level").and_then(level),
        target: given("target"),
        search: given("search"),
        limit: Some(limit),
        ..LogInput::default()
    };
    let log = match asked.act::<LogPage>(Command::ListLogs(input)).await {
        Ok(mut log) => {
            // Whoever looks wants to know what was said last.
            log.lines.reverse();
            Some(log)
        }
        Err(AdminError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let to = |before: &str| format!("{BASE}/logs{}", query.clone().set("before", before).to_query());
    let full = log.as_ref().filter(|log| log.lines.len() == limit);
    let oldest = full.and_then(|log| log.lines.last()).map(|line| line.number);
    let older = oldest.filter(|number| *number > 1).map(|number| to(&number.to_string()));
    let latest = before.is_some().then(|| to(""));
    let typed = asked.form.given("filter").map(str::to_owned);
    let filter = typed.or_else(|| log.as_ref().map(|log| log.filter.clone())).unwrap_or_default();
    let p = asked.frame(asked.say("Log")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page_as(status, &Logs { p, query, log, filter, older, latest, trouble, may_write })
}

const LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

fn level(word: &str) -> Option<LogLevel> {
    LEVELS.into_iter().find(|(known, _)| *known == word).map(|(_, level)| level)
}

impl Logs<'_> {
    fn levels(&self) -> Vec<&'static str> {
        LEVELS.iter().map(|(word, _)| *word).collect()
    }

    fn word(&self, line: &LogLine) -> &'static str {
        LEVELS.iter().find(|(_, level)| *level == line.level).map_or("", |(word, _)| word)
    }

    /// The class of a level's badge.
    fn grave(&self, line: &LogLine) -> &'static str {
        match line.level {
            LogLevel::Error => "failing",
            LogLevel::Warn => "limited",
            LogLevel::Info | LogLevel::Debug | LogLevel::Trace => "",
        }
    }

    fn is_filtered(&self) -> bool {
        ["level", "target", "search"].iter().any(|name| self.query.text(name).is_some())
    }
}

const USUAL: usize = 100;
/// As many as the service tells at once.
const MOST: usize = 1_000;
