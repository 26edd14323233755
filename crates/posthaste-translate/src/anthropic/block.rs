//! Content blocks, which requests, answers and streams share.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    TranslateError,
    ir::{
        Arguments, CacheHint, Content, Document, Image, Json, Opaque, Part, Source, Thinking, ToolCall, ToolResult,
    },
    json::{Fields, Str, TextOr, at, hints, wire_object},
    loss::Losses,
};

const DIALECT: Dialect = Dialect::AnthropicMessages;

wire_object! {
    /// Every block that the relay knows, in one: telling them apart first would read each twice.
    struct BlockIn<'a> {
        kind: Str<'a> = "type",
        text: Str<'a> = "text",
        source: Option<&'a RawValue> = "source",
        title: Option<Str<'a>> = "title",
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        input: Option<&'a RawValue> = "input",
        tool_use_id: Str<'a> = "tool_use_id",
        content: Option<&'a RawValue> = "content",
        is_error: Option<bool> = "is_error",
        thinking: Str<'a> = "thinking",
        signature: Option<Str<'a>> = "signature",
        data: Str<'a> = "data",
        cache_control: Option<CacheControl<'a>> = "cache_control",
    }
}

#[derive(Deserialize)]
struct KindIn<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Str<'a>,
}

#[derive(Default, Deserialize)]
struct SourceIn<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Str<'a>,
    #[serde(borrow, default)]
    media_type: Str<'a>,
    #[serde(borrow, default)]
    data: Str<'a>,
    #[serde(borrow, default)]
    url: Str<'a>,
    #[serde(borrow, default)]
    file_id: Str<'a>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// A mark up to which the prompt may be cached; read and written alike.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct CacheControl<'a> {
    #[serde(borrow, rename = "type", default, deserialize_with = "ignore")]
    kind: Ephemeral,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    ttl: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
enum Ephemeral {
    #[default]
    Ephemeral,
}
