//! Every setting of the configuration with its value, and reading the configuration again.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, ReloadView, SettingSource, SettingView};
use posthaste_core::Area;

use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "settings/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    /// By the first part of their paths, in the order of the configuration.
    sections: Vec<(String, Vec<SettingView>)>,
    total: usize,
    waiting: usize,
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_list(&asked, StatusCode::OK, None).await
}

pub(super) async fn reload(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match asked.act::<ReloadView>(Command::ReloadSettings).await {
        Ok(reloaded) => Ok(asked.done(&format!("{BASE}/settings"), &told(&asked, &reloaded))),
        // What is wrong with the file, a line for each value.
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_list(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

fn told(asked: &Asked, reloaded: &ReloadView) -> String {
    let mut told = match reloaded.changed.as_slice() {
        [] => asked.say("Nothing that can change now is another.").to_owned(),
        changed => asked.fill("Changed: {}.", changed.join(", ")),
    };
    if !reloaded.waiting.is_empty() {
        told.push(' ');
        told.push_str(&asked.fill("The next start will take: {}.", reloaded.waiting.join(", ")));
    }
    told
}

async fn show_list(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let all: Vec<SettingView> = asked.act(Command::Settings).await?;
    let total = all.len();
    let waiting = all.iter().filter(|setting| setting.waiting.is_some()).count();
    let query = &asked.query;
    let sections = by_section(all.into_iter().filter(|setting| is_wanted(setting, query)));
    let p = asked.frame(asked.say("Settings")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page_as(status, &List { p, query, sections, total, waiting, trouble, may_write, tab: "settings" })
}

fn is_wanted(setting: &SettingView, query: &Fields) -> bool {
    let holds = |search: &str| {
        let search = search.to_lowercase();
        setting.path.to_lowercase().contains(&search) || setting.environment.to_lowercase().contains(&search)
    };
    let said_by = |word: &str| SOURCES.iter().any(|(known, of)| *known == word && *of == setting.source);
    query.text("search").is_none_or(holds)
        && query.text("source").is_none_or(said_by)
        && (!query.ticked("changed") || setting.changed)
}

fn by_section(settings: impl Iterator<Item = SettingView>) -> Vec<(String, Vec<SettingView>)> {
    let mut sections: Vec<(String, Vec<SettingView>)> = Vec::new();
    for setting in settings {
        let section = setting.path.split('.').next().unwrap_or_default().to_owned();
        match sections.iter_mut().find(|(known, _)| *known == section) {
            Some((_, inside)) => inside.push(setting),
            None => sections.push((section, vec![setting])),
        }
    }
    sections
}

/// Who says what a setting is, and the words for them in addresses.
const SOURCES: [(&str, SettingSource); 4] = [
    ("default", SettingSource::Default),
    ("file", SettingSource::File),
    ("environment", SettingSource::Environment),
    ("command_line", SettingSource::CommandLine),
];

fn source_words(source: SettingSource) -> &'static str {
    fn text(text: &'static str) -> &'static str {
        text
    }
    match source {
        SettingSource::Default => text("the default"),
        SettingSource::File => text("the file"),
        SettingSource::Environment => text("the environment"),
        SettingSource::CommandLine => text("the command line"),
    }
}

impl List<'_> {
    fn sources(&self) -> [(&'static str, &'static str); 4] {
        SOURCES.map(|(word, source)| (word, source_words(source)))
    }

    fn source(&self, setting: &SettingView) -> &'static str {
        source_words(setting.source)
    }

    fn is_filtered(&self) -> bool {
        ["search", "changed", "source"].iter().any(|name| self.query.text(name).is_some())
    }
}
