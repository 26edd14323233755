//! Client programs, as they declare themselves.

use serde::{Deserialize, Serialize};

use crate::ModelPattern;

/// A client program: one of [`KNOWN`](Self::KNOWN), or a pattern of user agents such as `my-agent/*`.
///
/// A user agent is whatever a client writes there. To go by it is a courtesy among people who mean well, and no lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ClientPattern(String);

impl ClientPattern {
    /// The programs that are known by a name, and what their user agents look like: those of Claude Code, Codex and Gemini
    /// CLI as observed 2026-11-23, those of OpenCode, Qwen Code and Droid by their public sources, checked 2026-11-26.
    pub const KNOWN: [(&'static str, &'static [&'static str]); 6] = [
        ("claude-code", &["claude-cli/*"]),
        // `codex_exec/0.169.0 (…)`, `codex_cli_rs/…`, `codex_vscode/…`
        ("codex", &["codex_*/*", "codex-*/*"]),
        // `GeminiCLI-tui/0.61.0/<model> (…)`
        ("gemini-cli", &["GeminiCLI/*", "GeminiCLI-*/*"]),
        ("opencode", &["opencode/*"]),
        ("qwen-code", &["QwenCode/*"]),
        ("droid", &["factory-cli/*"]),
    ];

    /// Takes a name or a pattern. Any text will do; one that is neither fits that one user agent only.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of [`KNOWN`](Self::KNOWN).
    pub fn is_known(&self) -> bool {
        self.agents().is_some()
    }

    /// Whether a client with this user agent fits.
    pub fn matches(&self, user_agent: &str) -> bool {
        let fits = |pattern: &str| ModelPattern::new(pattern).matches(user_agent);
        match self.agents() {
            Some(patterns) => patterns.iter().any(|pattern| fits(pattern)),
            None => fits(&self.0),
        }
    }

    fn agents(&self) -> Option<&'static [&'static str]> {
        Self::KNOWN.iter().find(|(name, _)| *name == self.0).map(|(_, patterns)| *patterns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_fit_user_agents() {
        for (client, user_agent) in [
            ("claude-code", "claude-cli/2.1.197 (external, sdk-cli)"),
            ("codex", "codex_exec/0.169.0 (Debian 12.0.0; x86_64)"),
            ("gemini-cli", "GeminiCLI-tui/0.61.0/gemini-dummy (linux; x64; terminal)"),
            ("gemini-cli", "GeminiCLI/0.1 (linux)"),
            ("opencode", "opencode/1.18.31"),
            ("my-agent/*", "my-agent/1"),
        ] {
            assert!(ClientPattern::new(client).matches(user_agent), "{client}: {user_agent}");
        }
        for (client, user_agent) in [
            ("claude-code", "curl/8"),
            ("claude-code", "claude-code"),
            ("codex", "claude-cli/2"),
            ("my-agent/*", "not-my-agent/1"),
            ("my-agent", "my-agent/1"),
        ] {
            assert!(!ClientPattern::new(client).matches(user_agent), "{client}: {user_agent}");
        }
    }
}
