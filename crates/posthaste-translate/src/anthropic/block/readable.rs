//! What a person could read in a block that other dialects do not have.
//!
//! Sealed contents (`encrypted_content`, `encrypted_index`) are left out: they mean something to Anthropic alone.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Str, TextOr, compact};

/// The readable text of a block; `None` for one that has none or whose meaning would be lost with it.
pub(super) fn text(kind: &str, raw: &RawValue) -> Option<String> {
    match kind {
        "search_result" => search_result(raw),
        "document" => document(raw),
        "compaction" => inner_text(raw),
        "server_tool_use" | "mcp_tool_use" => call(raw),
        "tool_reference" => block(raw)?.tool_name.map(Str::into_string),
        kind if kind.ends_with("_tool_result") => {
            let mut found = Vec::new();
            collect(block(raw)?.content?, DEEPEST, &mut found);
            (!found.is_empty()).then(|| found.join("\n"))
        }
        _ => None,
    }
}

/// The fields of all these blocks, and of what the results of server tools hold.
#[derive(Default, Deserialize)]
#[serde(default)]
struct BlockIn<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<Str<'a>>,
    #[serde(borrow)]
    url: Option<Str<'a>>,
    #[serde(borrow)]
    text: Option<Str<'a>>,
    #[serde(borrow)]
    stdout: Option<Str<'a>>,
    #[serde(borrow)]
    stderr: Option<Str<'a>>,
    #[serde(borrow)]
    error_code: Option<Str<'a>>,
    #[serde(borrow)]
    tool_name: Option<Str<'a>>,
    #[serde(borrow)]
    data: Option<Str<'a>>,
    #[serde(borrow)]
    media_type: Option<Str<'a>>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_references: Option<&'a RawValue>,
}

fn block(raw: &RawValue) -> Option<BlockIn<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// Title, source and texts of a search result, the way a person would quote it.
fn search_result(raw: &RawValue) -> Option<String> {
    let block = block(raw)?;
    let source: Str<'_> = block.source.and_then(|source| serde_json::from_str(source.get()).ok())?;
    let text = inner_text(raw)?;
    Some(format!("{} ({})\n{text}", &*block.title.unwrap_or_default(), &*source))
}

/// Title and texts of a document that is given as blocks.
fn document(raw: &RawValue) -> Option<String> {
    let block = block(raw)?;
    let text = inner_text(block.source?)?;
    Some(match block.title {
        Some(title) => format!("{}:\n{text}", &*title),
        None => text,
    })
}

/// The texts in the `content` of an object.
fn inner_text(raw: &RawValue) -> Option<String> {
    let content = block(raw)?.content?;
    match serde_json::from_str::<TextOr<'_, Vec<BlockIn<'_>>>>(content.get()).ok()? {
        TextOr::Null => None,
        TextOr::Text(text) => Some(text.into_string()),
        TextOr::Rich(texts) => {
            let texts: Vec<_> = texts.iter().filter_map(|part| part.text.as_deref()).collect();
            Some(texts.join("\n"))
        }
    }
}

fn call(raw: &RawValue) -> Option<String> {
    let block = block(raw)?;
    let input = compact(block.input.map_or("{}", RawValue::get));
    Some(format!("Called {} with {input}", &*block.name?))
}

/// Appends what is readable in a server tool's result: a list, an object, or one inside the other.
fn collect(raw: &RawValue, depth: u32, found: &mut Vec<String>) {
    if raw.get().starts_with('[') {
        let items = serde_json::from_str::<Vec<&RawValue>>(raw.get()).unwrap_or_default();
        items.into_iter().for_each(|item| collect(item, depth, found));
        return;
    }
    let Some(block) = block(raw) else {
        found.extend(serde_json::from_str::<String>(raw.get()).ok());
        return;
    };
    let told = |text: Option<Str<'_>>| text.filter(|text| !text.is_empty()).map(Str::into_string);
    match (told(block.title), told(block.url)) {
        (Some(title), Some(url)) => found.push(format!("{title} ({url})")),
        (title, url) => found.extend(title.or(url)),
    }
    found.extend(told(block.error_code).map(|code| format!("Error: {code}")));
    let plain = block.media_type.as_deref().is_some_and(|media_type| media_type.starts_with("text/"));
    found.extend(told(block.data.filter(|_| plain)));
    found.extend([block.text, block.stdout, block.stderr, block.tool_name].into_iter().filter_map(told));
    if depth > 0 {
        let inner = [block.source, block.content, block.tool_references];
        inner.into_iter().flatten().for_each(|inner| collect(inner, depth - 1, found));
    }
}

/// A fetched page is a result with a document with a source: three levels.
const DEEPEST: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, json: &str) -> Option<String> {
        text(kind, serde_json::from_str(json).unwrap())
    }

    #[test]
    fn search_results_have_a_readable_text() {
        let json = r#"{"type":"search_result","source":"https://a.test","title":"A","content":[{"type":"text","text":"b"}]}"#;
        assert_eq!(read("search_result", json).as_deref(), Some("A (https://a.test)\nb"));
    }

    #[test]
    fn results_of_server_tools_are_told_without_what_is_sealed() {
        let search = r#"{"content":[{"type":"web_search_result","title":"A","url":"https://a.test","encrypted_content":"Eo8"}]}"#;
        assert_eq!(read("web_search_tool_result", search).as_deref(), Some("A (https://a.test)"));
        let failed = r#"{"content":{"type":"web_search_tool_result_error","error_code":"unavailable"}}"#;
        assert_eq!(read("web_search_tool_result", failed).as_deref(), Some("Error: unavailable"));
        let ran = r#"{"content":{"stdout":"4\n","stderr":"","return_code":0,"content":[]}}"#;
        assert_eq!(read("bash_code_execution_tool_result", ran).as_deref(), Some("4\n"));
        let fetched = r#"{"content":{"type":"web_fetch_result","url":"https://a.test","content":{"type":"document","source":{"type":"text","media_type":"text/plain","data":"page"},"title":"A"}}}"#;
        assert_eq!(read("web_fetch_tool_result", fetched).as_deref(), Some("https://a.test\nA\npage"));
        let tools = r#"{"content":{"tool_references":[{"type":"tool_reference","tool_name":"f"}]}}"#;
        assert_eq!(read("tool_search_tool_result", tools).as_deref(), Some("f"));
        assert_eq!(read("web_search_tool_result", r#"{"content":{"encrypted_content":"Eo8"}}"#), None);
    }

    #[test]
    fn a_call_of_a_server_tool_is_told() {
        let json =
            r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query": "a"}}"#;
        assert_eq!(read("server_tool_use", json).as_deref(), Some(r#"Called web_search with {"query":"a"}"#));
    }

    #[test]
    fn depth_is_bounded() {
        let json = format!("{}{}", r#"{"content":"#.repeat(100), "1".to_owned() + &"}".repeat(100));
        assert_eq!(read("x_tool_result", &json), None);
    }
}
