//! Programs that people use.

use super::{
    Guide,
    Place::{Field, File, PowerShell, Shell},
    Setting, text,
};

pub(super) const GUIDES: &[Guide] = &[
    Guide {
        id: "claude-code",
        name: "Claude Code",
        lead: text("Either of these does. Claude Code reads its settings when it starts."),
        command: Some("claude-code"),
        settings: &[
            Setting {
                place: Shell,
                text: r#"export ANTHROPIC_BASE_URL="{site}/api"
export ANTHROPIC_AUTH_TOKEN="{key}"
claude"#,
            },
            Setting {
                place: PowerShell,
                text: r#"$env:ANTHROPIC_BASE_URL = "{site}/api"
$env:ANTHROPIC_AUTH_TOKEN = "{key}"
claude"#,
            },
            Setting {
                place: File("~/.claude/settings.json"),
                text: r#"{
  "env": {
    "ANTHROPIC_BASE_URL": "{site}/api",
    "ANTHROPIC_AUTH_TOKEN": "{key}"
  }
}"#,
            },
        ],
        notes: &[
            text("ANTHROPIC_MODEL takes the name of any model that the relay serves."),
            text("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1 has it ask for the list of models."),
        ],
    },
    Guide {
        id: "codex",
        name: "Codex",
        lead: text("Put the provider into its settings, and the key into the variable that they name."),
        command: Some("codex"),
        settings: &[
            Setting {
                place: File("~/.codex/config.toml"),
                text: r#"model_provider = "posthaste"

[model_providers.posthaste]
name = "Posthaste"
base_url = "{site}/openai/v1"
wire_api = "responses"
env_key = "POSTHASTE_KEY""#,
            },
            Setting {
                place: Shell,
                text: r#"export POSTHASTE_KEY="{key}"
codex"#,
            },
            Setting {
                place: PowerShell,
                text: r#"$env:POSTHASTE_KEY = "{key}"
codex"#,
            },
        ],
        notes: &[text("codex -m MODEL asks for any model that the relay serves.")],
    },
    Guide {
        id: "gemini-cli",
        name: "Gemini CLI",
        lead: text("Set both variables, in the shell or in the file, and have it log in by key."),
        command: Some("gemini-cli"),
        settings: &[
            Setting {
                place: Shell,
                text: r#"export GOOGLE_GEMINI_BASE_URL="{site}/gemini"
export GEMINI_API_KEY="{key}"
gemini"#,
            },
            Setting {
                place: PowerShell,
                text: r#"$env:GOOGLE_GEMINI_BASE_URL = "{site}/gemini"
$env:GEMINI_API_KEY = "{key}"
gemini"#,
            },
            Setting {
                place: File("~/.gemini/.env"),
                text: r#"GOOGLE_GEMINI_BASE_URL={site}/gemini
GEMINI_API_KEY={key}"#,
            },
            Setting {
                place: File("~/.gemini/settings.json"),
                text: r#"{
  "security": { "auth": { "selectedType": "gemini-api-key" } }
}"#,
            },
        ],
        notes: &[
            text("Where a project has a .env, that one is read in the place of the one in the home folder."),
            text("Without -m it first asks a small model which model to take."),
        ],
    },
    Guide {
        id: "opencode",
        name: "OpenCode",
        lead: text("Its own providers take the relay's addresses. Leave out those that you do not use."),
        command: Some("opencode"),
        settings: &[Setting {
            place: File("~/.config/opencode/opencode.json"),
            text: r#"{
  "provider": {
    "anthropic": { "options": { "baseURL": "{site}/api/v1", "apiKey": "{key}" } },
    "openai": { "options": { "baseURL": "{site}/openai/v1", "apiKey": "{key}" } },
    "google": { "options": { "baseURL": "{site}/gemini/v1beta", "apiKey": "{key}" } }
  }
}"#,
        }],
        notes: &[text(
            "Titles are asked of a small model that it chooses itself; small_model names another one, for a key that may not use that.",
        )],
    },
    Guide {
        id: "sillytavern",
        name: "SillyTavern",
        lead: text(
            "Under API Connections choose Chat Completion, and as its source Custom (OpenAI-compatible). Other programs that take an address compatible with OpenAI take the same.",
        ),
        command: None,
        settings: &[
            Setting { place: Field("Custom Endpoint (Base URL)"), text: "{site}/openai/v1" },
            Setting { place: Field("Custom API Key"), text: "{key}" },
        ],
        notes: &[],
    },
];
