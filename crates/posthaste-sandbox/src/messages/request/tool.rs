//! Tools and their choice.

use serde_json::Value;

use super::{super::place::Place, block::read_cache_control};
use crate::{
    brain::{ToolChoice, ToolMode, Ttl},
    error::ApiError,
};

/// A declared tool.
#[derive(Debug)]
pub(in crate::messages) struct Tool<'a> {
    /// Absent for a few kinds that the vendor runs itself.
    pub(in crate::messages) name: Option<&'a str>,
    /// The shape of its arguments; `None` for kinds that the sandbox does not call.
    pub(in crate::messages) input_schema: Option<&'a Value>,
    pub(in crate::messages) strict: bool,
    pub(in crate::messages) cache: Option<Ttl>,
    pub(in crate::messages) raw: &'a Value,
}

impl<'a> Tool<'a> {
    pub(super) fn read(place: &Place<'a>) -> Result<Self, ApiError> {
        place.object()?;
        let custom = match place.key("type") {
            None => true,
            Some(kind) => kind.text()? == "custom",
        };
        let (name, input_schema) = if custom {
            read_custom(&place.chosen("custom"))?
        } else {
            (place.key("name").map(|name| name.text()).transpose()?, None)
        };
        Ok(Self {
            name,
            input_schema,
            strict: place.key("strict").map(|strict| strict.boolean()).transpose()?.unwrap_or(false),
            cache: read_cache_control(place)?,
            raw: place.value(),
        })
    }
}

fn read_custom<'a>(place: &Place<'a>) -> Result<(Option<&'a str>, Option<&'a Value>), ApiError> {
    let name = place.required("name")?;
    let text = name.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(fits) {
        return Err(name.error("String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"));
    }
    let schema = place.required("input_schema")?;
    schema.object()?;
    let kind = schema.required("type")?;
    if kind.text()? != "object" {
        return Err(kind.error("Input should be 'object'"));
    }
    Ok((Some(text), Some(schema.value())))
}

/// Which tools are to be called.
pub(super) fn read_choice<'a>(place: &Place<'a>) -> Result<ToolChoice<'a>, ApiError> {
    let kind = place.required("type")?;
    let mode = match kind.text()? {
        "auto" => ToolMode::Auto,
        "any" => ToolMode::Any,
        "none" => ToolMode::None,
        "tool" => ToolMode::Named(place.chosen("tool").required("name")?.text()?),
        _ => return Err(kind.error("Input should be 'auto', 'any', 'tool' or 'none'")),
    };
    let alone = place.key("disable_parallel_tool_use").map(|alone| alone.boolean()).transpose()?;
    Ok(ToolChoice { mode, parallel: !alone.unwrap_or(false) })
}

/// Older models stop at 64; the sandbox takes what the newest do.
const MAX_NAME: usize = 128;
