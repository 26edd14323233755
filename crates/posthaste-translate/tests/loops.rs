//! Tool loops of more than one turn: what a vendor's model proved of its thoughts comes back to it in its place and its
//! bytes, whatever dialect the client in between speaks, and goes to nobody else.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

#[path = "loops/client.rs"]
mod client;
#[path = "loops/upstream.rs"]
mod upstream;

use std::{collections::HashMap, sync::Arc};

use posthaste_core::{AccountId, Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, Loss, Recall, Remembered, StreamTranslator, Target, TranslatedAnswer, TranslatedRequest,
    holds_carrier, translate_request, translate_response,
};
use rstest::rstest;
use serde_json::Value;
use uuid::Uuid;

use crate::upstream::Turn;

const A: Dialect = Dialect::AnthropicMessages;
const C: Dialect = Dialect::OpenAiChat;
const R: Dialect = Dialect::OpenAiResponses;
const G: Dialect = Dialect::GeminiGenerate;
const B: Dialect = Dialect::BedrockConverse;

/// A piece of what a model says.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// Thoughts; at Responses the proof has the item's name before it.
    Thought(&'static str, Option<&'static str>),
    /// Thoughts that only the vendor can read.
    Sealed(&'static str),
    /// Text, which only Gemini proves.
    Text(&'static str, Option<&'static str>),
    /// A call, which only Gemini proves.
    Call { id: &'static str, arguments: &'static str, proof: Option<&'static str> },
}

use Piece::{Call, Sealed, Text, Thought};

const FIRST: Piece = Call { id: "call_1", arguments: r#"{"city":"Århus","n":1.5}"#, proof: None };
const SECOND: Piece = Call { id: "call_2", arguments: "{}", proof: None };

fn proved(call: Piece, proof: &'static str) -> Piece {
    let Call { id, arguments, proof: _ } = call else { panic!("{call:?} is no call") };
    Call { id, arguments, proof: Some(proof) }
}

/// What a model of a dialect may say before it waits for two calls. Proofs are of all letters that base64 has.
fn turns_of(dialect: Dialect) -> Vec<Vec<Piece>> {
    match dialect {
        G => vec![
            vec![Thought("Two of them.", None), proved(FIRST, "c2ln+/c2"), SECOND],
            vec![Thought("Hm.", None), Text("Ich prüfe.", None), proved(FIRST, "c2ln/w=="), SECOND],
            vec![Text("Ich prüfe.", Some("dGV4dA==")), proved(FIRST, "Y2Fs+bA="), SECOND],
            vec![proved(FIRST, "b25l"), proved(SECOND, "dHdv")],
        ],
        R => vec![
            vec![Thought("Two of them.", Some("rs_1 gAAA-_x")), FIRST, SECOND],
            vec![Thought("Hm.", Some("rs_1 gAAA")), Text("Ich prüfe.", None), FIRST, SECOND],
            vec![
                Sealed("rs_1 gAAA"),
                Text("Ich prüfe.", None),
                Thought("Now.", Some("rs_2 gAAB==")),
                FIRST,
                Thought("And.", Some("rs_3 gAAC")),
                SECOND,
            ],
        ],
        _ => vec![
            vec![Thought("Two of them.", Some("RXEr+/8=")), FIRST, SECOND],
            vec![Thought("Hm.", Some("RXEr")), Text("Ich prüfe.", None), FIRST, SECOND],
            vec![Thought("", Some("RXEr")), Sealed("RXU4FCig"), Text("Ich prüfe.", None), FIRST, SECOND],
            vec![
                Thought("Größer.", Some("RXEr")),
                Text("Ich prüfe.", None),
                Thought("Now.", Some("RXEs")),
                FIRST,
                Sealed("RXU4FCig"),
                SECOND,
            ],
        ],
    }
}

/// Runs every turn that an upstream may give, whole and streamed.
fn each(client: Dialect, upstream: Dialect, check: impl Fn(&mut Loop, &[Piece])) {
    for pieces in turns_of(upstream) {
        for stream in [false, true] {
            let mut run = Loop::new(client, upstream);
            run.answer(&pieces, stream);
            check(&mut run, &pieces);
        }
    }
}

#[rstest]
fn proofs_come_home(#[values(A, C, R, G, B)] client: Dialect, #[values(A, R, G, B)] upstream: Dialect) {
    each(client, upstream, |run, pieces| {
        let home = run.back(upstream, run.account);
        let turn = Turn::of(upstream, &home.body);
        turn.assert_answered(client == upstream);
        assert_eq!(turn.pieces, expected(client, upstream, pieces), "{pieces:?}\n{}", run.told());
        assert_no_carrier(&home);
    });
}

/// What one vendor's models sign, each account that serves them takes; the rest is bound to its account.
#[rstest]
fn another_account_gets_what_it_takes(
    #[values(A, C, R, G, B)] client: Dialect,
    #[values(A, R, G, B)] upstream: Dialect,
) {
    each(client, upstream, |run, pieces| {
        let other = run.back(upstream, Some(AccountId::generate()));
        let turn = Turn::of(upstream, &other.body);
        turn.assert_answered(client == upstream);
        assert_no_carrier(&other);
        // A client of the same dialect holds the vendor's own proof, which does not tell its account.
        if matches!(upstream, A | B) || client == upstream {
            assert_eq!(turn.pieces, expected(client, upstream, pieces), "{pieces:?}");
        } else {
            assert_bare(run, &turn, &other, upstream, pieces);
        }
    });
}

#[rstest]
fn others_get_a_legal_request_without_them(
    #[values(A, C, R, G, B)] client: Dialect,
    #[values(A, R, G, B)] upstream: Dialect,
) {
    each(client, upstream, |run, pieces| {
        for next in [A, C, R, G, B].into_iter().filter(|next| *next != upstream) {
            let other = run.back(next, Some(AccountId::generate()));
            let turn = Turn::of(next, &other.body);
            turn.assert_answered(client == next);
            assert_no_carrier(&other);
            // Claude's proofs are the same at Anthropic and at Bedrock.
            if matches!((upstream, next), (A, B) | (B, A)) {
                assert_eq!(turn.pieces, expected(client, upstream, pieces), "{pieces:?}");
            } else {
                assert_bare(run, &turn, &other, next, pieces);
            }
        }
    });
}

/// A relay that has forgotten what a Chat client could not carry still sends a legal request.
#[rstest]
fn what_is_forgotten_is_no_reason_to_be_refused(#[values(A, R, G, B)] upstream: Dialect) {
    each(C, upstream, |run, pieces| {
        run.memory = Memory::default();
        let home = run.back(upstream, run.account);
        let turn = Turn::of(upstream, &home.body);
        turn.assert_answered(false);
        assert_eq!(turn.pieces, bare(upstream, pieces));
        assert!(turn.is_without_thinking);
    });
}

/// Thoughts that nobody proved must not reach a vendor that proves its own as one of those.
#[rstest]
fn thoughts_without_a_proof_are_told_from_the_vendors_own(
    #[values(A, R, B)] client: Dialect,
    #[values(false, true)] stream: bool,
) {
    let mut run = Loop::new(client, G);
    run.answer(&[Thought("Hm.", None), FIRST, SECOND], stream);
    assert!(
        holds_carrier(client::request(client, &run.history).to_string().as_bytes()),
        "it must not pass as it is"
    );
    let own = run.back(client, Some(AccountId::generate()));
    assert_eq!(Turn::of(client, &own.body).pieces, [FIRST, SECOND]);
    assert_no_carrier(&own);
}

/// Google's SDKs keep each chunk of a stream as a turn of its own.
#[test]
fn a_turn_in_pieces_is_one_turn() {
    let pieces = [Thought("Hm.", Some("RXEr")), Text("Ich prüfe.", None), FIRST, SECOND];
    let mut run = Loop::new(G, A);
    run.answer(&pieces, true);
    let parts = run.history[0]["parts"].as_array().unwrap().clone();
    assert!(parts.len() > 2);
    let turns = parts.into_iter().map(|part| serde_json::json!({"role": "model", "parts": [part]}));
    run.history = turns.chain(run.history.drain(1..)).collect();
    let turn = Turn::of(A, &run.back(A, run.account).body);
    turn.assert_answered(false);
    assert_eq!(turn.pieces, pieces);
}

/// What comes back: thoughts that nothing proves are no part of a conversation.
fn expected(client: Dialect, upstream: Dialect, pieces: &[Piece]) -> Vec<Piece> {
    let returned = |piece: &Piece| match piece.clone() {
        // A Chat client has no place for the proof of a text, which Google recommends and does not demand.
        Text(text, Some(_)) if client == C => Text(text, None),
        // The vendor's own: it takes its bytes in either alphabet.
        Text(text, Some(proof)) if client == upstream && client == G => Text(text, Some(swapped(proof))),
        Call { id, arguments, proof: Some(proof) } if client == upstream && client == G => {
            Call { id, arguments, proof: Some(swapped(proof)) }
        }
        other => other,
    };
    pieces.iter().filter(|piece| !matches!(piece, Thought(_, None))).map(returned).collect()
}

fn swapped(proof: &str) -> &'static str {
    client::other_alphabet(proof).leak()
}

/// The turn without proofs, with Google's placeholder where its models want one.
fn bare(next: Dialect, pieces: &[Piece]) -> Vec<Piece> {
    let mut called = false;
    let mut bared: Vec<Piece> = Vec::new();
    for piece in pieces {
        match piece {
            Thought(..) | Sealed(_) => {}
            Text(text, _) => bared.push(Text(text, None)),
            Call { id, arguments, .. } => {
                let proof = (next == G && !called).then_some("skip_thought_signature_validator");
                called = true;
                bared.push(Call { id, arguments, proof });
            }
        }
    }
    bared
}

fn assert_bare(run: &Loop, turn: &Turn, request: &TranslatedRequest, next: Dialect, pieces: &[Piece]) {
    assert_eq!(turn.pieces, bare(next, pieces), "{pieces:?}\n{}", run.told());
    let body = std::str::from_utf8(&request.body).unwrap();
    for proof in pieces.iter().filter_map(proof) {
        let proof = proof.rsplit(' ').next().unwrap();
        assert!(!body.contains(proof), "{proof} in {body}");
    }
    assert!(
        turn.is_without_thinking,
        "a loop without its first thoughts is refused while thinking is on: {body}"
    );
    let told = |loss: &Loss| loss.reason.to_string().contains("another upstream");
    assert!(request.losses.iter().any(told), "{:?}", request.losses);
}

fn proof(piece: &Piece) -> Option<&'static str> {
    match piece {
        Thought(_, proof) | Text(_, proof) | Call { proof, .. } => *proof,
        Sealed(proof) => Some(proof),
    }
}

