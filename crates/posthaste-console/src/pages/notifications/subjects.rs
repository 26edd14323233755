//! What a channel wants to hear about, as lines that people write: `account main`, `model gpt-5`, `store`.

use posthaste_admin::{AccountView, AdminError, Command, KeyView, OwnerView, PoolView, TeamView};
use posthaste_core::SubjectRef;

use crate::{asked::Asked, pages::reading::invalid};

/// The subjects of the form's field `subjects`.
pub(super) async fn read(asked: &Asked) -> Result<Vec<SubjectRef>, AdminError> {
    let mut subjects = Vec::new();
    for line in asked.form.value("subjects").lines().map(str::trim).filter(|line| !line.is_empty()) {
        subjects.push(one(asked, line).await.map_err(of_field)?);
    }
    Ok(subjects)
}

/// They are written by name; an identity is taken too, and stays when nobody has it any more.
async fn one(asked: &Asked, line: &str) -> Result<SubjectRef, AdminError> {
    let (sort, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let name = name.trim();
    let named = || name.to_owned();
    Ok(match sort {
        "store" if name.is_empty() => SubjectRef::Store,
        "relay" if name.is_empty() => SubjectRef::Relay,
        "store" | "relay" => return Err(unknown(line)),
        _ if name.is_empty() => return Err(unknown(line)),
        "model" => SubjectRef::Model(named()),
        "person" => SubjectRef::Person(named()),
        "account" => SubjectRef::Account(match name.parse() {
            Ok(id) => id,
            Err(_) => asked.act::<AccountView>(Command::ShowAccount { account: named() }).await?.id,
        }),
        "key" => SubjectRef::ClientKey(match name.parse() {
            Ok(id) => id,
            Err(_) => asked.act::<KeyView>(Command::ShowKey { key: named() }).await?.id,
        }),
        "owner" => SubjectRef::Owner(match name.parse() {
            Ok(id) => id,
            Err(_) => asked.act::<OwnerView>(Command::ShowOwner { owner: named() }).await?.id,
        }),
        "team" => SubjectRef::Team(match name.parse() {
            Ok(id) => id,
            Err(_) => asked.act::<TeamView>(Command::ShowTeam { team: named() }).await?.id,
        }),
        "pool" => SubjectRef::Pool(match name.parse() {
            Ok(id) => id,
            Err(_) => asked.act::<PoolView>(Command::ShowPool { pool: named() }).await?.id,
        }),
        _ => return Err(unknown(line)),
    })
}

/// The subjects as lines, by name as far as whoever asks may see it.
pub(super) async fn lines(asked: &Asked, subjects: &[SubjectRef]) -> Result<Vec<String>, AdminError> {
    let mut lines = Vec::with_capacity(subjects.len());
    for subject in subjects {
        lines.push(line(asked, subject).await?);
    }
    Ok(lines)
}

async fn line(asked: &Asked, subject: &SubjectRef) -> Result<String, AdminError> {
    let (sort, id, name) = match subject {
        SubjectRef::Store => return Ok("store".to_owned()),
        SubjectRef::Relay => return Ok("relay".to_owned()),
        SubjectRef::Model(name) => return Ok(format!("model {name}")),
        SubjectRef::Person(name) => return Ok(format!("person {name}")),
        SubjectRef::Account(id) => {
            let account = id.to_string();
            let found = asked.act::<AccountView>(Command::ShowAccount { account }).await;
            ("account", id.to_string(), found.map(|account| account.name))
        }
        SubjectRef::ClientKey(id) => {
            let found = asked.act::<KeyView>(Command::ShowKey { key: id.to_string() }).await;
            ("key", id.to_string(), found.map(|key| key.name))
        }
        SubjectRef::Owner(id) => {
            let found = asked.act::<OwnerView>(Command::ShowOwner { owner: id.to_string() }).await;
            ("owner", id.to_string(), found.map(|owner| owner.name))
        }
        SubjectRef::Team(id) => {
            let found = asked.act::<TeamView>(Command::ShowTeam { team: id.to_string() }).await;
            ("team", id.to_string(), found.map(|team| team.name))
        }
        SubjectRef::Pool(id) => {
            let found = asked.act::<PoolView>(Command::ShowPool { pool: id.to_string() }).await;
            ("pool", id.to_string(), found.map(|pool| pool.name))
        }
    };
    match name {
        Ok(name) => Ok(format!("{sort} {name}")),
        Err(AdminError::NotFound { .. } | AdminError::Forbidden { .. }) => Ok(format!("{sort} {id}")),
        Err(error) => Err(error),
    }
}

fn unknown(line: &str) -> AdminError {
    let line = line.escape_debug();
    invalid(
        "subjects",
        format!(
            "`{line}` is none of: account, key, owner, team, pool, model or person with a name behind it; store; relay"
        ),
    )
}

/// What is not there is what the form said wrongly.
fn of_field(error: AdminError) -> AdminError {
    match error {
        AdminError::NotFound { .. } => invalid("subjects", error.to_string()),
        other => other,
    }
}
