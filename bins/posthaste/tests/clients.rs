//! Settings of clients, written and taken back in a home folder of the test.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

const KEY: &str = "cr_dummy0123456789";
const URL: &str = "http://relay.test:3001";

struct Home(TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn run(&self, line: &str) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_posthaste"))
            .env_clear()
            .env("HOME", self.0.path())
            .current_dir(self.0.path())
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn setup(&self, client: &str) -> Ran {
        self.run(&format!("clients setup {client} --url {URL} --key {KEY} --yes"))
    }

    fn remove(&self, client: &str) -> Ran {
        self.run(&format!("clients remove {client} --yes"))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), text).unwrap();
    }

    /// Every file there is.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.0.path(), self.0.path(), &mut found);
        found.sort();
        found
    }
}

impl Ran {
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    fn refused(self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }
}

/// Each client with its files as they are in an empty home.
const FRESH: [(&str, &[(&str, &str)]); 4] = [
    (
        "claude-code",
        &[(
            ".claude/settings.json",
            r#"{
  "env": {
    "ANTHROPIC_BASE_URL": "http://relay.test:3001/api",
    "ANTHROPIC_AUTH_TOKEN": "cr_dummy0123456789"
  }
}
"#,
        )],
    ),
    (
        "codex",
        &[(
            ".codex/config.toml",
            r#"model_provider = "posthaste"

[model_providers.posthaste]
name = "Posthaste"
base_url = "http://relay.test:3001/openai/v1"
wire_api = "responses"
experimental_bearer_token = "cr_dummy0123456789"
"#,
        )],
    ),
    (
        "gemini-cli",
        &[
            (
                ".gemini/.env",
                "GOOGLE_GEMINI_BASE_URL=http://relay.test:3001/gemini\nGEMINI_API_KEY=cr_dummy0123456789\n",
            ),
            (
                ".gemini/settings.json",
                r#"{
  "security": {
    "auth": {
      "selectedType": "gemini-api-key"
    }
  }
}
"#,
            ),
        ],
    ),
    (
        "opencode",
        &[(
            ".config/opencode/opencode.json",
            r#"{
  "provider": {
    "anthropic": {
      "options": {
        "baseURL": "http://relay.test:3001/api/v1",
        "apiKey": "cr_dummy0123456789"
      }
    },
    "openai": {
      "options": {
        "baseURL": "http://relay.test:3001/openai/v1",
        "apiKey": "cr_dummy0123456789"
      }
    },
    "google": {
      "options": {
        "baseURL": "http://relay.test:3001/gemini/v1beta",
        "apiKey": "cr_dummy0123456789"
      }
    }
  }
}
"#,
        )],
    ),
];

#[test]
fn in_an_empty_home_files_are_made_and_taken_away_again() {
    for (client, files) in FRESH {
        let home = Home::new();
        home.setup(client).ok();
        for (file, text) in files {
            assert_eq!(home.read(file), *text, "{client}");
            let mode = fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{file} holds a key");
        }
        let again = home.setup(client).ok();
        assert!(again.out.contains("nothing to do"), "{}", again.out);
        for (file, text) in files {
            assert_eq!(home.read(file), *text, "{client}, again");
        }
        home.remove(client).ok();
        assert_eq!(home.files(), Vec::<String>::new(), "{client}");
        home.remove(client).refused(3, "was not set up");
    }
}

/// Each client with settings that somebody has already, of which one is in the way.
const LIVED_IN: [(&str, &str, &str); 7] = [
    (
        "claude-code",
        ".claude/settings.json",
        "{\n    \"permissions\": {\"allow\": [\"Bash(ls)\"]},\n    \"env\": {\n        \"ANTHROPIC_BASE_URL\": \
         \"https://other.example\",\n        \"DEBUG\": \"1\"\n    },\n    \"model\": \"opus\"\n}\n",
    ),
    (
        "codex",
        ".codex/config.toml",
        "# mine\nmodel = \"gpt-5\"\nmodel_provider = \"azure\" # for work\n\n[model_providers.azure]\nname = \"Azure\"\n\n\
         [mcp_servers.docs]\ncommand = \"docs\"\n",
    ),
    ("codex", ".codex/config.toml", "model_providers = { azure = { name = \"Azure\" } } # mine\n"),
    ("codex", ".codex/config.toml", "model_providers.azure.name = \"Azure\" # mine\n\n[mcp_servers.docs]\n"),
    ("gemini-cli", ".gemini/.env", "# mine\r\nexport GEMINI_API_KEY=\"AIza # dummy\"\r\nOTHER=1\r\n"),
    (
        "gemini-cli",
        ".gemini/settings.json",
        "{\n  // how I log in\n  \"security\": {\"auth\": {\"selectedType\": \"oauth-personal\"}},\n  \"ui\": {\"theme\": \
         \"Dracula\"}\n}\n",
    ),
    (
        "opencode",
        ".config/opencode/opencode.jsonc",
        "{\n  \"$schema\": \"https://opencode.ai/config.json\",\n  // colours\n  \"theme\": \"opencode\",\n  \"provider\": {\n    \
         \"anthropic\": {\n      \"options\": {\n        \"timeout\": 600000\n      }\n    }\n  },\n}\n",
    ),
];

