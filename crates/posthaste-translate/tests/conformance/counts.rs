//! Counting tokens: the question there, the number back.

use posthaste_core::{Dialect, Operation};
use posthaste_translate::{Forgetful, Target, TranslateError, codec, translate_count};

use crate::{
    journey::{ask, body_of, plain_request},
    outcome::Outcome,
    table::{Row, Table},
};

/// Adds what became of the question to a client's table.
pub(crate) fn add_row(table: &mut Table) {
    let cells = table.others.iter().map(|upstream| outcome(table.client, *upstream)).collect();
    let service = table.groups.last_mut().unwrap();
    service.rows.push(Row { feature: "counting tokens", cells });
}

fn outcome(client: Dialect, upstream: Dialect) -> Outcome {
    let Some(counting) = codec(client).counting() else { return Outcome::Absent };
    let Some(question) = question(client) else { return Outcome::Absent };
    assert!(counting.decode_question(&question).is_ok());
    let asked = match ask(client, upstream, &question, Operation::CountTokens, &Forgetful) {
        Ok(asked) => asked,
        // The gateway answers in the upstream's stead.
        Err(TranslateError::Inexpressible { .. }) if codec(upstream).counting().is_none() => {
            return Outcome::Degraded("estimated by the relay, since the upstream cannot count".to_owned());
        }
        Err(error) => return Outcome::failed(&error),
    };
    let counting_there = codec(upstream).counting().expect("who can be asked can count");
    assert!(counting_there.decode_question(&asked.body).is_ok(), "{client} to {upstream}");
    let answer = translate_count(upstream, client, &counting_there.encode_count(TOKENS)).unwrap();
    let told = counting.decode_count(&answer).ok().map(|tokens| tokens.to_string());
    Outcome::of(&TOKENS.to_string(), told.as_deref(), &asked.losses)
}

/// The question as a client of the dialect puts it.
fn question(client: Dialect) -> Option<Vec<u8>> {
    let mut request = plain_request(client);
    request.max_tokens = None;
    let target = Target::of(client);
    let counting = codec(client).counting()?;
    let question = counting.encode_question(&request, &target).ok().map(|encoded| encoded.body.to_vec());
    question.or_else(|| body_of(&request))
}

const TOKENS: u64 = 1_234;
