//! Calling tools, and telling what they said.

use super::{
    super::{
        prompt::{Block, Input, Prompt, Tool, ToolMode},
        reply::{Part, Reply, Stop},
        schema,
    },
    ToolResult, Turn,
};

/// The tools that are to be called, in the order in which the text names them.
pub(super) fn wanted<'p, 'a>(prompt: &'p Prompt<'a>, turn: &Turn<'_>) -> Vec<&'p Tool<'a>> {
    let mut wanted = match prompt.choice.mode {
        ToolMode::None => Vec::new(),
        ToolMode::Named(name) => prompt.tools.iter().filter(|tool| tool.name == name).collect(),
        // After a result the conversation goes on in words, or it would never end.
        ToolMode::Auto if !turn.results.is_empty() => Vec::new(),
        ToolMode::Auto => named(prompt, turn.text),
        ToolMode::Any => match named(prompt, turn.text) {
            none if none.is_empty() => callable(prompt).take(1).collect(),
            named => named,
        },
    };
    if !prompt.choice.parallel {
        wanted.truncate(1);
    }
    wanted
}

/// Calls of these tools; a sentence goes before them unless the call was forced.
pub(super) fn call(prompt: &Prompt<'_>, tools: &[&Tool<'_>]) -> Reply {
    let forced = prompt.choice.is_forced();
    let names: Vec<_> = tools.iter().map(|tool| format!("`{}`", tool.name)).collect();
    let sentence = (!forced).then(|| Part::Text(format!("I will call {}.", names.join(" and "))));
    let calls = tools.iter().enumerate().map(|(index, tool)| Part::ToolCall {
        id: format!("{}{}{index}", prompt.call_prefix, prompt.id),
        name: tool.name.to_owned(),
        input: match tool.input {
            Input::Schema(schema) => schema::example(schema).to_string(),
            Input::Nothing => "{}".to_owned(),
            Input::Text => "example input".to_owned(),
            Input::Hosted => schema::example(&serde_json::Value::Null).to_string(),
        },
        free_text: matches!(tool.input, Input::Text),
    });
    Reply { parts: sentence.into_iter().chain(calls).collect(), stop: Stop::ToolUse }
}

/// What the tools answered, in a sentence for each.
pub(super) fn report(prompt: &Prompt<'_>, results: &[ToolResult<'_>]) -> String {
    let sentence = |result: &ToolResult<'_>| {
        let name = name_of(prompt, result.call);
        let verb = if result.is_error { "failed" } else { "says" };
        format!("The tool `{name}` {verb}: {}", result.text)
    };
    results.iter().map(sentence).collect::<Vec<_>>().join("\n")
}

/// Tools of the client's own; the vendor's are for the vendor to run.
fn callable<'p, 'a>(prompt: &'p Prompt<'a>) -> impl Iterator<Item = &'p Tool<'a>> {
    prompt.tools.iter().filter(|tool| !matches!(tool.input, Input::Hosted))
}

fn named<'p, 'a>(prompt: &'p Prompt<'a>, text: &str) -> Vec<&'p Tool<'a>> {
    let find = |tool: &'p Tool<'a>| Some((find_word(text, tool.name)?, tool));
    let mut found: Vec<_> = callable(prompt).filter_map(find).collect();
    found.sort_by_key(|(position, _)| *position);
    found.into_iter().map(|(_, tool)| tool).collect()
}

/// Where the name stands as a word of its own.
fn find_word(text: &str, name: &str) -> Option<usize> {
    let within = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    text.match_indices(name).map(|(position, _)| position).find(|position| {
        let before = text[..*position].chars().next_back();
        let after = text[position + name.len()..].chars().next();
        !before.is_some_and(within) && !after.is_some_and(within)
    })
}

fn name_of<'a>(prompt: &Prompt<'a>, wanted: &str) -> &'a str {
    let blocks = prompt.messages.iter().flat_map(|message| &message.content);
    let mut names = blocks.filter_map(|block| match block {
        Block::Call { id, name, .. } if id == wanted => Some(*name),
        _ => None,
    });
    names.next().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_only() {
        assert_eq!(find_word("call get_time now", "get_time"), Some(5));
        assert_eq!(find_word("get_time?", "get_time"), Some(0));
        assert_eq!(find_word("get_timezone, then get_time", "get_time"), Some(19));
        assert_eq!(find_word("forget_time", "get_time"), None);
        assert_eq!(find_word("„get_time“", "get_time"), Some("„".len()));
    }
}
