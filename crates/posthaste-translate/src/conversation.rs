//! Tool calls and their results, brought into the order that both sides of a call insist on.
//!
//! Every dialect wants each call answered exactly once, directly after the turn that made it; clients send results late,
//! twice, under a used id or not at all. Here each call gets a unique legal id and exactly one outcome; writers only
//! decide on the shape.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};

use crate::{
    digest::digest,
    ir::{Content, Message, Part, Role, ToolCall, ToolResult},
    loss::Losses,
};

/// A step of the conversation, in an order that every dialect takes.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A turn of the model; the ids belong to its calls, in their order.
    Assistant { message: &'a Message, ids: Vec<Cow<'a, str>> },
    /// The outcomes of all calls of the turns before; always directly after them.
    Outcomes(Vec<Outcome<'a>>),
    /// A turn of the user without the results that found their call.
    User { message: &'a Message, parts: Vec<UserPart<'a>> },
    /// Instructions in the middle.
    System(&'a Message),
}

/// A part of a user's turn.
#[derive(Debug)]
pub(crate) enum UserPart<'a> {
    /// Anything but a tool result.
    Plain(&'a Part),
    /// A tool result whose call is not there.
    Orphan(&'a ToolResult),
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    /// The call's id as it is written.
    pub(crate) id: Cow<'a, str>,
    /// The result and the part that holds it; none when the history has none.
    pub(crate) result: Option<(&'a Part, &'a ToolResult)>,
}

/// Which characters ids may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdRule {
    /// Any.
    Any,
    /// Any, but few enough: OpenAI answers 400 to an id of more than forty characters.
    Short,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same, at most 64 of them.
    ShortWord,
    /// Nine letters and digits, which is all that Mistral's models take.
    Nine,
}

/// Brings a history into order.
pub(crate) fn steps<'a>(messages: &'a [Message], rule: IdRule, losses: &mut Losses) -> Vec<Step<'a>> {
    let mut ordering = Ordering {
        rule,
        taken: HashMap::new(),
        open: Vec::new(),
        waiting: HashMap::new(),
        gap: Vec::new(),
        steps: Vec::new(),
    };
    for message in messages {
        match message.role {
            Role::Assistant => ordering.assistant(message, losses),
            Role::System => ordering.push(Step::System(message)),
            Role::User => ordering.user(message, losses),
        }
    }
    ordering.close(losses);
    ordering.steps
}

struct Ordering<'a> {
    rule: IdRule,
    /// Ids in use, each with the next number to try behind it.
    taken: HashMap<Cow<'a, str>, u32>,
    /// Outcomes of the calls since the last outcomes.
    open: Vec<Outcome<'a>>,
    /// Which of them wait for a result, by the id that the client gave.
    waiting: HashMap<&'a str, VecDeque<usize>>,
    /// What came after those calls.
    gap: Vec<Step<'a>>,
    steps: Vec<Step<'a>>,
}

impl<'a> Ordering<'a> {
    fn assistant(&mut self, message: &'a Message, losses: &mut Losses) {
        if !self.gap.is_empty() {
            self.close(losses);
        }
        let mut ids = Vec::new();
        for call in message.parts.iter().filter_map(tool_call) {
            let id = self.unique(&call.id);
            ids.push(id.clone());
            self.waiting.entry(&call.id).or_default().push_back(self.open.len());
            self.open.push(Outcome { id, result: None });
        }
        self.steps.push(Step::Assistant { message, ids });
    }

    fn user(&mut self, message: &'a Message, losses: &mut Losses) {
        let mut parts = Vec::new();
        for part in &message.parts {
            let Content::ToolResult(result) = &part.content else {
                parts.push(UserPart::Plain(part));
                continue;
            };
            match self.waiting.get_mut(result.call_id.as_str()).and_then(VecDeque::pop_front) {
                Some(position) => self.open[position].result = Some((part, result)),
                None => {
                    losses.degraded("messages.tool_result", "a result without its call is kept as text");
                    parts.push(UserPart::Orphan(result));
                }
            }
        }
        // Also when nothing is left: the turn parts what the model said before from what it says next.
        self.push(Step::User { message, parts });
    }

    fn push(&mut self, step: Step<'a>) {
        if self.open.is_empty() { self.steps.push(step) } else { self.gap.push(step) }
    }

    fn close(&mut self, losses: &mut Losses) {
        if !self.open.is_empty() {
            let outcomes = std::mem::take(&mut self.open);
            self.waiting.clear();
            if outcomes.iter().any(|outcome| outcome.result.is_none()) {
                losses.degraded("messages.tool_calls", "a call without a result got an error result");
            }
            self.steps.push(Step::Outcomes(outcomes));
        }
        self.steps.append(&mut self.gap);
    }

