//! What is remembered from one response to the next.

use bytes::Bytes;
use http::Request;
use posthaste_core::{Egress, Payload, Transport};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use serde_json::{Value, json};

use super::{PATH, answer, ask, request, said, thinking, tools};
use crate::asking::{ask_at, text, with, without_body};

#[tokio::test]
async fn a_response_goes_on_from_the_one_before() {
    let sandbox = Sandbox::default();
    let called = answer(&sandbox, &with(request("Call get_time"), json!({"tools": tools()}))).await;
    let call = &called["output"][1];
    let output = json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "12:00"}]);
    let next = json!({"model": "gpt-4.1", "input": output, "previous_response_id": called["id"]});
    let told = answer(&sandbox, &next).await;
    assert_eq!(said(&told), "The tool `get_time` says: 12:00");
    assert_eq!(told["previous_response_id"], called["id"]);
    let last = json!({"model": "gpt-4.1", "input": "Thanks", "previous_response_id": told["id"]});
    assert!(said(&answer(&sandbox, &last).await).contains("in turn 3 of our talk"));
}

#[tokio::test]
async fn what_was_not_stored_is_not_found() {
    let sandbox = Sandbox::default();
    let first = answer(&sandbox, &with(request("Hello"), json!({"store": false}))).await;
    let next = with(request("Again"), json!({"previous_response_id": first["id"]}));
    let (status, refused) = ask_at(&sandbox, PATH, &next).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("previous_response_not_found")));
    assert_eq!(refused["error"]["param"], "previous_response_id");
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let sandbox = Sandbox::default();
    let first = answer(&sandbox, &request("Hello")).await;
    let next = with(request("Again"), json!({"previous_response_id": first["id"]}));
    assert_eq!(ask_at(&sandbox, PATH, &next).await.0, 200);
    assert_eq!(ask_at(&sandbox, "/other/v1/responses", &next).await.0, 400);
    assert_eq!(as_other(&sandbox, &next).await.0, 400);
}

#[tokio::test]
async fn responses_are_got_and_deleted() {
    let sandbox = Sandbox::default();
    let first = answer(&sandbox, &request("Hello")).await;
    let path = format!("{PATH}/{}", first["id"].as_str().unwrap());
    assert_eq!(without_body(&sandbox, "GET", &path).await, (200, first));
    let (status, deleted) = without_body(&sandbox, "DELETE", &path).await;
    assert_eq!((status, &deleted["deleted"]), (200, &json!(true)));
    assert_eq!(without_body(&sandbox, "GET", &path).await.0, 404);
    assert_eq!(without_body(&sandbox, "DELETE", &path).await.0, 404);
}

#[tokio::test]
async fn sealed_thoughts_are_for_the_account_that_they_came_from() {
    let sandbox = Sandbox::default();
    let mut asked = thinking("Hello");
    let first = answer(&sandbox, &asked).await;
    asked["input"].as_array_mut().unwrap().extend(first["output"].as_array().unwrap().clone());
    asked["input"].as_array_mut().unwrap().push(json!({"role": "user", "content": "Again"}));
    assert_eq!(ask_at(&sandbox, PATH, &asked).await.0, 200);
    // Nothing of it is remembered: another instance knows its own seal as well.
    assert_eq!(ask(&asked).await.0, 200);

    let refused = |(status, answer): (u16, Value)| {
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("invalid_encrypted_content")),
            "{answer}"
        );
    };
    refused(as_other(&sandbox, &asked).await);
    refused(ask_at(&sandbox, "/other/v1/responses", &asked).await);
    asked["input"][1]["encrypted_content"] = json!("Zm9yZ2Vk");
    refused(ask_at(&sandbox, PATH, &asked).await);
}

#[tokio::test]
async fn a_talk_is_made_short_and_goes_on() {
    let sandbox = Sandbox::default();
    let (status, compacted) = ask_at(&sandbox, "/v1/responses/compact", &request("Hello")).await;
    assert_eq!((status, &compacted["object"]), (200, &json!("response.compaction")));
    let mut input = compacted["output"].as_array().unwrap().clone();
    assert_eq!(input.last().unwrap()["type"], "compaction");
    input.push(json!({"role": "user", "content": "Again"}));
    let next = json!({"model": "gpt-4.1", "input": input});
    assert!(said(&answer(&sandbox, &next).await).starts_with("You said: “Again”"));
    assert_eq!(as_other(&sandbox, &next).await.0, 400);
}

/// Asks with another credential.
async fn as_other(sandbox: &Sandbox, body: &Value) -> (u16, Value) {
    let request =
        Request::post(format!("{SANDBOX_BASE_URL}{PATH}")).header("authorization", "Bearer sk-other");
    let request = request.body(Payload::from(Bytes::from(body.to_string()))).expect("a request");
    let response = sandbox.send(request, &Egress::default()).await.expect("the sandbox answers");
    let status = response.status().as_u16();
    (status, serde_json::from_str(&text(response).await).expect("JSON"))
}