fn assert_no_carrier(request: &TranslatedRequest) {
    assert!(!holds_carrier(&request.body), "{:?}", request.body);
}

/// One client in a loop with one account.
struct Loop {
    client: Dialect,
    upstream: Dialect,
    account: Option<AccountId>,
    memory: Memory,
    /// The client's history after its first turn.
    history: Vec<Value>,
}

impl Loop {
    fn new(client: Dialect, upstream: Dialect) -> Self {
        let account = Some(AccountId::generate());
        Self { client, upstream, account, memory: Memory::default(), history: Vec::new() }
    }

    /// The client asks, and the upstream answers.
    fn answer(&mut self, pieces: &[Piece], stream: bool) {
        let asked = self.ask(self.upstream, self.account, &Forgetful, stream);
        if self.client == self.upstream {
            // The client gets the upstream's bytes.
            let answer = client::kept(self.client, upstream::whole(self.upstream, pieces));
            self.history = client::with_results(self.client, answer);
            return;
        }
        let (answer, remembered) = if stream {
            let mut translator = StreamTranslator::new(self.upstream, self.client, asked.context);
            let mut out = Vec::new();
            translator.push(upstream::stream(self.upstream, pieces).as_bytes(), &mut out).unwrap();
            translator.finish(&mut out).unwrap();
            let remembered = translator.take_remembered();
            (client::collect(self.client, std::str::from_utf8(&out).unwrap()), remembered)
        } else {
            let body = upstream::whole(self.upstream, pieces).to_string();
            let TranslatedAnswer { body, remembered, .. } =
                translate_response(self.upstream, self.client, body.as_bytes(), &asked.context).unwrap();
            (client::kept(self.client, serde_json::from_slice(&body).unwrap()), remembered)
        };
        self.memory = Memory::of(remembered);
        self.history = client::with_results(self.client, answer);
    }