    /// The id itself where it is legal and new; else the nearest one that is.
    fn unique(&mut self, id: &'a str) -> Cow<'a, str> {
        let legal = match self.rule {
            IdRule::Any => Cow::Borrowed(id),
            IdRule::Short => shortened(Cow::Borrowed(id), LONGEST_AT_OPENAI),
            IdRule::Word => as_word(id),
            IdRule::ShortWord => shortened(as_word(id), LONGEST_AT_BEDROCK),
            IdRule::Nine => nine(id),
        };
        let Some(next) = self.taken.get(&legal).copied() else {
            self.taken.insert(legal.clone(), FIRST_NUMBER);
            return legal;
        };
        let numbered = |number: u32| match self.rule {
            IdRule::Nine => Cow::Owned(nine_of_digest(id, number)),
            _ => Cow::Owned(format!("{legal}-{number}")),
        };
        let number = (next..).find(|number| !self.taken.contains_key::<str>(&numbered(*number)));
        let number = number.expect("a body holds far fewer ids than there are numbers");
        self.taken.insert(legal.clone(), number + 1);
        self.taken.insert(numbered(number), FIRST_NUMBER);
        numbered(number)
    }
}

const FIRST_NUMBER: u32 = 2;

fn tool_call(part: &Part) -> Option<&ToolCall> {
    match &part.content {
        Content::ToolCall(call) => Some(call),
        _ => None,
    }
}

/// The nearest id of letters, digits, `_` and `-` alone.
pub(crate) fn as_word(id: &str) -> Cow<'_, str> {
    let legal = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if id.is_empty() {
        return Cow::Borrowed("call");
    }
    if id.chars().all(legal) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|character| if legal(character) { character } else { '_' }).collect())
}

/// The id itself if it is nine letters and digits, else nine made from it, the same in each request.
fn nine(id: &str) -> Cow<'_, str> {
    if id.len() == NINE && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(nine_of_digest(id, 0))
}

fn nine_of_digest(id: &str, round: u32) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let rests = std::iter::successors(Some(digest(id, round)), |rest| Some(rest / 36));
    rests.take(NINE).map(|rest| char::from(DIGITS[(rest % 36) as usize])).collect()
}

const NINE: usize = 9;

