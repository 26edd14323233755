//! The clients and their settings. Paths and names are those of the releases in docs/CLIENTS.md.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::super::Failure;
use crate::config::ProcessEnv;

/// A client whose settings we know.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum Client {
    ClaudeCode,
    Codex,
    GeminiCli,
    #[value(name = "opencode")]
    OpenCode,
}

/// A file of settings, and what is ours in it.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) form: Form,
    pub(super) entries: Vec<Entry>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// JSON, in which comments may stand.
    Json,
    Toml,
    /// `NAME=value` lines.
    Env,
}

/// A setting of ours.
pub(super) struct Entry {
    /// The names that lead to it.
    pub(super) at: Vec<&'static str>,
    pub(super) value: String,
    pub(super) kind: Kind,
}

/// By what a setting is known to be ours when it is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is what we write.
    Word,
    /// It ends as our addresses do.
    Url(&'static str),
    /// The address beside it is ours.
    Key,
}

impl Client {
    /// What it is called on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
            Self::OpenCode => "opencode",
        }
    }

    /// Its files with what is ours in them.
    pub(super) fn files(self, homes: &Homes, url: &str, key: &str) -> Result<Vec<File>, Failure> {
        let made = Made { url, key };
        Ok(match self {
            Self::ClaudeCode => vec![made.claude_code(&homes.folder("CLAUDE_CONFIG_DIR", ".claude")?)],
            Self::Codex => vec![made.codex(&homes.folder("CODEX_HOME", ".codex")?)],
            Self::GeminiCli => {
                let home = homes.folder("GEMINI_CLI_HOME", "")?.join(".gemini");
                vec![made.gemini_environment(&home), gemini_settings(&home)]
            }
            Self::OpenCode => {
                vec![made.opencode(&homes.folder("XDG_CONFIG_HOME", ".config")?.join("opencode"))]
            }
        })
    }

    /// What is good to know afterwards.
    pub(super) fn hints(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &["start `claude` anew: it reads its settings then"],
            Self::Codex => {
                &["`codex -m MODEL` asks for a model of the relay's; `/models` of the relay lists them"]
            }
            Self::GeminiCli => {
                &["where a project has a `.env`, it is read in the place of the one in the home folder"]
            }
            Self::OpenCode => &["its providers anthropic, openai and google lead to the relay now"],
        }
    }
}

/// Settings in the making.
struct Made<'a> {
    url: &'a str,
    key: &'a str,
}

impl Made<'_> {
    /// <https://code.claude.com/docs/en/settings>
    fn claude_code(&self, home: &Path) -> File {
        let entries = vec![
            self.base(&["env", "ANTHROPIC_BASE_URL"], "/api"),
            self.secret(&["env", "ANTHROPIC_AUTH_TOKEN"]),
        ];
        File { path: home.join("settings.json"), form: Form::Json, entries }
    }

    /// The token stands in the file, since `env_key` would name a variable that every shell has to have.
    fn codex(&self, home: &Path) -> File {
        let entries = vec![
            word(&["model_provider"], "posthaste"),
            word(&["model_providers", "posthaste", "name"], "Posthaste"),
            self.base(&["model_providers", "posthaste", "base_url"], "/openai/v1"),
            word(&["model_providers", "posthaste", "wire_api"], "responses"),
            self.secret(&["model_providers", "posthaste", "experimental_bearer_token"]),
        ];
        File { path: home.join("config.toml"), form: Form::Toml, entries }
    }

    fn gemini_environment(&self, home: &Path) -> File {
        let entries =
            vec![self.base(&["GOOGLE_GEMINI_BASE_URL"], "/gemini"), self.secret(&["GEMINI_API_KEY"])];
        File { path: home.join(".env"), form: Form::Env, entries }
    }

    /// Its SDKs append the operation alone, so that the version is part of their base.
    fn opencode(&self, home: &Path) -> File {
        let mut entries = Vec::new();
        for (provider, base) in
            [("anthropic", "/api/v1"), ("openai", "/openai/v1"), ("google", "/gemini/v1beta")]
        {
            entries.push(self.base(&["provider", provider, "options", "baseURL"], base));
            entries.push(self.secret(&["provider", provider, "options", "apiKey"]));
        }
        let commented = home.join("opencode.jsonc");
        let path = if commented.exists() { commented } else { home.join("opencode.json") };
        File { path, form: Form::Json, entries }
    }

    fn base(&self, at: &[&'static str], base: &'static str) -> Entry {
        Entry { at: at.to_vec(), value: format!("{}{base}", self.url), kind: Kind::Url(base) }
    }

    fn secret(&self, at: &[&'static str]) -> Entry {
        Entry { at: at.to_vec(), value: self.key.to_owned(), kind: Kind::Key }
    }
}

/// Without it, it asks how to log in.
fn gemini_settings(home: &Path) -> File {
    let entries = vec![word(&["security", "auth", "selectedType"], "gemini-api-key")];
    File { path: home.join("settings.json"), form: Form::Json, entries }
}

fn word(at: &[&'static str], value: &str) -> Entry {
    Entry { at: at.to_vec(), value: value.to_owned(), kind: Kind::Word }
}

/// Where this user's settings are.
pub(super) struct Homes(PathBuf);

impl Homes {
    pub(super) fn of_this_user() -> Result<Self, Failure> {
        let home = ProcessEnv.named("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        home.map(Self)
            .ok_or_else(|| Failure::usage("the variable HOME is not set, so settings are not to be found"))
    }

    /// The folder that a variable names, else one in the home folder.
    fn folder(&self, variable: &str, otherwise: &str) -> Result<PathBuf, Failure> {
        match ProcessEnv.named(variable).filter(|named| !named.is_empty()) {
            None => Ok(self.0.join(otherwise)),
            Some(named) => std::path::absolute(&named).map_err(|error| {
                Failure::usage(format!("{variable} is no folder")).caused_by(error.to_string())
            }),
        }
    }
}
