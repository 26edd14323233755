//! Many client keys at once: made alike, changed alike.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, BatchChange, BatchView, Command, CreatedBatch, ExpiryInput, KeyBatch, KeyChange,
    KeySelection, KeyView, NewKey, NewKeys, PolicyInput, parse_length, parse_limit,
};
use posthaste_core::Limit;

use super::form;
use crate::{BASE, answer, asked::Asked, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "keys/batch_new.html")]
struct New<'a> {
    p: Frame,
    form: &'a Fields,
    trouble: Option<String>,
}

#[derive(Template)]
#[template(path = "keys/batch_made.html")]
struct Made {
    p: Frame,
    made: CreatedBatch,
    /// Names and secrets, a line each, for a table.
    table: String,
}

#[derive(Template)]
#[template(path = "keys/batch_edit.html")]
struct Edit<'a> {
    p: Frame,
    form: &'a Fields,
    keys: Vec<KeyView>,
    /// What would change, in words; `None` until something is to change.
    changes: Option<Vec<String>>,
    trouble: Option<String>,
}

#[derive(Template)]
#[template(path = "keys/batch_done.html")]
struct Done {
    p: Frame,
    view: BatchView,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = Fields::default().with("count", "10").with("expiry", "never");
    show(&asked, StatusCode::OK, &blank, None).await
}

async fn show(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Several new keys")).await?;
    asked.page_as(status, &New { p, form, trouble })
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match create_keys(&asked).await {
        Ok(made) => {
            let p = asked.frame(asked.say("Several new keys")).await?;
            let table = made.created.iter().fold("name,key\n".to_owned(), |mut table, key| {
                table.push_str(&csv_cell(&key.view.name));
                table.push(',');
                table.push_str(key.key.secret().expose());
                table.push('\n');
                table
            });
            asked.page(&Made { p, made, table })
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn create_keys(asked: &Asked) -> Result<CreatedBatch, AdminError> {
    let names = asked.form.lines("names");
    let new = NewKeys {
        prefix: asked.form.text("prefix").filter(|_| names.is_empty()).map(str::to_owned),
        count: asked.form.number("count").filter(|_| names.is_empty()).unwrap_or_default(),
        names,
        with: NewKey { name: String::new(), ..form::new_key(&asked.form)? },
    };
    asked.admin.create_keys(&asked.actor, new).await
}

/// Shows which keys were chosen, and, once something is to change, what.
pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let chosen: Vec<_> = asked.form.all("key").map(str::to_owned).collect();
    if chosen.is_empty() {
        return Ok(asked.done(&format!("{BASE}/keys"), asked.say("Choose keys first.")));
    }
    let mut keys = Vec::with_capacity(chosen.len());
    for key in chosen.into_iter().take(MOST) {
        keys.push(asked.act::<KeyView>(Command::ShowKey { key }).await?);
    }
    let (changes, trouble) = match asked.form.text("preview").map(|_| change(&asked.form)) {
        None => (None, None),
        Some(Ok(_)) => (Some(said_changes(&asked)), None),
        Some(Err(error)) => (None, Some(asked.say_error(&error))),
    };
    let p = asked.frame(asked.say("Change several keys")).await?;
    asked.page(&Edit { p, form: &asked.form, keys, changes, trouble })
}

pub(super) async fn apply(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let of =
        KeySelection { keys: asked.form.all("key").map(str::to_owned).collect(), ..KeySelection::default() };
    if of.keys.is_empty() {
        return Ok(answer::see(&format!("{BASE}/keys")));
    }
    let batch = match asked.form.value("do") {
        "delete" => KeyBatch::Delete(of),
        _ => KeyBatch::Update(Box::new(BatchChange { of, change: change(&asked.form)? })),
    };
    let view = asked.admin.batch_keys(&asked.actor, batch).await?;
    let p = asked.frame(asked.say("Change several keys")).await?;
    asked.page(&Done { p, view })
}

/// What the form changes at all of them; what it leaves empty stays.
fn change(form: &Fields) -> Result<KeyChange, AdminError> {
    let invalid = |field: &'static str, message: String| AdminError::Invalid { field, message };
    let limits: Option<Vec<Limit>> = match form.value("limits_do") {
        "set" => {
            let lines = form.value("limits").lines().map(str::trim).filter(|line| !line.is_empty());
            let read = |line| parse_limit(line).map_err(|message| invalid("limits", message));
            Some(lines.map(read).collect::<Result<_, _>>()?)
        }
        _ => None,
    };
    let expiry = match form.value("expiry") {
        "never" => Some(ExpiryInput::Never),
        "in" => {
            let seconds = parse_length(form.value("expiry_span").trim());
            Some(ExpiryInput::In { seconds: seconds.map_err(|message| invalid("expiry", message))? })
        }
        _ => None,
    };
    let enabled = match form.value("enabled") {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let models = |field: &str| form.is("models_do", "set").then(|| form.lines(field));
    let policy = PolicyInput {
        add_tags: form.lines("add_tags"),
        remove_tags: form.lines("remove_tags"),
        owner: form.ticked("owner_do").then(|| form.value("owner").trim().to_owned()),
        ..PolicyInput::default()
    };
    Ok(KeyChange {
        enabled,
        expiry,
        limits,
        allow: models("allow"),
        deny: models("deny"),
        policy,
        ..KeyChange::default()
    })
}

fn said_changes(asked: &Asked) -> Vec<String> {
    let form = &asked.form;
    let mut said = Vec::new();
    match form.value("enabled") {
        "on" => said.push(asked.say("switched on").to_owned()),
        "off" => said.push(asked.say("switched off").to_owned()),
        _ => {}
    }
    match form.value("expiry") {
        "never" => said.push(asked.say("end never").to_owned()),
        "in" => said.push(asked.fill("end {} from now", form.value("expiry_span"))),
        _ => {}
    }
    if form.is("limits_do", "set") {
        let lines: Vec<_> =
            form.value("limits").lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        said.push(asked.fill("limits: {}", if lines.is_empty() { "–".to_owned() } else { lines.join("; ") }));
    }
    if form.is("models_do", "set") {
        let lists = [form.lines("allow").join(" "), form.lines("deny").join(" ")];
        said.push(asked.fill("only models {}", &lists[0]));
        said.push(asked.fill("never models {}", &lists[1]));
    }
    if form.text("add_tags").is_some() {
        said.push(asked.fill("tags added: {}", form.lines("add_tags").join(", ")));
    }
    if form.text("remove_tags").is_some() {
        said.push(asked.fill("tags taken away: {}", form.lines("remove_tags").join(", ")));
    }
    if form.ticked("owner_do") {
        said.push(asked.fill("owner: {}", form.value("owner")));
    }
    said
}

/// A cell that a spreadsheet takes for text and not for a formula.
pub(crate) fn csv_cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// As many as a page of the list has.
const MOST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_filled_in_changes() {
        let nothing = change(&Fields::default()).unwrap();
        assert_eq!(nothing, KeyChange { policy: PolicyInput::default(), ..KeyChange::default() });
        let form = Fields::read(
            b"enabled=off&limits_do=set&limits=cost%3D1%2Fday&add_tags=x&models_do=set&allow=a*",
        );
        let some = change(&form).unwrap();
        assert_eq!((some.enabled, some.limits.map(|limits| limits.len())), (Some(false), Some(1)));
        assert_eq!((some.allow, some.deny), (Some(vec!["a*".to_owned()]), Some(Vec::new())));
        assert!(some.expiry.is_none());
    }

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
