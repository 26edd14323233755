//! Fields in the words of the client.
//!
//! A writer knows its own dialect, and names what it cannot write as the dialect that it was made beside does. The client is
//! told its own name of the thing, in the `x-posthaste-dropped` header and in its 400.

use posthaste_core::Dialect;

use crate::{Loss, TranslateError};

/// The losses of a request; `is_own` tells the client's own fields, which are named as they came.
pub(crate) fn losses(losses: Vec<Loss>, client: Dialect, is_own: impl Fn(&str) -> bool) -> Vec<Loss> {
    let mut named: Vec<Loss> = Vec::with_capacity(losses.len());
    for loss in losses {
        let field = if is_own(&loss.field) { loss.field } else { in_words_of(client, loss.field) };
        let loss = Loss { field, reason: loss.reason };
        // Two writers' names may be one of the client's.
        if !named.contains(&loss) {
            named.push(loss);
        }
    }
    named
}

/// The error of a request.
pub(crate) fn error(error: TranslateError, client: Dialect) -> TranslateError {
    match error {
        TranslateError::Inexpressible { field, to } => {
            TranslateError::Inexpressible { field: in_words_of(client, field), to }
        }
        other => other,
    }
}

fn in_words_of(client: Dialect, field: String) -> String {
    let known = |thing: &&Thing| thing.names[client.index()] == field;
    let told = |thing: &&Thing| thing.names.contains(&field.as_str()) || thing.also.contains(&field.as_str());
    if THINGS.iter().any(|thing| known(&thing)) {
        return field;
    }
    THINGS.iter().find(told).map_or(field, |thing| thing.names[client.index()].to_owned())
}

/// One thing and its names.
struct Thing {
    /// In the order of [`Dialect::ALL`]; a dialect without the thing has the nearest name for it.
    names: [&'static str; Dialect::ALL.len()],
    /// What writers call it besides.
    also: &'static [&'static str],
}

