//! Back-ups of the store that lie beside it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, BackupView, Command};
use posthaste_core::Area;

use crate::{BASE, asked::Asked, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "settings/backups.html")]
struct Backups {
    p: Frame,
    backups: Vec<BackupView>,
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_list(&asked, StatusCode::OK, None).await
}

pub(super) async fn make(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made = asked.act::<BackupView>(Command::CreateBackup).await;
    answer(&asked, made.map(|backup| asked.fill("{} is made.", &backup.name))).await
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let backup = asked.form.value("backup").to_owned();
    let gone = asked.act::<BackupView>(Command::DeleteBackup { backup }).await;
    answer(&asked, gone.map(|backup| asked.fill("{} is removed.", &backup.name))).await
}

async fn answer(asked: &Asked, done: Result<String, AdminError>) -> Result<Response, AdminError> {
    match done {
        Ok(told) => Ok(asked.done(&format!("{BASE}/settings/backups"), &told)),
        // A store that has its own way of back-ups, say.
        Err(error) if is_of_form(&error) => {
            show_list(asked, StatusCode::CONFLICT, Some(asked.say_error(&error))).await
        }
        Err(error) => Err(error),
    }
}

async fn show_list(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let backups: Vec<BackupView> = asked.act(Command::ListBackups).await?;
    let p = asked.frame(asked.say("Back-ups")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page_as(status, &Backups { p, backups, trouble, may_write, tab: "backups" })
}