    /// The client's next request, at some upstream.
    fn back(&self, next: Dialect, account: Option<AccountId>) -> TranslatedRequest {
        self.ask(next, account, &self.memory, false)
    }

    fn ask(
        &self,
        next: Dialect,
        account: Option<AccountId>,
        memory: &dyn Recall,
        stream: bool,
    ) -> TranslatedRequest {
        let target = Target { account, ..Target::of(next) };
        let model = ModelName::parse("asked").unwrap();
        translate_request(&Ask {
            from: self.client,
            to: &target,
            operation: Operation::Chat,
            body: client::request(self.client, &self.history).to_string().as_bytes(),
            model: &model,
            upstream_model: &ModelName::parse(upstream::model(next)).unwrap(),
            stream,
            id: Uuid::now_v7(),
            now: Timestamp::from_secs(1_764_000_000),
            memory,
        })
        .unwrap()
    }

    fn told(&self) -> String {
        Value::Array(self.history.clone()).to_string()
    }
}

/// What a relay remembers for its Chat clients.
#[derive(Default)]
struct Memory(HashMap<String, Arc<Remembered>>);

impl Memory {
    fn of(remembered: Vec<Remembered>) -> Self {
        Self(remembered.into_iter().map(|known| (known.call_id.clone(), Arc::new(known))).collect())
    }
}

impl Recall for Memory {
    fn recall(&self, call_id: &str) -> Option<Arc<Remembered>> {
        self.0.get(call_id).cloned()
    }
}