#[test]
fn settings_of_others_stay_and_come_back_as_they_were() {
    for (client, file, text) in LIVED_IN {
        let home = Home::new();
        home.write(file, text);
        home.setup(client).ok();
        let set = home.read(file);
        assert_ne!(set, text, "{client}");
        for kept in [
            "permissions",
            "DEBUG",
            "# mine",
            "mcp_servers",
            "OTHER=1",
            "how I log in",
            "Dracula",
            "colours",
            "600000",
        ] {
            assert_eq!(set.contains(kept), text.contains(kept), "{client}: {kept} in {set}");
        }
        let backup = format!("{file}.before-posthaste");
        assert_eq!(home.read(&backup), text, "{client}");
        // Another address is a second set-up; the back-up is of the time before the first.
        home.run(&format!("clients setup {client} --url http://elsewhere.test --key cr_dummy-other --yes"))
            .ok();
        assert_eq!(home.read(&backup), text, "{client}");
        home.remove(client).ok();
        assert_eq!(home.read(file), text, "{client}");
        assert!(!home.path(&backup).exists(), "{client}");
    }
}

#[test]
fn what_was_changed_since_stays() {
    let home = Home::new();
    home.write(".codex/config.toml", "model = \"gpt-5\"\n");
    home.setup("codex").ok();
    let mine = home
        .read(".codex/config.toml")
        .replace("model_provider = \"posthaste\"", "model_provider = \"openai\"");
    home.write(".codex/config.toml", &format!("{mine}\n[tui]\nanimations = false\n"));
    let removed = home.remove("codex").ok();
    assert!(removed.err.contains("`model_provider` in ") && removed.err.contains("stays"), "{}", removed.err);
    let left = home.read(".codex/config.toml");
    assert!(left.contains("model_provider = \"openai\"") && left.contains("animations = false"), "{left}");
    assert!(!left.contains("posthaste") && !left.contains(KEY), "{left}");

    // Who moved on to another service keeps that one's address and its key.
    home.setup("claude-code").ok();
    let theirs = "{\"env\": {\"ANTHROPIC_BASE_URL\": \"https://other.example\", \"ANTHROPIC_AUTH_TOKEN\": \"dummy\"}}\n";
    home.write(".claude/settings.json", theirs);
    home.remove("claude-code").ok();
    assert_eq!(home.read(".claude/settings.json"), theirs);
}

#[test]
fn what_was_set_by_hand_between_two_set_ups_comes_back() {
    let home = Home::new();
    let settings = |address: &str| {
        format!(
            "{{\"env\": {{\"ANTHROPIC_BASE_URL\": \"{address}\", \"ANTHROPIC_AUTH_TOKEN\": \"dummy\"}}}}\n"
        )
    };
    home.write(".claude/settings.json", &settings("https://first.example"));
    home.setup("claude-code").ok();
    home.write(".claude/settings.json", &settings("https://second.example"));
    home.setup("claude-code").ok();
    home.remove("claude-code").ok();
    assert_eq!(home.read(".claude/settings.json"), settings("https://second.example"));
}

#[test]
fn comments_that_were_written_since_stay() {
    for (client, file, comment) in [
        ("claude-code", ".claude/settings.json", "// mine"),
        ("codex", ".codex/config.toml", "# mine"),
        ("gemini-cli", ".gemini/.env", "# mine"),
    ] {
        let home = Home::new();
        home.setup(client).ok();
        let set = home.read(file);
        home.write(file, &format!("{comment}\n{set}"));
        home.remove(client).ok();
        let left = home.read(file);
        assert!(left.contains(comment) && !left.contains("relay.test"), "{left}");
        assert_eq!(home.files(), [file]);
    }
}

#[test]
fn what_looks_like_a_secret_is_not_shown() {
    let home = Home::new();
    let text = "{\n  \"args\": [\"--auth\", \"ghp_0dummy1dummy2dummy3\"],\n  \"proxy\": \"http://me:dummyword@proxy.test\",\n                  \"env\": {}\n}\n";
    home.write(".claude/settings.json", text);
    let shown = home.run(&format!("clients setup claude-code --url {URL} --key {KEY} --dry-run")).ok().out;
    assert!(shown.contains("args") && shown.contains("proxy.test"), "{shown}");
    assert!(!shown.contains("dummy"), "{shown}");
}

