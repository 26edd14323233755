//! Items of the input.

use serde_json::Value;

use crate::{error::ApiError, openai::place::Place, reading::Kind};

/// One item.
pub(in crate::responses) enum Item<'a> {
    Message {
        role: Role,
        id: Option<&'a str>,
        content: Vec<Part<'a>>,
    },
    Reasoning {
        id: Option<&'a str>,
        encrypted: Option<&'a str>,
        path: String,
    },
    Call {
        id: Option<&'a str>,
        call: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    Output {
        call: &'a str,
        content: Vec<Part<'a>>,
    },
    /// What stands for an earlier part of the talk.
    Compaction {
        encrypted: &'a str,
        path: String,
    },
    /// An item that is counted and not looked into, such as those of hosted tools.
    Other(&'a Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::responses) enum Role {
    System,
    User,
    Assistant,
}

/// A part of a message.
#[derive(Clone, Copy)]
pub(in crate::responses) enum Part<'a> {
    Text(&'a str),
    Image,
    File,
}

impl<'a> Item<'a> {
    pub(super) fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        place.object()?;
        // A message may leave its type out.
        let kind = match place.key("type") {
            Some(kind) => kind.among(KINDS)?,
            None => "message",
        };
        let id = place.optional("id", Place::text)?;
        Ok(match kind {
            "message" => {
                let role =
                    match place.required("role")?.among(&["assistant", "system", "developer", "user"])? {
                        "assistant" => Role::Assistant,
                        "user" => Role::User,
                        _ => Role::System,
                    };
                Self::Message { role, id, content: read_content(&place.required("content")?, role)? }
            }
            "reasoning" => {
                let encrypted = place.optional("encrypted_content", Place::text)?;
                Self::Reasoning { id, encrypted, path: place.path().to_owned() }
            }
            "function_call" | "custom_tool_call" => {
                let arguments = if kind == "function_call" { "arguments" } else { "input" };
                Self::Call {
                    id,
                    call: place.required("call_id")?.text()?,
                    name: place.required("name")?.text()?,
                    arguments: place.required(arguments)?.text()?,
                }
            }
            "function_call_output" | "custom_tool_call_output" => Self::Output {
                call: place.required("call_id")?.text()?,
                content: read_content(&place.required("output")?, Role::User)?,
            },
            "compaction" => {
                let encrypted = place.required("encrypted_content")?.text()?;
                Self::Compaction { encrypted, path: place.path().to_owned() }
            }
            _ => Self::Other(place.value()),
        })
    }
}

fn read_content<'a>(place: &Place<'a>, role: Role) -> Result<Vec<Part<'a>>, ApiError> {
    match place.value() {
        Value::String(text) => Ok(vec![Part::Text(text)]),
        Value::Array(_) => place.list()?.iter().map(|part| read_part(part, role)).collect(),
        _ => Err(place.mistyped(Kind::TextOrList)),
    }
}

fn read_part<'a>(place: &Place<'a>, role: Role) -> Result<Part<'a>, ApiError> {
    place.object()?;
    let kinds: &[&str] = match role {
        Role::Assistant => &["output_text", "refusal"],
        Role::User | Role::System => &["input_text", "input_image", "input_file"],
    };
    match place.required("type")?.among(kinds)? {
        "refusal" => Ok(Part::Text(place.required("refusal")?.text()?)),
        "input_image" => {
            let url = place.optional("image_url", Place::text)?;
            let file = place.optional("file_id", Place::text)?;
            if url.is_none() && file.is_none() {
                place.required("image_url")?;
            }
            Ok(Part::Image)
        }
        "input_file" => {
            let given = ["file_id", "file_url", "file_data"].iter().any(|key| place.key(key).is_some());
            if !given {
                place.required("file_data")?;
            }
            Ok(Part::File)
        }
        _ => Ok(Part::Text(place.required("text")?.text()?)),
    }
}

const KINDS: &[&str] = &[
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "compaction_trigger",
    "computer_call",
    "computer_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "file_search_call",
    "function_call",
    "function_call_output",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "message",
    "program",
    "program_output",
    "reasoning",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];
