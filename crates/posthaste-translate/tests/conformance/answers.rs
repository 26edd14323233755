//! What an upstream answers, at the client: whole and streamed.

mod content;
mod ending;

use posthaste_core::Dialect;
use posthaste_translate::{
    Loss, TranslateError, codec,
    ir::{Content, Part, Response},
};

use crate::{
    errors,
    journey::{answer_body_of, at_client, folded, plain_response, stream, stream_of},
    known,
    outcome::{Outcome, brought},
    proofs,
    table::{Group, Table},
};

/// A feature of answers.
pub(crate) struct Answer {
    pub(crate) name: &'static str,
    /// Puts it into an answer of any dialect; nothing where a dialect's own form of it is not known.
    pub(crate) put: fn(&mut Response),
    /// What of it an answer has, in a form that can be compared.
    pub(crate) get: fn(&Response) -> Option<String>,
}

/// One table a client's dialect.
pub(crate) fn tables() -> Vec<Table> {
    let groups: &[(&str, &[Answer])] =
        &[("Content", content::CONTENT), ("Why it ended", ending::REASONS), ("Counts", ending::COUNTS)];
    Dialect::ALL.into_iter().map(|client| table(client, groups)).collect()
}

fn table(client: Dialect, groups: &[(&'static str, &[Answer])]) -> Table {
    let mut table =
        Table::build(client, groups, |answer| answer.name, |answer, from| outcome(answer, from, client));
    let others = &table.others;
    let proofs =
        Group { name: "Proofs, back at their maker in the next request", rows: proofs::rows(client, others) };
    let errors = Group { name: "Errors amid a stream", rows: errors::rows(client, others) };
    table.groups.extend([proofs, errors]);
    table
}

fn outcome(answer: &Answer, from: Dialect, to: Dialect) -> Outcome {
    let mut response = plain_response(from);
    (answer.put)(&mut response);
    let Some(sent) = (answer.get)(&response) else { return Outcome::Absent };
    let Some(body) = answer_body_of(&response) else { return Outcome::Absent };
    let read = codec(from).decode_response(&body).expect("a written answer can be read");
    if (answer.get)(&read).as_deref() != Some(sent.as_str()) {
        return Outcome::Absent;
    }
    let plain = plain_response(from);
    let (_, without) = at_client(from, to, &answer_body_of(&plain).unwrap()).unwrap();
    let whole = at_client(from, to, &body).map(|(response, answer)| (response, answer.losses));
    let whole = Arrived::new(answer, to, &sent, whole, &without.losses);
    let Some(upstream) = stream_of(&response) else { return whole.alone() };
    if (answer.get)(&folded(from, &upstream)).as_deref() != Some(sent.as_str()) {
        return whole.alone();
    }
    let without = stream(from, to, &stream_of(&plain).unwrap()).unwrap().losses;
    let streamed = stream(from, to, &upstream).map(|streamed| (folded(to, &streamed.bytes), streamed.losses));
    whole.with(Arrived::new(answer, to, &sent, streamed, &without))
}

/// What came of a feature in one of the two forms of an answer.
struct Arrived {
    text: Option<String>,
    outcome: Outcome,
}

impl Arrived {
    fn new(
        answer: &Answer,
        to: Dialect,
        sent: &str,
        result: Result<(Response, Vec<Loss>), TranslateError>,
        without: &[Loss],
    ) -> Self {
        match result {
            Ok((response, losses)) => {
                let text = (answer.get)(&response);
                let outcome = Outcome::of(sent, text.as_deref(), &brought(losses, without));
                let outcome = known::reworded(outcome, answer.name, to, text.as_deref());
                Self { text, outcome }
            }
            Err(error) => Self { text: None, outcome: Outcome::Silent(format!("failed: {error}")) },
        }
    }

    /// The outcome of what the neutral form of streams has no place for.
    fn alone(self) -> Outcome {
        match self.outcome {
            Outcome::Exact => Outcome::Alone("in whole answers; streams leave it out".to_owned()),
            other => other,
        }
    }

    /// The outcome of both; where a stream tells it otherwise than a whole answer, that is said.
    fn with(self, streamed: Self) -> Outcome {
        match (self.outcome, streamed.outcome) {
            (Outcome::Silent(how), _) => Outcome::Silent(how),
            (_, Outcome::Silent(how)) => Outcome::Silent(format!("streamed: {how}")),
            (whole, other) if whole == other => {
                if self.text == streamed.text {
                    return whole;
                }
                Outcome::Silent(format!("whole {:?}, streamed {:?}", self.text, streamed.text))
            }
            (whole, streamed) => {
                Outcome::Degraded(format!("whole: {}; streamed: {}", whole.word(), streamed.word()))
            }
        }
    }
}

/// What the first part that `read` understands gives.
fn first(response: &Response, read: impl Fn(&Content) -> Option<String>) -> Option<String> {
    response.parts.iter().find_map(|part| read(&part.content))
}

/// All texts as one: where a text is cut into parts is not the model's doing.
fn text(response: &Response) -> String {
    let text = |part: &Part| match &part.content {
        Content::Text(text) => text.clone(),
        _ => String::new(),
    };
    response.parts.iter().map(text).collect()
}