#[test]
fn a_rehearsal_changes_nothing_and_shows_no_secret() {
    let home = Home::new();
    let text = "{\n  \"env\": {\n    \"ANTHROPIC_API_KEY\": \"sk-ant-dummy\"\n  },\n  \"apiKeyHelper\": \"/bin/secret-helper\"\n}\n";
    home.write(".claude/settings.json", text);
    for more in ["", " --json"] {
        let shown =
            home.run(&format!("clients setup claude-code --url {URL} --key {KEY} --dry-run{more}")).ok();
        assert!(shown.out.contains("/api") && shown.out.contains("(the client key)"), "{}", shown.out);
        for secret in [KEY, "sk-ant-dummy", "secret-helper"] {
            assert!(!shown.out.contains(secret) && !shown.err.contains(secret), "{secret}: {}", shown.out);
        }
    }
    assert_eq!(home.files(), [".claude/settings.json"]);
    assert_eq!(home.read(".claude/settings.json"), text);
    home.setup("claude-code").ok();
    let set = home.read(".claude/settings.json");
    let shown = home.run("clients remove claude-code --dry-run").ok();
    assert!(!shown.out.contains(KEY) && shown.out.contains("-    \"ANTHROPIC_BASE_URL\""), "{}", shown.out);
    assert_eq!(home.read(".claude/settings.json"), set);
}

#[test]
fn what_cannot_be_read_is_refused_and_stays() {
    for (client, file, text, words) in [
        ("claude-code", ".claude/settings.json", "{\"env\": ", "no JSON"),
        ("claude-code", ".claude/settings.json", "[]", "no JSON object"),
        ("claude-code", ".claude/settings.json", "{\"env\": 5}", "`env` is no object"),
        (
            "claude-code",
            ".claude/settings.json",
            "{\"env\": {\"ANTHROPIC_BASE_URL\": 5}}",
            "`env.ANTHROPIC_BASE_URL` is no text",
        ),
        ("codex", ".codex/config.toml", "model = ", "no TOML"),
        ("codex", ".codex/config.toml", "model_providers = 5\n", "`model_providers` is no table"),
    ] {
        let home = Home::new();
        home.write(file, text);
        home.setup(client).refused(2, words);
        assert_eq!((home.read(file).as_str(), home.files().len()), (text, 1), "{client}");
    }
}

#[test]
fn nothing_is_done_that_nobody_agreed_to() {
    let home = Home::new();
    home.run(&format!("clients setup codex --url {URL} --key {KEY}")).refused(2, "--yes");
    for (url, words) in [
        ("relay.test", "no URL"),
        ("ftp://relay.test", "no address of a web server"),
        ("http://relay.test/api", "ends with /api"),
        ("http://relay.test/openai/v1/", "ends with /v1"),
        ("http://a:b@relay.test", "more than an address"),
        ("http://relay.test?key=x", "more than an address"),
    ] {
        home.run(&format!("clients setup codex --url {url} --key {KEY} --yes")).refused(2, words);
    }
    home.write("empty", "\n");
    home.run(&format!("clients setup codex --url {URL} --key-file empty --yes")).refused(2, "key: is empty");
    assert_eq!(home.files(), ["empty"]);
}

#[test]
fn the_address_is_the_relay_s_own_and_the_key_comes_from_a_file() {
    let home = Home::new();
    home.write("key", &format!("{KEY}\n"));
    home.write("posthaste.toml", "[server]\nlisten = \"0.0.0.0:4000\"\n");
    home.run("clients setup claude-code --key-file key --yes").ok();
    let set = home.read(".claude/settings.json");
    assert!(set.contains("http://127.0.0.1:4000/api") && set.contains(KEY), "{set}");
}

#[test]
fn a_link_to_settings_stays_a_link() {
    let home = Home::new();
    home.write("dotfiles/claude.json", "{}\n");
    fs::create_dir(home.path(".claude")).unwrap();
    symlink(home.path("dotfiles/claude.json"), home.path(".claude/settings.json")).unwrap();
    home.setup("claude-code").ok();
    assert!(fs::symlink_metadata(home.path(".claude/settings.json")).unwrap().is_symlink());
    assert!(home.read("dotfiles/claude.json").contains(KEY));
    home.remove("claude-code").ok();
    assert_eq!(home.read("dotfiles/claude.json"), "{}\n");
    fs::remove_file(home.path("dotfiles/claude.json")).unwrap();
    home.setup("claude-code").refused(2, "is a link to a file that is not there");
    assert_eq!(home.files(), [".claude/settings.json"]);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.run(&format!("completions {shell}")).ok().out;
        for word in ["posthaste", "clients", "claude-code", "dry-run"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(home.run("man").ok().out.starts_with(".ie"));
    home.run("man --to pages").ok();
    for page in ["posthaste.1", "posthaste-clients-setup.1", "posthaste-service-install.1"] {
        assert!(home.read(&format!("pages/{page}")).contains(".TH posthaste"), "{page}");
    }
}
