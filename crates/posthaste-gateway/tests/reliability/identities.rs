//! U20: upstreams that call the model and the answer by other names.

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{AttemptOutcome, Dialect, Operation, Surface};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{MemoryTransport, Reply};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    heard::{End, hear},
    recording::{Recording, whole_answer},
    side::{CHAT, CLIENTS, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig,
        asking::{MODEL, question},
    },
};

/// The model as no one has asked for it, and the answer's id in a form of no vendor's.
const ECHOED: &str = "somebody-elses-model";
const ODD_ID: &str = "run:42/ü é";

fn renamed(json: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    for holder in ["", "/message", "/response"] {
        let Some(Value::Object(members)) = value.pointer_mut(holder) else { continue };
        for (name, member) in members {
            match name.as_str() {
                "model" | "modelVersion" => *member = ECHOED.into(),
                "id" | "responseId" => *member = ODD_ID.into(),
                _ => {}
            }
        }
    }
    value.to_string()
}

/// The id and the model of an answer, as its dialect has them.
fn told(client: Surface, body: &Value) -> (Option<&str>, Option<&str>) {
    let (id, model) = match client.dialect {
        Dialect::AnthropicMessages if body["message"].is_object() => {
            (&body["message"]["id"], &body["message"]["model"])
        }
        Dialect::OpenAiResponses if body["response"].is_object() => {
            (&body["response"]["id"], &body["response"]["model"])
        }
        Dialect::GeminiGenerate => (&body["responseId"], &body["modelVersion"]),
        _ => (&body["id"], &body["model"]),
    };
    (id.as_str(), model.as_str())
}

/// What clients expect of an id: agents tell kinds of answers apart by it.
const fn form(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "msg_",
        Dialect::OpenAiChat => "chatcmpl-",
        Dialect::OpenAiResponses => "resp_",
        Dialect::GeminiGenerate | Dialect::BedrockConverse => "",
    }
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u20_other_names_change_neither_the_books_nor_the_answers_form(#[case] side: &'static Side) {
    for client in CLIENTS {
        let side = side.towards(client);
        let recording = Recording::of(side, MODEL, "hello").await.with_data(renamed);
        let answer: Value =
            serde_json::from_str(&renamed(&whole_answer(side, MODEL, "hello").await.to_string())).unwrap();
        let played = recording.clone();
        let transport = MemoryTransport::new(move |sent| {
            match sent.uri.to_string().contains("tream") || sent.json()["stream"] == true {
                true => played.whole(),
                false => Reply::json(200, &answer),
            }
        });
        let rig = Rig::over(vec![side.priced("only", 1)], RelayOptions::default(), Arc::new(transport)).await;
        for streamed in [false, true] {
            let answer = rig.ask_on(client, &question(client, "hello", streamed), streamed).await.unwrap();
            let read = Read::from(answer).await;
            let body = if streamed {
                let heard = hear(client, &read.body);
                assert_eq!((heard.end, &heard.text), (End::Clean, &recording.text), "{client:?}");
                heard.events[0].data.clone().unwrap()
            } else {
                let body: Value = serde_json::from_slice(&read.body).unwrap();
                body.get("response")
                    .filter(|_| client.dialect == Dialect::GeminiGenerate)
                    .cloned()
                    .unwrap_or(body)
            };
            let context = format!("{client:?} at {:?}, streamed: {streamed}: {body}", side.surface);
            let (id, model) = told(client, &body);
            let same = client.dialect == side.surface.dialect;
            if client.dialect != Dialect::BedrockConverse {
                assert!(id.is_some() && model.is_some(), "{context}");
            }
            if same && side.surface.dialect != Dialect::BedrockConverse {
                assert_eq!((id, model), (Some(ODD_ID), Some(ECHOED)), "bytes stay bytes: {context}");
            } else if let Some(id) = id {
                assert!(id.starts_with(form(client.dialect)), "{context}");
                assert!(id.len() > form(client.dialect).len(), "{context}");
            }
            // Who answered is told beside the answer, and the books go by what was asked for.
            let row = rig.rows().await.pop().unwrap();
            assert_eq!(read.header("x-posthaste-model"), row.upstream_model.as_str(), "{context}");
            assert!(
                side.priced("only", 1).model_map.upstream_name(MODEL)
                    == Some(row.upstream_model.clone()).as_ref()
            );
            assert_eq!((row.model.as_str(), row.outcome), (MODEL, AttemptOutcome::Complete), "{context}");
            assert!(row.cost.as_nanos() > 0, "{context}");
        }
    }
}

/// An answer of Responses is named again by whatever it was called, and goes to the account that made it, where its id is as
/// it was.
#[rstest]
#[case::usual("resp_68a0c2d1f")]
#[case::bare("42")]
#[case::odd("run:42/x_y-z.w")]
#[case::uuid("0190c0de-0000-7000-8000-000000000001")]
#[tokio::test]
async fn u20_an_answer_goes_home_by_whatever_id_it_has(#[case] id: &'static str) {
    for streamed in [false, true] {
        let recording = Recording::of(&RESPONSES, MODEL, "hello").await;
        let answer = whole_answer(&RESPONSES, MODEL, "hello").await;
        let named = move |host: &str, json: &str| {
            let mut value: Value = serde_json::from_str(json).unwrap();
            let answer = if value["response"].is_object() { &mut value["response"] } else { &mut value };
            answer["id"] = format!("{id}{}", host.trim_end_matches(".example")).into();
            value.to_string()
        };
        let transport = MemoryTransport::new(move |sent| {
            let host = sent.uri.host().unwrap();
            if sent.json()["stream"] == true {
                return recording.with_data(|data| named(host, data)).whole();
            }
            Reply::json(200, &serde_json::from_str(&named(host, &answer.to_string())).unwrap())
        });
        let accounts = ["a", "b", "c"].map(|name| RESPONSES.account(name, 50)).into();
        let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport.clone())).await;
        let client = RESPONSES.surface;
        for round in 0..3 {
            let mut first = question(client, &format!("conversation {round}"), streamed);
            let read = Read::from(rig.ask_on(client, &first, streamed).await.unwrap()).await;
            let home = transport.sent().last().unwrap().uri.host().unwrap().to_owned();
            let given = format!("{id}{}", home.trim_end_matches(".example"));
            assert!(read.text().contains(&given), "{}", read.text());
            first["previous_response_id"] = json!(given);
            for _ in 0..3 {
                let body = Bytes::from(first.to_string());
                let answer = rig.ask_as(Dialect::OpenAiResponses, Operation::Chat, body).await.unwrap();
                assert_eq!(Read::from(answer).await.status, 200);
                let sent = transport.sent().pop().unwrap();
                assert_eq!(sent.uri.host(), Some(home.as_str()));
                assert_eq!(sent.json()["previous_response_id"], given.as_str());
            }
        }
    }
}
