//! A model's turn, put together anew with the thoughts that its client kept elsewhere.

use crate::ir::{Content, Part};

/// Thoughts and how much of the turn's text stood before them, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) behind: usize,
    pub(crate) part: Part,
}

/// Puts a turn together.
///
/// A client that keeps thoughts with a call has them behind the text that they came before, and Anthropic refuses a turn that
/// does not begin with its thoughts. Clients also join texts and cut them anew, so it is the amount of text that tells
/// the place. It is never before a call that stands already, since Chat's clients put all text before all calls.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    parts: Vec<Part>,
    /// What stands behind the last call.
    run: Vec<Part>,
    /// Thoughts that belong among it, in their order.
    placed: Vec<Placed>,
    /// How much text stands before it, in bytes.
    said: usize,
}

impl Turn {
    /// Appends the next part.
    pub(crate) fn push(&mut self, part: Part) {
        if matches!(part.content, Content::ToolCall(_)) {
            self.settle();
            self.parts.push(part);
        } else {
            self.run.push(part);
        }
    }

    /// Adds thoughts that led to what comes next, and perhaps to a text before.
    pub(crate) fn place(&mut self, placed: Placed) {
        self.placed.push(placed);
    }

    /// The part that was appended last, if no call is behind it.
    pub(crate) fn last_mut(&mut self) -> Option<&mut Part> {
        self.run.last_mut()
    }

    /// The turn's parts.
    pub(crate) fn into_parts(mut self) -> Vec<Part> {
        self.settle();
        self.parts
    }

    fn settle(&mut self) {
        let mut placed = std::mem::take(&mut self.placed).into_iter().peekable();
        for mut part in self.run.drain(..) {
            if let Content::Text(text) = &mut part.content {
                while let Some(Placed { part: thoughts, behind }) =
                    placed.next_if(|next| next.behind < self.said + text.len())
                {
                    let end = text.floor_char_boundary(behind.saturating_sub(self.said));
                    if end > 0 {
                        let rest = text.split_off(end);
                        self.parts.push(Part::text(std::mem::replace(text, rest)));
                        self.said += end;
                    }
                    self.parts.push(thoughts);
                }
                self.said += text.len();
            }
            self.parts.push(part);
        }
        self.parts.extend(placed.map(|placed| placed.part));
    }
}

/// How much text a part adds to a turn, in bytes.
pub(crate) fn said(content: &Content) -> usize {
    match content {
        Content::Text(text) | Content::Refusal(text) => text.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Arguments, Thinking, ToolCall};

    fn told(turn: Turn) -> Vec<String> {
        let told = |part: Part| match part.content {
            Content::Text(text) => text,
            Content::Thinking(thinking) => format!("({})", thinking.text),
            Content::ToolCall(call) => format!("{}()", call.id),
            other => panic!("{other:?}"),
        };
        turn.into_parts().into_iter().map(told).collect()
    }

    fn call(id: &str) -> Part {
        Part::new(Content::ToolCall(ToolCall::new(id, "f", Arguments::default())))
    }

    fn thoughts(text: &str, behind: usize) -> Placed {
        Placed { behind, part: Part::new(Content::Thinking(Thinking::new(text))) }
    }

    #[test]
    fn thoughts_go_before_the_text_that_they_came_before_however_it_is_cut() {
        for texts in [vec!["größer", "kleiner"], vec!["größerkleiner"], vec!["grö", "", "ßerk", "leiner"]]
        {
            let mut turn = Turn::default();
            texts.iter().for_each(|text| turn.push(Part::text(*text)));
            turn.place(thoughts("1", 0));
            turn.place(thoughts("2", 0));
            turn.place(thoughts("3", "größer".len()));
            turn.place(thoughts("4", "größerkleiner".len()));
            turn.push(call("a"));
            let told = told(turn).concat();
            assert_eq!(told, "(1)(2)größer(3)kleiner(4)a()", "{texts:?}");
        }
    }

    #[test]
    fn thoughts_stay_behind_the_calls_that_came_before_them() {
        let mut turn = Turn::default();
        turn.push(Part::text("onetwo"));
        turn.place(thoughts("1", 0));
        turn.push(call("a"));
        turn.place(thoughts("2", 3));
        turn.push(call("b"));
        turn.place(thoughts("3", 99));
        turn.push(Part::text("three"));
        assert_eq!(told(turn), ["(1)", "onetwo", "a()", "(2)", "b()", "three", "(3)"]);
    }

    #[test]
    fn a_place_that_a_client_has_moved_is_the_nearest_letter() {
        let mut turn = Turn::default();
        turn.push(Part::text("ö"));
        turn.place(thoughts("1", 1));
        assert_eq!(told(turn), ["(1)", "ö"]);
    }
}
