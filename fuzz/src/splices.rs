//! What must be true of a spliced body: it is JSON, and all that was not named stays.

use bytes::Bytes;
use posthaste_core::{ModelName, Payload};
use posthaste_wire::{Edits, Envelope, code_assist, from_invoke, to_invoke};

use crate::{check, members::Members};

/// Splices the body in every way.
///
/// # Panics
/// When a result is no JSON, or more was changed than was asked for.
pub fn all(body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    envelope(&body);
    edits(&body);
    invoke(&body);
    code_assist_request(&body);
    code_assist_response(&body);
}

fn envelope(body: &Bytes) {
    let model = ModelName::parse("another \"model\"").expect("a name");
    if let Ok(envelope) = Envelope::peek(body) {
        same_but(body, &envelope.with_model(body, &model), &["model"], "a renamed model");
        let same = envelope.with_model(body, &envelope.model);
        assert_eq!(same.to_bytes(), body, "the same model changes nothing");
    }
    let named = ModelName::parse("named").expect("a name");
    for stream in [None, Some(true)] {
        if let Ok(envelope) = Envelope::peek_named(body, named.clone(), stream) {
            // A doubled name is left to the upstream: which of the two counts is told by the path.
            let renamed = envelope.with_model(body, &model);
            check::is_json(&renamed.to_bytes(), "a body whose path names the model");
            same_but(body, &renamed, &["model"], "a body whose path names the model");
        }
    }
}

fn edits(body: &Bytes) {
    let set = Edits::new().set("model", "another").set_within("stream_options", "include_usage", true);
    spliced(body, &set, &["model", "stream_options"], |result| {
        assert_eq!(result.get("model"), Some(r#""another""#));
    });
    let few = Edits::new().remove("messages").insert("stream", true);
    spliced(body, &few, &["messages", "stream"], |result| {
        assert!(result.get("messages").is_none() && result.get("stream").is_some());
    });
    let wrapped = Edits::new().remove("model").wrap("request", [("project", "p".into())]);
    if let Ok(edited) = wrapped.apply(body) {
        let whole = edited.payload.to_bytes();
        let result =
            Members::of(&whole).unwrap_or_else(|| panic!("a wrapped body: {}", check::shown(&whole)));
        let inner = result.get("request").expect("the body");
        same_but(body, &Bytes::copy_from_slice(inner.as_bytes()).into(), &["model"], "a wrapped body");
    }
}

fn spliced(body: &Bytes, edits: &Edits, names: &[&str], look: impl Fn(&Members<'_>)) {
    let Ok(edited) = edits.apply(body) else { return };
    same_but(body, &edited.payload, names, "an edited body");
    look(&Members::of(&edited.payload.to_bytes()).expect("an object"));
    // The same changes again change nothing.
    let once = edited.payload.to_bytes();
    let twice = edits.apply(&once).expect("what was edited can be edited").payload.to_bytes();
    assert_eq!(twice, once, "edited twice: {}", check::shown(&once));
}

fn invoke(body: &Bytes) {
    let model = ModelName::parse("anthropic.claude").expect("a name");
    let names = ["model", "stream", "anthropic_version", "anthropic_beta"];
    for betas in [&[][..], &["b-1", "b-2", "b-1"]] {
        if let Ok(there) = to_invoke(body, betas) {
            same_but(body, &there, &names, "a body for InvokeModel");
            let there = there.to_bytes();
            let back = from_invoke(&there, &model, true).expect("what was packed can be unpacked");
            same_but(body, &back.payload, &names, "a body back from InvokeModel");
            assert!(
                betas.iter().all(|beta| back.betas.iter().any(|back| back == beta)) || back.betas.len() == 64
            );
        }
    }
    if let Ok(back) = from_invoke(body, &model, false) {
        same_but(body, &back.payload, &names, "a body from InvokeModel");
    }
}

fn code_assist_request(body: &Bytes) {
    if let Ok(unwrapped) = code_assist::unwrap_request(body) {
        check::is_json(&unwrapped.request, "a request without its envelope");
    }
    if Members::of(body).is_none() {
        return;
    }
    let wrapped = code_assist::wrap_request("m", Some("p"), None, body);
    check::is_json(&wrapped, "a request in its envelope");
    if let Ok((question, _)) = code_assist::wrap_question("m", body) {
        check::is_json(&question, "a question in its envelope");
    }
    if let Ok(unwrapped) = code_assist::unwrap_request(&wrapped) {
        assert_eq!((unwrapped.model.as_deref(), unwrapped.project.as_deref()), (Some("m"), Some("p")));
        same_but(
            body,
            &unwrapped.request.into(),
            &["session_id"],
            "a request that came through its envelope",
        );
    }
}

fn code_assist_response(body: &Bytes) {
    let unwrapped = code_assist::unwrap_response(body);
    let wrapped = code_assist::wrap_response(body, "t");
    if Members::of(body).is_none() {
        return;
    }
    check::is_json(&unwrapped, "an answer without its envelope");
    check::is_json(&wrapped, "an answer in its envelope");
    if wrapped.len() != body.len() {
        let back = code_assist::unwrap_response(&wrapped).into_owned();
        same_but(
            body,
            &Bytes::from(back).into(),
            &["responseId"],
            "an answer that came through its envelope",
        );
    }
}

/// Says that both bodies are objects with the same members, less the named ones.
fn same_but(before: &Bytes, after: &Payload, names: &[&str], what: &str) {
    let after = after.to_bytes();
    let (Some(old), Some(new)) = (Members::of(before), Members::of(&after)) else {
        panic!("{what}: {} became {}", check::shown(before), check::shown(&after));
    };
    assert_eq!(old.without(names), new.without(names), "{what}: {}", check::shown(&after));
}
