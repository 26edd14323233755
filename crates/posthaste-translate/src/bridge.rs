//! Tools in a form that the upstream takes, and back in the form that the client declared.
//!
//! A name that the upstream's dialect refuses gets another one, and a tool of free text becomes a function with one string,
//! where the upstream has no such tools. In the answer both are undone. So writers and readers need not know of either.

mod answer;

use std::{collections::HashSet, sync::Arc};

use posthaste_core::Dialect;

pub(crate) use self::answer::Unbridging;
use crate::{
    Target,
    ir::{Arguments, Content, Json, Request, Response, Tool, ToolCall, ToolChoice},
    loss::Losses,
    names::{NameRule, ToolNames},
    openai_chat,
};

/// How a request's tools were put, for the way back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bridge(Option<Arc<Bridged>>);

#[derive(Debug)]
struct Bridged {
    names: ToolNames,
    /// Tools of free text that the upstream knows as functions, by the client's names.
    free_text: HashSet<String>,
}

impl Bridge {
    /// Puts the tools of a request as its target takes them.
    pub(crate) fn cross(request: &mut Request, target: &Target, losses: &mut Losses) -> Self {
        let free_text = if has_free_text(target) { HashSet::new() } else { free_text_tools(request) };
        let names = ToolNames::new(all_names(request), name_rule(target.dialect));
        let renames = all_names(request).any(|name| names.upstream(name) != name);
        if !free_text.is_empty() {
            become_functions(request, &free_text, losses);
        }
        if renames {
            rename(request, &names);
        }
        if free_text.is_empty() && !renames {
            return Self::default();
        }
        Self(Some(Arc::new(Bridged { names, free_text })))
    }

    /// Whether the answer's tools are the client's as they are.
    pub(crate) fn is_level(&self) -> bool {
        self.0.is_none()
    }

    /// Puts the calls of a whole answer as the client declared its tools.
    pub(crate) fn return_response(&self, response: &mut Response) {
        for part in &mut response.parts {
            if let Content::ToolCall(call) = &mut part.content {
                self.return_call(call);
            }
        }
    }

    fn return_call(&self, call: &mut ToolCall) {
        let Some(bridged) = &self.0 else { return };
        call.name = bridged.names.client(&call.name).to_owned();
        if bridged.free_text.contains(&call.name) {
            call.free_text = true;
            call.arguments = Arguments::new(free_text_of(call.arguments.as_str()));
        }
    }

    fn client_name<'n>(&'n self, name: &'n str) -> &'n str {
        self.0.as_ref().map_or(name, |bridged| bridged.names.client(name))
    }

    fn is_free_text(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|bridged| bridged.free_text.contains(name))
    }
}

/// Equal when nothing was put otherwise; only tests compare.
impl PartialEq for Bridge {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl Eq for Bridge {}

fn has_free_text(target: &Target) -> bool {
    match target.dialect {
        Dialect::OpenAiChat => openai_chat::has_free_text(target.variant),
        Dialect::OpenAiResponses => true,
        Dialect::AnthropicMessages | Dialect::GeminiGenerate | Dialect::BedrockConverse => false,
    }
}

const fn name_rule(dialect: Dialect) -> NameRule {
    match dialect {
        Dialect::GeminiGenerate => NameRule::Gemini,
        _ => NameRule::Word,
    }
}

fn free_text_tools(request: &Request) -> HashSet<String> {
    let declared = request.tools.iter().filter_map(|tool| match tool {
        Tool::Custom { name, .. } => Some(name.clone()),
        _ => None,
    });
    let called = calls(request).filter(|call| call.free_text).map(|call| call.name.clone());
    declared.chain(called).collect()
}

fn calls(request: &Request) -> impl Iterator<Item = &ToolCall> + Clone {
    request.messages.iter().flat_map(|message| &message.parts).filter_map(|part| match &part.content {
        Content::ToolCall(call) => Some(call),
        _ => None,
    })
}

fn all_names(request: &Request) -> impl Iterator<Item = &str> + Clone {
    let declared = request.tools.iter().filter_map(|tool| match tool {
        Tool::Function { name, .. } | Tool::Custom { name, .. } => Some(name.as_str()),
        Tool::Hosted { .. } => None,
    });
    declared.chain(calls(request).map(|call| call.name.as_str()))
}

fn become_functions(request: &mut Request, free_text: &HashSet<String>, losses: &mut Losses) {
    for tool in &mut request.tools {
        let Tool::Custom { name, description, format, extra } = tool else { continue };
        let grammar = format.as_ref().filter(|format| format.as_str().contains("grammar"));
        if grammar.is_some() {
            losses.degraded("tools.format", "told in the description");
        }
        losses.degraded("tools", "a tool of free text is carried as a function with one string");
        *tool = Tool::Function {
            name: std::mem::take(name),
            description: described(description.take(), grammar),
            schema: Some(Json::parse(FREE_TEXT_SCHEMA).expect("the literal is JSON")),
            strict: None,
            cache: None,
            extra: std::mem::take(extra),
        };
    }
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        if let Content::ToolCall(call) = &mut part.content
            && call.free_text
            && free_text.contains(&call.name)
        {
            call.free_text = false;
            let input = serde_json::json!({ FREE_TEXT_FIELD: call.arguments.as_str() });
            call.arguments = Arguments::new(input.to_string());
        }
    }
}

