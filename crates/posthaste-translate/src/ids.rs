//! Ids for tool calls of upstreams that give none.
//!
//! They are made from the answer's own id: a conversation must not meet the same id twice, and the relay remembers by them.

use uuid::Uuid;

use crate::ir::{Block, Content, Event, Response};

/// Names the calls of a whole answer that have no id.
pub(crate) fn fill_response(response: &mut Response, answer: Uuid) {
    let calls = response.parts.iter_mut().filter_map(|part| match &mut part.content {
        Content::ToolCall(call) => Some(call),
        _ => None,
    });
    for (number, call) in calls.enumerate().filter(|(_, call)| call.id.is_empty()) {
        call.id = id(answer, number);
    }
}

/// Names the calls of a stream that have no id.
#[derive(Debug)]
pub(crate) struct Naming {
    answer: Uuid,
    calls: usize,
}

impl Naming {
    pub(crate) fn new(answer: Uuid) -> Self {
        Self { answer, calls: 0 }
    }

    pub(crate) fn event(&mut self, event: &mut Event) {
        let Event::BlockStart { block: Block::ToolCall { id: given, .. }, .. } = event else { return };
        if given.is_empty() {
            *given = id(self.answer, self.calls);
        }
        self.calls += 1;
    }
}

/// Short enough for every dialect (OpenAI takes 40 characters) and of letters that all of them take.
fn id(answer: Uuid, number: usize) -> String {
    let answer = answer.simple().to_string();
    // The last half of a v7 id is random; its first is the time.
    format!("call_{}{number}", &answer[12..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_between_calls_and_answers() {
        let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
        assert_ne!(id(one, 0), id(one, 1));
        assert_ne!(id(one, 0), id(two, 0));
        assert!(id(one, 99).len() <= 40);
    }
}