const fn thing(names: [&'static str; Dialect::ALL.len()]) -> Thing {
    Thing { names, also: &[] }
}

/// Columns: Anthropic Messages, OpenAI Chat, OpenAI Responses, Gemini, Bedrock Converse.
static THINGS: [Thing; 33] = [
    thing([
        "max_tokens",
        "max_tokens",
        "max_output_tokens",
        "generationConfig.maxOutputTokens",
        "inferenceConfig.maxTokens",
    ]),
    thing([
        "temperature",
        "temperature",
        "temperature",
        "generationConfig.temperature",
        "inferenceConfig.temperature",
    ]),
    thing(["top_p", "top_p", "top_p", "generationConfig.topP", "inferenceConfig.topP"]),
    thing([
        "stop_sequences",
        "stop",
        "stop",
        "generationConfig.stopSequences",
        "inferenceConfig.stopSequences",
    ]),
    thing([
        "thinking",
        "reasoning_effort",
        "reasoning",
        "generationConfig.thinkingConfig",
        "additionalModelRequestFields.thinking",
    ]),
    thing([
        "thinking.budget_tokens",
        "reasoning_effort",
        "reasoning.effort",
        "generationConfig.thinkingConfig.thinkingBudget",
        "additionalModelRequestFields.thinking.budget_tokens",
    ]),
    thing([
        "thinking.display",
        "reasoning.exclude",
        "reasoning.summary",
        "generationConfig.thinkingConfig.includeThoughts",
        "additionalModelRequestFields.thinking.display",
    ]),
    Thing {
        names: [
            "output_config.effort",
            "reasoning_effort",
            "reasoning.effort",
            "generationConfig.thinkingConfig.thinkingLevel",
            "additionalModelRequestFields.output_config.effort",
        ],
        also: &["thinking.effort"],
    },
    thing([
        "output_config.format",
        "response_format",
        "text.format",
        "generationConfig.responseMimeType",
        "outputConfig.textFormat",
    ]),
    thing([
        "output_config.format.name",
        "response_format.json_schema.name",
        "text.format.name",
        "generationConfig.responseSchema",
        "outputConfig.textFormat.structure.jsonSchema.name",
    ]),
    thing([
        "output_config.format.description",
        "response_format.json_schema.description",
        "text.format.description",
        "generationConfig.responseSchema",
        "outputConfig.textFormat.structure.jsonSchema.description",
    ]),
    thing([
        "output_config.format.strict",
        "response_format.json_schema.strict",
        "text.format.strict",
        "generationConfig.responseSchema",
        "outputConfig.textFormat.structure.jsonSchema",
    ]),
    thing(["tools", "tools", "tools", "tools", "toolConfig.tools"]),
    thing([
        "tools.strict",
        "tools.function.strict",
        "tools.strict",
        "toolConfig.functionCallingConfig.mode",
        "toolConfig.tools.toolSpec.strict",
    ]),
    thing([
        "tool_choice",
        "tool_choice",
        "tool_choice",
        "toolConfig.functionCallingConfig",
        "toolConfig.toolChoice",
    ]),
    thing([
        "tool_choice.disable_parallel_tool_use",
        "parallel_tool_calls",
        "parallel_tool_calls",
        "parallel_tool_calls",
        "parallel_tool_calls",
    ]),
    thing(["service_tier", "service_tier", "service_tier", "serviceTier", "serviceTier"]),
    thing([
        "system.cache_control",
        "messages.content.cache_control",
        "instructions.cache_control",
        "systemInstruction.cache_control",
        "system.cachePoint",
    ]),
    thing([
        "messages.content.cache_control",
        "messages.content.cache_control",
        "input.content.cache_control",
        "contents.parts.cache_control",
        "messages.content.cachePoint",
    ]),
    thing([
        "tools.cache_control",
        "tools.cache_control",
        "tools.cache_control",
        "tools.cache_control",
        "toolConfig.tools.cachePoint",
    ]),
    thing(["messages.system", "messages.system", "input.system", "contents", "messages.system"]),
    thing(["messages.prefill", "messages.prefill", "input.prefill", "contents.prefill", "messages.prefill"]),
    Thing {
        names: [
            "messages.content.thinking",
            "messages.reasoning_content",
            "input.reasoning",
            "contents.parts.thought",
            "messages.content.reasoningContent",
        ],
        also: &["input.content.thinking"],
    },
    Thing {
        names: [
            "messages.content.citations",
            "messages.annotations",
            "input.content.annotations",
            "contents.groundingMetadata",
            "messages.content.citationsContent",
        ],
        also: &["input.content.citations"],
    },
    Thing {
        names: [
            "messages.content.document",
            "messages.content.file",
            "input.content.input_file",
            "contents.parts.fileData",
            "messages.content.document",
        ],
        also: &["messages.content.input_file", "messages.content.parts.fileData", "contents.parts.document"],
    },
    thing([
        "messages.content.document.source.url",
        "messages.content.file.file_data",
        "input.content.file_url",
        "contents.parts.fileData.fileUri",
        "messages.content.document.source",
    ]),
    thing([
        "messages.content.document.source.file_id",
        "messages.content.file.file_id",
        "input.content.file_id",
        "contents.parts.fileData.fileUri",
        "messages.content.document.source",
    ]),
    Thing {
        names: [
            "messages.content.image.source.file_id",
            "messages.content.image_url",
            "input.content.file_id",
            "contents.parts.fileData.fileUri",
            "messages.content.image.source",
        ],
        also: &["messages.content.image_url.file_id"],
    },
    Thing {
        names: [
            "messages.content.image.source",
            "messages.content.image_url",
            "input.content.image_url",
            "contents.parts.fileData",
            "messages.content.image.source",
        ],
        also: &["messages.content.input_image", "messages.content.image"],
    },
    Thing {
        names: [
            "messages.content.image",
            "messages.content.image_url.detail",
            "input.content.detail",
            "contents.parts.mediaResolution",
            "messages.content.image",
        ],
        also: &["messages.content.detail", "messages.content.input_image.detail"],
    },
    thing([
        "messages.content.audio",
        "messages.content.input_audio",
        "input.content.input_audio",
        "contents.parts.inlineData",
        "messages.content.audio",
    ]),
    Thing {
        names: [
            "messages.content.tool_result",
            "messages.tool",
            "input.function_call_output",
            "contents.parts.functionResponse",
            "messages.content.toolResult",
        ],
        also: &["messages.content.tool_result.content", "input.content.tool_result", "messages.tool_result"],
    },
    thing([
        "messages.content.tool_result.is_error",
        "messages.tool",
        "input.function_call_output",
        "contents.parts.functionResponse.response",
        "messages.content.toolResult.status",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(client: Dialect, field: &str) -> String {
        in_words_of(client, field.to_owned())
    }

    #[test]
    fn a_client_is_told_its_own_name_of_a_thing() {
        assert_eq!(told(Dialect::GeminiGenerate, "temperature"), "generationConfig.temperature");
        assert_eq!(told(Dialect::OpenAiChat, "messages.content.thinking"), "messages.reasoning_content");
        assert_eq!(told(Dialect::AnthropicMessages, "stop"), "stop_sequences");
        assert_eq!(told(Dialect::BedrockConverse, "tools.cache_control"), "toolConfig.tools.cachePoint");
        assert_eq!(told(Dialect::OpenAiResponses, "messages.content.input_image"), "input.content.image_url");
    }

    #[test]
    fn its_own_names_and_unknown_ones_stay() {
        for client in Dialect::ALL {
            for name in THINGS.iter().map(|thing| thing.names[client.index()]) {
                assert_eq!(told(client, name), name);
            }
            assert_eq!(told(client, "surprise"), "surprise");
        }
        let given = vec![Loss::dropped("thinking"), Loss::dropped("stop_sequences"), Loss::dropped("stop")];
        let named = losses(given, Dialect::OpenAiChat, |field| field == "thinking");
        assert_eq!(named, [Loss::dropped("thinking"), Loss::dropped("stop")]);
    }
}
