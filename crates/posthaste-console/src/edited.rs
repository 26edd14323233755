//! Forms that change a record which others may change at the same time.
//!
//! A form sends along which version it showed and what it was filled with. Where the record has another version by then, nothing
//! is written: the form comes again with what was typed, and with what differs, field by field. A page needs three things for it:
//!
//! - what there is of its record, once: `fn kept(thing: &Thing, version: Option<u64>) -> Kept`, with the names of its fields;
//! - `kept.opened()` where the form is shown and `kept.refused(&asked, &asked.form, &error)` where saving failed, as the
//!   template's field `edited`; a form for a new record has [`Edited::blank`] and [`Edited::refused`];
//! - in the template `{% include "forms/trouble.html" %}` before the form, which is `<form method="post" id="edited">`, and
//!   `{% include "forms/hidden.html" %}` in it, which is its token as well.

use posthaste_admin::{AdminError, AuditEntry, AuditInput, AuditPage, Command, Outcome};
use posthaste_core::{Area, Timestamp};
use sha2::{Digest, Sha256};

use crate::{asked::Asked, fields::Fields};

/// The fields of a form that are compared, with what they are called on the page.
pub(crate) type Labels = &'static [(&'static str, &'static str)];

/// A record as it is kept, as far as a form shows it.
pub(crate) struct Kept {
    /// What the form is filled with.
    pub(crate) fields: Fields,
    pub(crate) version: Option<u64>,
    pub(crate) labels: Labels,
    /// As the audit log knows the record: its id, or its name.
    pub(crate) target: String,
}

/// What a form says beside its fields. Templates call it `edited`.
#[derive(Default)]
pub(crate) struct Edited {
    pub(crate) version: Option<u64>,
    /// What the form was filled with.
    pub(crate) opened: String,
    pub(crate) trouble: Option<String>,
    pub(crate) clash: Option<Clash>,
}

/// Somebody else saved the record while the form was open.
pub(crate) struct Clash {
    pub(crate) fields: Vec<Differs>,
    /// Who that was and when, where whoever asks may know.
    pub(crate) by: Option<(String, Timestamp)>,
}

/// A field that would become another one than it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Differs {
    pub(crate) label: &'static str,
    pub(crate) opened: String,
    pub(crate) now: String,
    pub(crate) yours: String,
    /// Whether somebody else changed it, so that saving undoes that.
    pub(crate) is_theirs: bool,
}

impl Kept {
    /// For the form as it is opened.
    pub(crate) fn opened(&self) -> Edited {
        Edited { version: self.version, opened: packed(&self.fields, self.labels), ..Edited::default() }
    }

    /// For the form that comes again because it could not be saved.
    pub(crate) async fn refused(
        &self,
        asked: &Asked,
        yours: &Fields,
        error: &AdminError,
    ) -> Result<Edited, AdminError> {
        let sent = Edited { trouble: Some(asked.say_error(error)), ..Edited::sent(asked) };
        if sent.version.is_none() || sent.version == self.version {
            return Ok(sent);
        }
        let opened = Fields::read(sent.opened.as_bytes());
        let clash = Clash {
            fields: differences(self.labels, &opened, &self.fields, yours),
            by: self.changed_by(asked).await?,
        };
        // Whoever saves it again has seen what is there now.
        Ok(Edited { trouble: sent.trouble, clash: Some(clash), ..self.opened() })
    }

    async fn changed_by(&self, asked: &Asked) -> Result<Option<(String, Timestamp)>, AdminError> {
        let input = AuditInput {
            target: Some(self.target.clone()),
            limit: Some(LOOKED_BACK),
            ..AuditInput::default()
        };
        let page: Option<AuditPage> = asked.act_if_may(Area::Audit.read(), Command::ListAudit(input)).await?;
        let entries = page.map(|page| page.entries).unwrap_or_default();
        let is_change = |entry: &AuditEntry| {
            entry.outcome == Outcome::Done && (entry.before.is_some() || entry.after.is_some())
        };
        let last = entries.into_iter().find(is_change);
        Ok(last.map(|entry| {
            let name = ["name", "kind"].into_iter().find_map(|part| entry.who.get(part)?.as_str());
            (name.unwrap_or("–").to_owned(), entry.at)
        }))
    }
}

impl Edited {
    /// For the form of a new record.
    pub(crate) fn blank() -> Self {
        Self::default()
    }