fn described(description: Option<String>, grammar: Option<&Json>) -> Option<String> {
    let Some(grammar) = grammar else { return description };
    let told = format!("The input must fit this format: {}", grammar.as_str());
    Some(description.map_or_else(|| told.clone(), |text| format!("{text}\n\n{told}")))
}

/// The text out of the function's arguments; what is no such object is the text itself.
fn free_text_of(arguments: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Input {
        input: String,
    }
    serde_json::from_str::<Input>(arguments).map_or_else(|_| arguments.to_owned(), |input| input.input)
}

const FREE_TEXT_FIELD: &str = "input";
const FREE_TEXT_SCHEMA: &str =
    r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

fn rename(request: &mut Request, names: &ToolNames) {
    let rename = |name: &mut String| *name = names.upstream(name).to_owned();
    for tool in &mut request.tools {
        match tool {
            Tool::Function { name, .. } | Tool::Custom { name, .. } => rename(name),
            Tool::Hosted { .. } => {}
        }
    }
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        if let Content::ToolCall(call) = &mut part.content {
            rename(&mut call.name);
        }
    }
    match &mut request.tool_choice {
        Some(ToolChoice::Tool(name)) => rename(name),
        Some(ToolChoice::Allowed { names, .. }) => names.iter_mut().for_each(rename),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use posthaste_core::Usage;

    use crate::ir::{Message, Part, Role, Stop, StopReason};

    fn request() -> Request {
        let mut request = Request::new(Dialect::OpenAiResponses, "m");
        let format = Json::parse(r#"{"type":"grammar","syntax":"lark","definition":"start: x"}"#).unwrap();
        request.tools = vec![
            Tool::Custom {
                name: "apply.patch".to_owned(),
                description: Some("Patches.".to_owned()),
                format: Some(format),
                extra: Vec::new(),
            },
            Tool::function("plain", None),
        ];
        let mut call = ToolCall::new("c", "apply.patch", Arguments::new("*** \"Begin\""));
        call.free_text = true;
        request.messages = vec![Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))])];
        request.tool_choice = Some(ToolChoice::Tool("apply.patch".to_owned()));
        request
    }

    #[test]
    fn a_tool_of_free_text_goes_there_and_back() {
        let mut crossed = request();
        let mut losses = Losses::default();
        let bridge = Bridge::cross(&mut crossed, &Target::of(Dialect::AnthropicMessages), &mut losses);
        assert!(!bridge.is_level());
        let Tool::Function { name, description, schema: Some(schema), .. } = &crossed.tools[0] else {
            panic!("{:?}", crossed.tools);
        };
        assert_ne!(name, "apply.patch");
        assert!(description.as_ref().unwrap().contains("lark"));
        assert!(schema.as_str().contains("input"));
        assert_eq!(crossed.tool_choice, Some(ToolChoice::Tool(name.clone())));
        let Content::ToolCall(call) = &crossed.messages[0].parts[0].content else { panic!() };
        assert_eq!((&call.name, call.arguments.as_str()), (name, r#"{"input":"*** \"Begin\""}"#));
        let mut response = Response {
            dialect: Dialect::AnthropicMessages,
            id: String::new(),
            model: String::new(),
            created: 0,
            parts: crossed.messages[0].parts.clone(),
            stop: Stop::new(StopReason::ToolUse),
            usage: Usage::default(),
            service_tier: None,
            extra: Vec::new(),
        };
        bridge.return_response(&mut response);
        assert_eq!(response.parts, request().messages[0].parts);
    }

    #[test]
    fn where_all_is_taken_nothing_is_put_otherwise() {
        let mut crossed = request();
        crossed.tools.remove(0);
        crossed.messages.clear();
        crossed.tool_choice = None;
        let before = crossed.clone();
        let bridge =
            Bridge::cross(&mut crossed, &Target::of(Dialect::AnthropicMessages), &mut Losses::default());
        assert!(bridge.is_level());
        assert_eq!(crossed, before);
    }
}
