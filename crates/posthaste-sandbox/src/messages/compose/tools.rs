//! Calling tools, and telling what they said.

use serde_json::Value;

use super::{
    super::{
        Part, Stop,
        request::{BlockKind, Request, Tool, ToolMode},
        schema,
    },
    Draft, ToolResult, Turn,
};

/// The tools that are to be called, in the order in which the text names them.
pub(super) fn wanted<'r, 'a>(request: &'r Request<'a>, turn: &Turn<'_>) -> Vec<&'r Tool<'a>> {
    let mode = request.tool_choice.map_or(ToolMode::Auto, |choice| choice.mode);
    let mut wanted = match mode {
        ToolMode::None => Vec::new(),
        ToolMode::Named(name) => request.tools.iter().filter(|tool| tool.name == Some(name)).collect(),
        // After a result the conversation goes on in words, or it would never end.
        ToolMode::Auto if !turn.results.is_empty() => Vec::new(),
        ToolMode::Auto => named(request, turn.text),
        ToolMode::Any => match named(request, turn.text) {
            none if none.is_empty() => callable(request).take(1).collect(),
            named => named,
        },
    };
    if request.tool_choice.is_some_and(|choice| !choice.parallel) {
        wanted.truncate(1);
    }
    wanted
}

/// Calls of these tools; a sentence goes before them unless the call was forced.
pub(super) fn call(request: &Request<'_>, tools: &[&Tool<'_>], id: &str) -> Draft {
    let forced = request.tool_choice.is_some_and(|choice| choice.is_forced());
    let names: Vec<_> = tools.iter().map(|tool| format!("`{}`", tool.name.unwrap_or_default())).collect();
    let sentence = (!forced).then(|| Part::Text(format!("I will call {}.", names.join(" and "))));
    let calls = tools.iter().enumerate().map(|(index, tool)| Part::ToolCall {
        id: format!("toolu_{id}{index}"),
        name: tool.name.unwrap_or_default().to_owned(),
        input: schema::example(tool.input_schema.unwrap_or(&Value::Null)).to_string(),
    });
    Draft { parts: sentence.into_iter().chain(calls).collect(), stop: Stop::ToolUse }
}

/// What the tools answered, in a sentence for each.
pub(super) fn report(request: &Request<'_>, results: &[ToolResult<'_>]) -> String {
    let sentence = |result: &ToolResult<'_>| {
        let name = name_of(request, result.tool_use_id);
        let verb = if result.is_error { "failed" } else { "says" };
        format!("The tool `{name}` {verb}: {}", result.text)
    };
    results.iter().map(sentence).collect::<Vec<_>>().join("\n")
}

/// Tools of the client's own; the vendor's are for the vendor to run.
fn callable<'r, 'a>(request: &'r Request<'a>) -> impl Iterator<Item = &'r Tool<'a>> {
    request.tools.iter().filter(|tool| tool.input_schema.is_some())
}

fn named<'r, 'a>(request: &'r Request<'a>, text: &str) -> Vec<&'r Tool<'a>> {
    let find = |tool: &'r Tool<'a>| Some((find_word(text, tool.name?)?, tool));
    let mut found: Vec<_> = callable(request).filter_map(find).collect();
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

fn name_of<'a>(request: &Request<'a>, id: &str) -> &'a str {
    let call =
        request.blocks().find(|block| matches!(block.kind, BlockKind::ToolUse { id: call } if call == id));
    call.and_then(|call| call.raw["name"].as_str()).unwrap_or("unknown")
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