/// An id of so many characters at most, cut so that a number fits behind it.
fn shortened(mut id: Cow<'_, str>, longest: usize) -> Cow<'_, str> {
    if id.chars().nth(longest).is_some() {
        let end = id.char_indices().nth(longest - ROOM).map_or(id.len(), |(end, _)| end);
        id.to_mut().truncate(end);
    }
    id
}

const LONGEST_AT_OPENAI: usize = 40;
const LONGEST_AT_BEDROCK: usize = 64;
const ROOM: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Arguments;

    fn call(id: &str) -> Part {
        let (id, name) = (id.to_owned(), "f".to_owned());
        Part::new(Content::ToolCall(ToolCall::new(id, name, Arguments::default())))
    }

    fn result(id: &str, text: &str) -> Part {
        let parts = vec![Part::text(text)];
        Part::new(Content::ToolResult(ToolResult { call_id: id.to_owned(), parts, is_error: false }))
    }

    fn shape(messages: &[Message]) -> Vec<String> {
        let text = |result: &ToolResult| match &result.parts[0].content {
            Content::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        steps(messages, IdRule::Word, &mut Losses::default())
            .iter()
            .map(|step| match step {
                Step::Assistant { ids, .. } => format!("assistant {}", ids.join(" ")),
                Step::User { parts, .. } => format!("user {}", parts.len()),
                Step::System(_) => "system".to_owned(),
                Step::Outcomes(outcomes) => {
                    let one = |outcome: &Outcome<'_>| {
                        let text = outcome.result.map_or("-".to_owned(), |(_, result)| text(result));
                        format!("{}={text}", outcome.id)
                    };
                    outcomes.iter().map(one).collect::<Vec<_>>().join(" ")
                }
            })
            .collect()
    }

    #[test]
    fn results_follow_their_calls_in_the_order_of_the_calls() {
        let history = [
            Message::new(Role::Assistant, vec![call("a"), call("b")]),
            Message::new(Role::System, vec![Part::text("mind")]),
            Message::new(Role::User, vec![result("b", "two")]),
            Message::new(Role::User, vec![Part::text("and"), result("a", "one")]),
        ];
        assert_eq!(shape(&history), ["assistant a b", "a=one b=two", "system", "user 0", "user 1"]);
    }

    #[test]
    fn ids_are_made_legal_and_unique_in_call_and_result() {
        let history = [
            Message::new(Role::Assistant, vec![call("f.x:0"), call("f_x_0"), call("f.x:0")]),
            Message::new(Role::User, vec![result("f.x:0", "1"), result("f_x_0", "2"), result("f.x:0", "3")]),
            Message::new(Role::Assistant, vec![call("f.x:0")]),
        ];
        assert_eq!(
            shape(&history),
            [
                "assistant f_x_0 f_x_0-2 f_x_0-3",
                "f_x_0=1 f_x_0-2=2 f_x_0-3=3",
                "user 0",
                "assistant f_x_0-4",
                "f_x_0-4=-",
            ]
        );
    }

    #[test]
    fn long_ids_are_shortened_and_stay_apart() {
        let long = |end: &str| format!("{}{end}", "x".repeat(40));
        let history = [
            Message::new(Role::Assistant, vec![call(&long("a")), call(&long("b"))]),
            Message::new(Role::User, vec![result(&long("b"), "two"), result(&long("a"), "one")]),
        ];
        let steps = steps(&history, IdRule::Short, &mut Losses::default());
        let Step::Assistant { ids, .. } = &steps[0] else { panic!("{steps:?}") };
        let first = "x".repeat(29);
        assert_eq!(*ids, [first.clone(), format!("{first}-2")]);
        let Step::Outcomes(outcomes) = &steps[1] else { panic!("{steps:?}") };
        assert!(outcomes.iter().zip(ids).all(|(outcome, id)| outcome.id == *id && outcome.result.is_some()));
    }

    #[test]
    fn ids_of_nine_letters_stay_and_others_become_such_in_call_and_result() {
        let ids = ["toolu_01SaghKCyg", "abcDEF123", "call-", "", "größe0000", "toolu_01SaghKCyg"];
        let calls = ids.iter().map(|id| call(id)).collect();
        let history = [
            Message::new(Role::Assistant, calls),
            Message::new(
                Role::User,
                ids.iter().enumerate().map(|(n, id)| result(id, &n.to_string())).collect(),
            ),
        ];
        let made = |history: &[Message]| match &steps(history, IdRule::Nine, &mut Losses::default())[0] {
            Step::Assistant { ids, .. } => ids.iter().map(|id| id.to_string()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let first = made(&history);
        assert!(first.iter().all(|id| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())));
        assert_eq!(first[1], "abcDEF123");
        assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
        // The vendor's cache needs the same beginning of a conversation each time.
        assert_eq!(made(&history[..1]), first);
        let steps = steps(&history, IdRule::Nine, &mut Losses::default());
        let Step::Outcomes(outcomes) = &steps[1] else { panic!("{steps:?}") };
        let answered = outcomes.iter().map(|outcome| (outcome.id.to_string(), outcome.result.is_some()));
        assert_eq!(answered.collect::<Vec<_>>(), first.into_iter().map(|id| (id, true)).collect::<Vec<_>>());
    }

    #[test]
    fn long_ids_are_cut_where_that_is_the_rule() {
        let long = format!("call:{}", "x".repeat(100));
        let history = [Message::new(Role::Assistant, vec![call(&long), call(&long), call(&"y".repeat(64))])];
        let steps = steps(&history, IdRule::ShortWord, &mut Losses::default());
        let Step::Assistant { ids, .. } = &steps[0] else { panic!("a turn of the model") };
        assert_eq!(ids[0], format!("call_{}", "x".repeat(48)));
        assert_eq!(ids[1], format!("call_{}-2", "x".repeat(48)));
        assert_eq!(ids[2].len(), 64);
    }

    #[test]
    fn missing_results_show_and_orphans_stay_with_the_user() {
        let mut losses = Losses::default();
        let history = [
            Message::new(Role::Assistant, vec![call("a")]),
            Message::new(Role::User, vec![result("z", "lost")]),
            Message::new(Role::Assistant, vec![Part::text("so")]),
        ];
        let steps = steps(&history, IdRule::Any, &mut losses);
        assert!(matches!(&steps[1], Step::Outcomes(outcomes) if outcomes[0].result.is_none()));
        assert!(matches!(&steps[2], Step::User { parts, .. } if matches!(parts[0], UserPart::Orphan(_))));
        assert_eq!(losses.as_slice().len(), 2);
    }
}
