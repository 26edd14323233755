//! Wire APIs and what is asked of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A wire API that clients or upstreams speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Anthropic's Messages API.
    AnthropicMessages,
    /// OpenAI's Chat Completions API, also as Azure and compatible vendors serve it.
    OpenAiChat,
    /// OpenAI's Responses API.
    OpenAiResponses,
    /// Google's Gemini API, `generateContent`.
    GeminiGenerate,
    /// AWS Bedrock's Converse API.
    BedrockConverse,
}

impl Dialect {
    /// Every dialect, in the order of their declaration.
    pub const ALL: [Self; 5] = [
        Self::AnthropicMessages,
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::GeminiGenerate,
        Self::BedrockConverse,
    ];

    /// The stable name used in metrics, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "anthropic-messages",
            Self::OpenAiChat => "open-ai-chat",
            Self::OpenAiResponses => "open-ai-responses",
            Self::GeminiGenerate => "gemini-generate",
            Self::BedrockConverse => "bedrock-converse",
        }
    }

    /// Position in [`Self::ALL`], for tables indexed by dialect.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a dialect's bodies are packed on their way. What they mean stays the same, so repacking is no translation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// As the dialect itself has it.
    #[default]
    Plain,
    /// Gemini's stream as one JSON array, which comes piece by piece (`streamGenerateContent` without `alt=sse`).
    JsonArray,
    /// Gemini's bodies inside the envelope of Code Assist (`v1internal`).
    CodeAssist,
    /// Anthropic's bodies as Bedrock takes them: the model in the path, the stream as chunks of an AWS event stream
    /// (`InvokeModel`).
    Invoke,
}

/// What a route serves or an account speaks: a dialect and how it is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Surface {
    /// The dialect.
    pub dialect: Dialect,
    /// How its bodies are packed.
    pub packing: Packing,
}

impl Surface {
    /// A dialect as it is.
    pub const fn plain(dialect: Dialect) -> Self {
        Self { dialect, packing: Packing::Plain }
    }

    /// The dialect in which errors are told: Bedrock tells its own, whatever the body is.
    pub const fn error_dialect(self) -> Dialect {
        match self.packing {
            Packing::Invoke => Dialect::BedrockConverse,
            Packing::Plain | Packing::JsonArray | Packing::CodeAssist => self.dialect,
        }
    }
}

/// How a vendor bends OpenAI's Chat Completions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChatVariant {
    /// As OpenAI and Azure serve it.
    #[default]
    OpenAi,
    /// As most servers do that only know the common part: `system` and `max_tokens`, thoughts as `reasoning_content`.
    Compatible,
    /// Alibaba's DashScope and Qwen: `enable_thinking`, `thinking_budget`.
    Qwen,
    /// Zhipu's GLM: `thinking`, no penalties, one stop sequence.
    Glm,
    /// DeepSeek: `thinking`, thoughts that have to come back in tool loops.
    DeepSeek,
    /// Moonshot's Kimi: fixed sampling.
    Moonshot,
    /// OpenRouter: `reasoning`.
    OpenRouter,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A model's answer to a conversation.
    Chat,
    /// The number of tokens that a conversation would cost as input.
    CountTokens,
    /// The list of models.
    Models,
    /// Vectors for texts.
    Embeddings,
    /// Vectors for several texts, where the dialect has a call of its own for that (Gemini).
    BatchEmbeddings,
    /// Pictures from a description.
    Images,
    /// The continuation of a text: OpenAI's API from before there were conversations.
    Completions,
    /// A long conversation made short: OpenAI's `responses/compact`.
    Compact,
}

impl Operation {
    /// Every operation, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::CountTokens,
        Self::Models,
        Self::Embeddings,
        Self::BatchEmbeddings,
        Self::Images,
        Self::Completions,
        Self::Compact,
    ];

    /// The stable name used in metrics, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::CountTokens => "count_tokens",
            Self::Models => "models",
            Self::Embeddings => "embeddings",
            Self::BatchEmbeddings => "batch_embeddings",
            Self::Images => "images",
            Self::Completions => "completions",
            Self::Compact => "compact",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_position_in_all() {
        for (position, dialect) in Dialect::ALL.into_iter().enumerate() {
            assert_eq!(dialect.index(), position);
        }
    }

    #[test]
    fn names_match_their_json_form() {
        for dialect in Dialect::ALL {
            assert_eq!(serde_json::to_value(dialect).unwrap(), dialect.as_str());
        }
        for operation in Operation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.as_str());
        }
    }
}
