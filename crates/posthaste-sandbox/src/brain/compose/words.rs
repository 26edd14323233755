//! The sandbox's sentences.

use super::{
    super::prompt::{Block, Prompt, Role},
    Turn,
};

/// Repeats what was said, shortened, and counts what came with it.
pub(super) fn echo(prompt: &Prompt<'_>, turn: &Turn<'_>) -> String {
    let number = prompt.messages.iter().filter(|message| message.role == Role::User).count();
    let attached: Vec<_> =
        [(turn.images, "image"), (turn.documents, "document"), (turn.recordings, "recording")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(count, what))
            .collect();
    let words = counted(turn.text.split_whitespace().count(), "word");
    let said = match (turn.text, attached.join(" and ")) {
        ("", attached) if attached.is_empty() => "You said nothing".to_owned(),
        ("", attached) => format!("You sent {attached}"),
        (text, attached) if attached.is_empty() => format!("You said: “{}” That is {words}", shortened(text)),
        (text, attached) => format!("You said: “{}” That is {words}, with {attached}", shortened(text)),
    };
    format!(
        "{said}, in turn {number} of our talk. I am the sandbox: the same request always gets this same answer."
    )
}

/// The numbers from 1 to n, when the text asks to "count to n".
pub(super) fn count_to(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (_, rest) = lower.split_once("count to ")?;
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    let last: u32 = digits.parse().ok().filter(|last| (1..=MAX_COUNT).contains(last))?;
    Some((1..=last).map(|number| number.to_string()).collect::<Vec<_>>().join(", ") + ".")
}

/// What goes on before the answer.
pub(super) fn thought(turn: &Turn<'_>) -> String {
    if turn.results.is_empty() {
        let words = counted(turn.text.split_whitespace().count(), "word");
        format!("The user wrote {words}. My rules say what to answer, so there is little to think about.")
    } else {
        format!("I have {}. I will tell what it says.", counted(turn.results.len(), "tool result"))
    }
}

/// A tool result as text.
pub(super) fn of_result(content: &[Block<'_>]) -> String {
    let part = |block: &Block<'_>| match block {
        Block::Text(text) => text.clone().into_owned(),
        Block::Image => "(an image)".to_owned(),
        Block::Document(_) => "(a document)".to_owned(),
        _ => "(something else)".to_owned(),
    };
    if content.is_empty() {
        return "nothing".to_owned();
    }
    content.iter().map(part).collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// In characters.
const MAX_QUOTE: usize = 280;
const MAX_COUNT: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_when_asked_to() {
        assert_eq!(count_to("Please count to 5, thanks").as_deref(), Some("1, 2, 3, 4, 5."));
        assert_eq!(count_to("Count to 1").as_deref(), Some("1."));
        assert_eq!(count_to("count to ten"), None);
        assert_eq!(count_to("count to 10001"), None);
        assert_eq!(count_to("hello"), None);
    }

    #[test]
    fn long_texts_are_shortened_between_characters() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(MAX_QUOTE + 1)), "ä".repeat(MAX_QUOTE) + "…");
    }
}
