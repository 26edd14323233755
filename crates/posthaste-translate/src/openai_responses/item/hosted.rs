//! What a hosted tool did, in words for dialects that do not know the tool.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Str;

/// The readable text of a hosted tool's item; `None` for items of any other kind.
///
/// What a search found is not among it: the message behind it tells.
pub(super) fn readable_text(kind: &str, raw: &RawValue) -> Option<String> {
    let wire = || serde_json::from_str::<HostedIn<'_>>(raw.get()).unwrap_or_default();
    match kind {
        "web_search_call" => Some(web_search(&wire().action.unwrap_or_default())),
        "file_search_call" => Some(format!("Searched the files for: {}", list(&wire().queries))),
        "code_interpreter_call" => Some(code(&wire())),
        "image_generation_call" => Some(match wire().revised_prompt {
            Some(prompt) => format!("Made a picture: {}", &*prompt),
            None => "Made a picture.".to_owned(),
        }),
        "mcp_call" => Some(mcp_call(&wire())),
        "mcp_list_tools" => Some("Asked for the list of tools.".to_owned()),
        "tool_search_call" | "tool_search_output" => Some("Looked for tools.".to_owned()),
        _ => None,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostedIn<'a> {
    #[serde(borrow)]
    action: Option<ActionIn<'a>>,
    #[serde(borrow)]
    queries: Option<Vec<Str<'a>>>,
    #[serde(borrow)]
    code: Option<Str<'a>>,
    #[serde(borrow)]
    outputs: Option<Vec<OutputIn<'a>>>,
    #[serde(borrow)]
    revised_prompt: Option<Str<'a>>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    output: Option<Str<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ActionIn<'a> {
    #[serde(borrow)]
    query: Option<Str<'a>>,
    #[serde(borrow)]
    queries: Option<Vec<Str<'a>>>,
    #[serde(borrow)]
    url: Option<Str<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputIn<'a> {
    #[serde(borrow)]
    logs: Option<Str<'a>>,
}

fn web_search(action: &ActionIn<'_>) -> String {
    match (&action.url, &action.query) {
        (Some(url), _) => format!("Opened {}", &**url),
        (None, Some(query)) => format!("Searched the web for: {}", &**query),
        (None, None) => format!("Searched the web for: {}", list(&action.queries)),
    }
}

fn list(texts: &Option<Vec<Str<'_>>>) -> String {
    texts.iter().flatten().map(|text| &**text).collect::<Vec<_>>().join("; ")
}

fn code(wire: &HostedIn<'_>) -> String {
    let mut text = format!("Ran code:\n{}", wire.code.as_deref().unwrap_or_default());
    for logs in wire.outputs.iter().flatten().filter_map(|output| output.logs.as_deref()) {
        text.push_str("\nOutput:\n");
        text.push_str(logs);
    }
    text
}

fn mcp_call(wire: &HostedIn<'_>) -> String {
    let (name, output) =
        (wire.name.as_deref().unwrap_or_default(), wire.output.as_deref().unwrap_or_default());
    format!("Called {name}:\n{output}")
}