    /// For the form of a new record that comes again.
    pub(crate) fn refused(asked: &Asked, error: &AdminError) -> Self {
        Self { trouble: Some(asked.say_error(error)), ..Self::default() }
    }

    /// What the form that was sent said of itself.
    pub(crate) fn sent(asked: &Asked) -> Self {
        let version = asked.form.text("version").and_then(|version| version.parse().ok());
        Self { version, opened: asked.form.value("opened").to_owned(), ..Self::default() }
    }
}

/// The fields in which the form would change the record.
fn differences(labels: Labels, opened: &Fields, now: &Fields, yours: &Fields) -> Vec<Differs> {
    let mut differing = Vec::new();
    for (name, label) in labels {
        let [now, yours] = [now, yours].map(|fields| value(fields, name));
        if now == yours {
            continue;
        }
        let was = opened.value(name);
        let is_theirs = was != mark(&now);
        // What was too long to be sent along is one of the two, or was shown by neither.
        let opened = match was {
            _ if !is_theirs => now.clone(),
            _ if was == mark(&yours) => yours.clone(),
            _ if was.starts_with(LONG) => "…".to_owned(),
            _ => was.to_owned(),
        };
        let [opened, now, yours] = [opened, now, yours].map(|text| shown(&text));
        differing.push(Differs { label, opened, now, yours, is_theirs });
    }
    differing
}

/// All that a field says, without what makes no difference.
fn value(fields: &Fields, name: &str) -> String {
    let mut values: Vec<_> = fields.all(name).collect();
    // Boxes come in the order of the page.
    values.sort_unstable();
    let lines = values.iter().flat_map(|value| value.lines()).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn packed(fields: &Fields, labels: Labels) -> String {
    let marked = labels
        .iter()
        .fold(Fields::default(), |packed, (name, _)| packed.set(name, mark(&value(fields, name))));
    marked.to_query().trim_start_matches('?').to_owned()
}

/// The text itself, or for a long one what it can be known by.
fn mark(text: &str) -> String {
    if text.len() <= MOST_SENT {
        return text.to_owned();
    }
    format!("{LONG}{}", hex::encode(&Sha256::digest(text.as_bytes())[..8]))
}

fn shown(text: &str) -> String {
    match text {
        "" => "–".to_owned(),
        "on" => "✓".to_owned(),
        _ if text.chars().count() > MOST_SHOWN => {
            format!("{}…", text.chars().take(MOST_SHOWN).collect::<String>())
        }
        _ => text.to_owned(),
    }
}

/// No text that is typed begins with it.
const LONG: char = '\u{1}';
const MOST_SENT: usize = 160;
const MOST_SHOWN: usize = 400;
/// Failed tries are in the audit log as well.
const LOOKED_BACK: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: Labels = &[("name", "Name"), ("on", "On"), ("notes", "Remarks"), ("pools", "Pools")];

    fn fields(text: &str) -> Fields {
        Fields::read(text.as_bytes())
    }

    #[test]
    fn only_what_would_become_another_is_told_and_whose_it_is() {
        let opened = fields(&packed(&fields("name=a&on=on&notes=x&pools=p&pools=q"), LABELS));
        let now = fields("name=b&on=on&notes=x&pools=q&pools=p");
        let yours = fields("name=a&notes=x%0D%0A&pools=p&pools=q");
        let differs = differences(LABELS, &opened, &now, &yours);
        let told: Vec<_> = differs
            .iter()
            .map(|one| (one.label, one.opened.as_str(), one.now.as_str(), one.yours.as_str(), one.is_theirs))
            .collect();
        assert_eq!(told, [("Name", "a", "b", "a", true), ("On", "✓", "✓", "–", false)]);
    }

    #[test]
    fn long_texts_are_known_and_not_sent_along() {
        let (long, other) = ("x".repeat(5_000), "y".repeat(5_000));
        let filled = |notes: &str| Fields::default().with("notes", notes);
        let opened = packed(&filled(&long), LABELS);
        assert!(opened.len() < 100, "{opened}");
        let opened = fields(&opened);
        assert!(differences(LABELS, &opened, &filled(&long), &filled(&long)).is_empty());
        let differs = differences(LABELS, &opened, &filled(&other), &filled(&long));
        assert!(differs[0].is_theirs && differs[0].opened.starts_with('x'), "{differs:?}");
        assert!(!differences(LABELS, &opened, &filled(&long), &filled("short"))[0].is_theirs);
        assert_eq!(differences(LABELS, &opened, &filled(&other), &filled("short"))[0].opened, "…");
    }
}
