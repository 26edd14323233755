//! Servers that people run themselves.

use std::time::Duration;

use posthaste_core::{AuthForm, ChatVariant};

use super::{Preset, Rests, Site};

const LOCAL: Preset = Preset {
    auth: AuthForm::None,
    needs_credential: false,
    chat: ChatVariant::Compatible,
    // Such a server is back as soon as it is started again or has read its model, and asking it costs nobody anything.
    rests: Some(Rests { first: Duration::from_secs(1), most: Duration::from_secs(15) }),
    ..Preset::BASE
};

pub(super) const ROWS: &[Preset] = &[
    Preset {
        name: "ollama",
        sites: &[Site::new("", "http://127.0.0.1:11434/v1")],
        source: "https://github.com/ollama/ollama/blob/main/docs/openai.md, checked 2026-11-23",
        summary: "Ollama on this machine; another one by --base-url",
        ..LOCAL
    },
    Preset {
        name: "vllm",
        sites: &[Site::new("", "http://127.0.0.1:8000/v1")],
        source: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html, checked 2026-11-23",
        summary: "vLLM on this machine; another one by --base-url, a key with --auth bearer",
        ..LOCAL
    },
    Preset {
        name: "llama-cpp",
        sites: &[Site::new("", "http://127.0.0.1:8080/v1")],
        source: "https://github.com/ggml-org/llama.cpp/tree/master/tools/server, checked 2026-11-23",
        summary: "llama.cpp's server on this machine; another one by --base-url",
        ..LOCAL
    },
    Preset {
        name: "lm-studio",
        sites: &[Site::new("", "http://127.0.0.1:1234/v1")],
        source: "https://lmstudio.ai/docs/app/api/endpoints/openai, checked 2026-11-23",
        summary: "LM Studio on this machine; another one by --base-url",
        ..LOCAL
    },
];
