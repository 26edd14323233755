//! `POST /v1/responses/compact`: a talk made short (<https://platform.openai.com/docs/guides/conversation-state>).

use serde::Serialize;
use serde_json::Value;

use super::{history::History, output, prompt, request::Request, rules, wire::UsageFields};
use crate::{
    answer::{Answer, Asked},
    brain::{CacheUse, Pieces, Reply},
    error::ApiError,
    openai::{CREATED, place::Place, usage::Usage},
    seal,
};

/// Answers a request: what the user wrote stays, and one item stands for all the rest.
pub(crate) fn compact(body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let history = History::of(&Place::root(body), asked.scope, &asked.state.memory)?;
    let request = Request::read(body, &history)?;
    rules::check(&request, asked)?;
    let tools = request.tools.iter().map(|tool| tool.raw);
    let pieces = Pieces::unmarked(request.model, asked.scope, tools, &prompt::said(&request));
    let summary = format!("{} items were said before.", history.items().len());
    let encrypted_content = seal::stamp(output::COMPACTION, pieces.id(), asked.scope, summary.as_bytes());
    let compaction = Item::Compaction(Compaction {
        id: format!("cmp_{}", pieces.id()),
        r#type: "compaction",
        encrypted_content,
    });
    let kept = history.items().iter().filter(|item| item["role"] == "user").map(Item::Kept);
    let cached = CacheUse { input: pieces.tokens(), ..CacheUse::default() };
    let usage = Usage::of(cached, &Reply::text(summary.clone()), 1);
    let compacted = Compacted {
        id: format!("resp_{}", pieces.id()),
        object: "response.compaction",
        created_at: CREATED,
        output: kept.chain([compaction]).collect(),
        usage: asked.tell_usage.then(|| UsageFields::of(&usage)),
    };
    Ok(Answer::Whole(serde_json::to_vec(&compacted).expect("an answer becomes JSON").into()))
}

#[derive(Serialize)]
struct Compacted<'a> {
    id: String,
    object: &'static str,
    created_at: u64,
    output: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageFields>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Kept(&'a Value),
    Compaction(Compaction),
}

#[derive(Serialize)]
struct Compaction {
    id: String,
    r#type: &'static str,
    encrypted_content: String,
}
