//! What a client asks for, at the upstream.

mod content;
mod settings;
mod tools;

use posthaste_core::Dialect;
use posthaste_translate::{
    codec,
    ir::{Content, Json, Part, Request},
};

use crate::{
    counts,
    journey::{at_upstream, body_of, plain_request},
    known,
    outcome::{Outcome, brought},
    table::Table,
};

/// A feature of requests.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    /// What it stands beside in a request, whose own losses are none of the feature's.
    pub(crate) beside: fn(&mut Request),
    /// Puts it into a request of any dialect; nothing where a dialect's own form of it is not known.
    pub(crate) put: fn(&mut Request),
    /// What of it a request has, in a form that can be compared.
    pub(crate) get: fn(&Request) -> Option<String>,
}

impl Question {
    const fn new(name: &'static str, put: fn(&mut Request), get: fn(&Request) -> Option<String>) -> Self {
        Self { name, beside: |_| {}, put, get }
    }

    const fn beside(self, beside: fn(&mut Request)) -> Self {
        Self { beside, ..self }
    }
}

/// One table a client's dialect.
pub(crate) fn tables() -> Vec<Table> {
    let groups: &[(&str, &[Question])] = &[
        ("Conversation", content::CONVERSATION),
        ("Media", content::MEDIA),
        ("Tools", tools::TOOLS),
        ("Calls and results", tools::CALLS),
        ("Thinking", settings::THINKING),
        ("Answer's form", settings::FORM),
        ("Sampling", settings::SAMPLING),
        ("Service", settings::SERVICE),
    ];
    let mut tables: Vec<_> = Dialect::ALL
        .into_iter()
        .map(|client| {
            Table::build(
                client,
                groups,
                |question| question.name,
                |question, to| outcome(question, client, to),
            )
        })
        .collect();
    tables.iter_mut().for_each(counts::add_row);
    tables
}

fn outcome(question: &Question, from: Dialect, to: Dialect) -> Outcome {
    let mut plain = plain_request(from);
    (question.beside)(&mut plain);
    let mut request = plain.clone();
    (question.put)(&mut request);
    let Some(sent) = (question.get)(&request) else { return Outcome::Absent };
    let Some(body) = body_of(&request) else { return Outcome::Absent };
    let read = codec(from).decode_request(&body).expect("a written request can be read");
    if (question.get)(&read).as_deref() != Some(sent.as_str()) {
        return Outcome::Absent;
    }
    let plain = body_of(&plain).expect("a client that can say the feature can say what it stands beside");
    let (_, without) = at_upstream(from, to, &plain).expect("what a feature stands beside is never refused");
    match at_upstream(from, to, &body) {
        Ok((arrived, losses)) => {
            let arrived = (question.get)(&arrived);
            let outcome = Outcome::of(&sent, arrived.as_deref(), &brought(losses, &without));
            known::reworded(outcome, question.name, to, arrived.as_deref())
        }
        Err(error) => Outcome::failed(&error),
    }
}

/// Every part of a conversation, in its order.
fn parts(request: &Request) -> impl Iterator<Item = &Part> {
    request.messages.iter().flat_map(|message| &message.parts)
}

/// What the first part that `read` understands gives.
fn first(request: &Request, read: impl Fn(&Content) -> Option<String>) -> Option<String> {
    parts(request).find_map(|part| read(&part.content))
}

/// The texts of some parts.
fn text<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Option<String> {
    let texts: Vec<_> = parts
        .into_iter()
        .filter_map(|part| match &part.content {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

/// A JSON value without the order of its keys.
fn canonical(json: &Json) -> String {
    serde_json::from_str::<serde_json::Value>(json.as_str()).unwrap().to_string()
}
