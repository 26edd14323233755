//! The promises of the configuration.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use posthaste_core::Secret;

use super::*;

mod mutated;

struct Env(Vec<(&'static str, &'static str)>);

impl Strings for Env {
    fn vars(&self) -> Vec<(String, Option<String>)> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect()
    }
}

fn read(file: &str, env: &[(&'static str, &'static str)], flags: &[Flag]) -> Result<Config, ConfigErrors> {
    let file = FileText { path: PathBuf::from("posthaste.toml"), text: file.to_owned() };
    Config::read(&Sources { file: Some(&file), env: &Env(env.to_vec()), flags })
}

fn errors(file: &str, env: &[(&'static str, &'static str)]) -> Vec<String> {
    read(file, env, &[]).expect_err("an error").iter().map(ToString::to_string).collect()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn nothing_at_all_gives_the_defaults() {
    let config = Config::read(&Sources { file: None, env: &Env(vec![]), flags: &[] }).unwrap();
    assert_eq!(config.server.listen, address("127.0.0.1:3001"));
    assert_eq!(config.server.events_listen, Listen::At(address("127.0.0.1:3002")));
    assert_eq!(config.server.max_body_bytes.bytes(), 64 << 20);
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(900));
    assert_eq!(config.data.dir, PathBuf::from("./data"));
    assert_eq!(config.data.store, StoreKind::Sqlite);
    assert_eq!(config.keys.prefix, "cr_");
    assert_eq!(config.accounting.durability, Durability::Relaxed);
    assert_eq!(config.relay.attempts, 4);
    assert_eq!(config.log.format, LogFormat::Pretty);
    assert!(config.server.metrics_token.is_none());
}

#[test]
fn the_events_have_an_address_or_none_and_know_whose_pages_may_come() {
    let file = "[server]\nevents_listen = 'off'\nevents_origins = 'https://Chat.example:443 http://localhost:5173/'\n";
    let config = read(file, &[], &[]).unwrap();
    assert_eq!(config.server.events_listen.address(), None);
    let origins = config.server.events_origins.unwrap().0;
    assert_eq!(origins, ["https://chat.example", "http://localhost:5173"], "as browsers write them");
    for wrong in [
        "events_listen = 'on'",
        "events_listen = '3002'",
        "events_origins = '*'",
        "events_origins = 'https://a.example/x'",
        "events_origins = 'a.example'",
    ] {
        assert_eq!(errors(&format!("[server]\n{wrong}\n"), &[]).len(), 1, "{wrong}");
    }
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let file = "[server]\nlisten = '127.0.0.1:1'\n[relay]\nattempts = 2\n[data]\ndir = '/file'\n";
    let env = [("POSTHASTE_SERVER__LISTEN", "127.0.0.1:2"), ("POSTHASTE_RELAY__ATTEMPTS", "3")];
    let flags = [Flag { name: "--listen", path: "server.listen", value: "127.0.0.1:3".to_owned() }];
    let config = read(file, &env, &flags).unwrap();
    assert_eq!(config.server.listen, address("127.0.0.1:3"));
    assert_eq!(config.relay.attempts, 3);
    assert_eq!(config.data.dir, PathBuf::from("/file"));
}

#[test]
fn all_errors_come_at_once_with_path_line_and_value() {
    let file = "\
[server]
listen = 'nowhere'
lisen = '127.0.0.1:1'

[relay]
attempts = '4'
gap_timeout = 10

[serverr]
listen = 'x'
backlog = 3

[metrics]
";
    let env = [("POSTHASTE_LOG__FORMAT", "xml"), ("POSTHASTE_LOG__FORMT", "json")];
    assert_eq!(
        errors(file, &env),
        [
            "posthaste.toml:3: server.lisen: unknown key; did you mean `listen`?",
            "posthaste.toml:9: serverr: unknown section; did you mean `server`?",
            "posthaste.toml:13: metrics: unknown section",
            "POSTHASTE_LOG__FORMT: log.formt: unknown key; did you mean `format`?",
            "posthaste.toml:2: server.listen: `\"nowhere\"` is not an address and a port such as `127.0.0.1:3001` or `[::1]:3001`",
            "posthaste.toml:6: relay.attempts: `\"4\"` is not a whole number",
            "posthaste.toml:7: relay.gap_timeout: `10` is not a time above zero such as `500ms`, `10s`, `15m` or `1h`",
            "POSTHASTE_LOG__FORMAT: log.format: `xml` is not `pretty` or `json`",
        ]
    );
}

#[test]
fn a_wrong_value_in_the_file_is_an_error_also_when_the_environment_overrides_it() {
    let found = errors("[relay]\nattempts = 'four'\n", &[("POSTHASTE_RELAY__ATTEMPTS", "3")]);
    assert_eq!(found, ["posthaste.toml:2: relay.attempts: `\"four\"` is not a whole number"]);
}

#[test]
fn values_out_of_range_are_told_together_with_those_that_cannot_be_read() {
    let file = "[relay]\nattempts = 99\ndrain_timeout = '1h'\ngap_timeout = 10\n[log]\nfilter = 'a=b=c'\nformat = 'xml'\n";
    let found = errors(file, &[]);
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(found[2], "relay.attempts: `99` is not a number from 1 to 20");
    assert_eq!(found[3], "relay.drain_timeout: is more than 15 minutes (`15m`)");
    assert!(found[4].starts_with("log.filter: "), "{found:?}");
}

#[test]
fn a_key_that_cannot_be_read_is_told_once() {
    let found = errors("[data]\nstore = 'redis'\nredis_url = 4711\n", &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("posthaste.toml:3: data.redis_url: the value (not shown)"), "{found:?}");
}

#[test]
fn the_words_of_other_programs_lead_to_the_key() {
    let found = errors("[log]\nlevel = 'debug'\n[server]\nport = 3001\n", &[]);
    assert_eq!(
        found,
        [
            "posthaste.toml:2: log.level: unknown key; did you mean `filter`?",
            "posthaste.toml:4: server.port: unknown key; did you mean `listen`?",
        ]
    );
    for (section, key, words) in reader::SYNONYMS {
        let section = Config::SECTIONS.into_iter().find(|info| info.name == section).expect("a section");
        assert!(section.keys.iter().any(|info| info.name == key), "{key}");
        assert!(section.keys.iter().all(|info| !words.contains(&info.name)), "{words:?}");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let found = errors("[relay]\nattempts = 0\n[keys]\nprefix = 'a b'\n[log]\nfilter = 'a=b=c'\n", &[]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[1], "relay.attempts: `0` is not a number from 1 to 20");
}

#[test]
fn redis_is_given_some_time() {
    assert_eq!(read("[data]\ndeadline = '2s'\n", &[], &[]).unwrap().data.deadline.as_secs(), 2);
    let found = errors("[data]\ndeadline = '0s'\n", &[]);
    assert!(found[0].contains("data.deadline") && found[0].contains("above zero"), "{found:?}");
}

#[test]
fn rows_wait_no_longer_than_a_crash_may_cost() {
    for value in ["1ms", "100ms"] {
        read(&format!("[accounting]\nflush_every = '{value}'\n"), &[], &[]).unwrap();
    }
    let found = errors("[accounting]\nflush_every = '101ms'\n", &[]);
    assert_eq!(found, ["accounting.flush_every: `101ms` is not a time from 1ms to 100ms"]);
    let found = errors("[accounting]\nspool_limit = '15MiB'\n", &[]);
    assert_eq!(found, ["accounting.spool_limit: `15MiB` is less than 16MiB"]);
}

#[test]
fn keys_outside_a_section_are_told_where_to_go() {
    let found = errors("listen = '127.0.0.1:1'\nserver = 3\n", &[]);
    assert_eq!(
        found,
        [
            "posthaste.toml:1: listen: stands outside its section; put it below `[server]`",
            "posthaste.toml:2: server: is a section; write `[server]` and its keys below",
        ]
    );
}

#[test]
fn text_that_is_no_toml_is_told_with_its_line_and_never_repeated() {
    let found = errors("[server]\nmetrics_token = \"sk-ant-dummy\n", &[("POSTHASTE_RELAY__ATTEMPTS", "x")]);
    assert!(found[0].starts_with("posthaste.toml:2: not valid TOML: "), "{found:?}");
    assert!(found.iter().all(|error| !error.contains("sk-ant-dummy")), "{found:?}");
    assert!(found.iter().any(|error| error.contains("relay.attempts")), "{found:?}");
}

#[test]
fn the_master_key_is_not_taken_from_a_file() {
    let found = errors("[vault]\nmaster_key = 'sk-ant-dummy'\n", &[]);
    assert_eq!(
        found,
        [
            "posthaste.toml:2: vault.master_key: not taken from a file; set POSTHASTE_VAULT__MASTER_KEY in the environment instead"
        ]
    );
    const DUMMY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    let config = read("", &[("POSTHASTE_VAULT__MASTER_KEY", DUMMY)], &[]).unwrap();
    assert_eq!(config.vault.master_key.unwrap().0.expose(), DUMMY);
    let malformed = errors("", &[("POSTHASTE_VAULT__MASTER_KEY", "sk-ant-dummy")]);
    assert!(
        malformed[0].starts_with("vault.master_key: ") && !malformed[0].contains("dummy"),
        "{malformed:?}"
    );
}

#[test]
fn a_secrets_value_stands_neither_in_errors_nor_in_what_is_shown() {
    let found = errors("[server]\nmetrics_token = 4711\n", &[]);
    assert_eq!(
        found,
        ["posthaste.toml:2: server.metrics_token: the value (not shown) is not a text that is not empty"]
    );
    let config = read("[server]\nmetrics_token = 'sk-ant-dummy'\n", &[], &[]).unwrap();
    let token = config.show().into_iter().find(|shown| shown.key == "metrics_token").unwrap();
    assert_eq!(token.value.as_deref(), Some("\"(secret)\""));
    assert!(!format!("{config:?}").contains("sk-ant-dummy"));
}

#[test]
fn secrets_come_from_files_and_only_from_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "dummy-token\n").unwrap();
    let file = format!("[server]\nmetrics_token_file = {path:?}\n");
    let config = read(&file, &[], &[]).unwrap();
    assert_eq!(config.server.metrics_token.as_ref().map(Secret::expose), Some("dummy-token"));
    let found = read(&file, &[("POSTHASTE_SERVER__METRICS_TOKEN", "other")], &[]).unwrap_err();
    assert!(found.to_string().contains("set together with `server.metrics_token`"), "{found}");
}

#[test]
fn a_prefix_of_keys_in_redis_holds_no_braces() {
    let found = errors("[data]\nredis_prefix = 'a{b}'\n", &[]);
    assert!(found[0].starts_with("data.redis_prefix: `a{b}` is not a prefix"), "{found:?}");
    assert_eq!(read("[data]\nredis_prefix = 'relay:2'\n", &[], &[]).unwrap().data.redis_prefix, "relay:2");
}

#[test]
fn redis_needs_an_address() {
    let found = errors("[data]\nstore = 'redis'\n", &[]);
    assert!(found[0].starts_with("data.redis_url: is needed"), "{found:?}");
    read("[data]\nstore = 'redis'\n", &[("POSTHASTE_DATA__REDIS_URL", "redis://localhost")], &[]).unwrap();
}

#[test]
fn a_variable_with_one_underscore_too_few_is_told_and_a_strange_one_left_alone() {
    assert_eq!(errors("", &[("POSTHASTE_SERVER__", "x")]).len(), 1);
    let found = errors("", &[("POSTHASTE_SERVER_LISTEN", "x")]);
    assert!(found[0].contains("did you mean `POSTHASTE_SERVER__LISTEN`"), "{found:?}");
    let kubernetes = [("POSTHASTE_PORT", "tcp://10.0.0.1:80"), ("POSTHASTE_SERVICE_HOST", "10.0.0.1")];
    read("", &kubernetes, &[]).unwrap();
    read("", &[("POSTHASTE_CONFIG", "/etc/posthaste.toml")], &[]).unwrap();
}

#[test]
fn a_provider_has_a_multiplier_of_its_own() {
    let config = read("[pricing.multiplier]\nopenai_compatible = '1.25'\n", &[], &[]).unwrap();
    let own = config.pricing.by_provider();
    let wanted = posthaste_core::Multiplier::from_millionths(1_250_000);
    assert_eq!(own, [(posthaste_core::ProviderKind::OpenAiCompatible, wanted)].into());
    for wrong in ["'-1'", "'1.0000001'", "'1001'", "1.5"] {
        assert_eq!(errors(&format!("[pricing.multiplier]\ngemini = {wrong}\n"), &[]).len(), 1, "{wrong}");
    }
}

#[test]
fn the_books_are_kept_for_a_day_at_least() {
    let config = read("[accounting]\nkeep_rows = '1d'\nkeep_months = '3650d'\n", &[], &[]).unwrap();
    let kept = config.accounting.retention();
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    assert_eq!((kept.rows, kept.hours, kept.days, kept.months), (days(1), days(90), days(730), days(3_650)));
    for wrong in ["keep_rows = '23h'", "keep_hours = '1h'", "keep_days = '1s'", "keep_months = '30d'"] {
        let found = errors(&format!("[accounting]\n{wrong}\n"), &[]);
        assert!(found.len() == 1 && found[0].contains("is shorter than"), "{found:?}");
    }
}

#[test]
fn a_provider_has_time_outs_of_its_own() {
    let config = read("[timeouts.gemini]\nhead = '5s'\n", &[], &[]).unwrap();
    let own = config.timeouts.overrides();
    assert_eq!(own.len(), 1);
    assert_eq!(own[&posthaste_core::ProviderKind::Gemini].head, Some(Duration::from_secs(5)));
    let found = errors("[timeouts]\nhead = '5s'\n", &[]);
    assert!(found[0].contains("[timeouts.anthropic]"), "{found:?}");
    assert!(errors("[timeouts.nobody]\nhead = '5s'\n", &[])[0].contains("unknown section"));
}

#[test]
fn what_is_shown_reads_back_as_the_same_configuration() {
    let config = read("[relay]\nattempts = 7\n[server]\nshutdown_grace = '90s'\n", &[], &[]).unwrap();
    let mut file = String::new();
    for section in Config::SECTIONS {
        file.push_str(&format!("[{}]\n", section.name));
        for shown in config.show().iter().filter(|shown| shown.section == section.name) {
            if let Some(value) = &shown.value {
                file.push_str(&format!("{} = {value}\n", shown.key));
            }
        }
    }
    assert_eq!(read(&file, &[], &[]).unwrap().show(), config.show());
}

#[test]
fn the_reference_in_the_docs_is_the_present_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIG.md");
    let written = std::fs::read_to_string(path).unwrap();
    assert!(
        written == reference_markdown(),
        "docs/CONFIG.md is out of date: `cargo run -- config reference > docs/CONFIG.md`"
    );
}

#[test]
fn sections_may_stand_below_another() {
    let file = "[oauth]\nrefresh_idle = false\n[oauth.claude]\nclient_id = 'mine'\nscopes = 'a b'\n";
    let env =
        [("POSTHASTE_OAUTH__CLAUDE__CLIENT_SECRET", "s3cret"), ("POSTHASTE_OAUTH__QWEN__CLIENT_ID", "q")];
    let config = read(file, &env, &[]).unwrap();
    assert!(!config.oauth.general.refresh_idle);
    let claude = config.oauth.clients().client("claude").unwrap();
    assert_eq!((claude.client_id.as_str(), claude.scopes.join(" ")), ("mine", "a b".to_owned()));
    assert_eq!(claude.client_secret, Some(Secret::new("s3cret")));
    assert_eq!(config.oauth.clients().client("qwen").unwrap().client_id, "q");
    assert!(config.show().iter().any(|shown| shown.section == "oauth.claude" && shown.value.is_some()));
}

#[test]
fn what_is_wrong_below_a_section_is_told_with_its_line() {
    let file = "[oauth.claud]\nclient_id = 'x'\n[oauth.claude]\nclientid = 'x'\nclient_secret = 's3cret'\n[oauth.qwen]\ntoken_urls = 'https://a.example http://b.example'\n";
    let found = errors(file, &[("POSTHASTE_OAUTH__OPENAY__CLIENT_ID", "x")]);
    let expected = [
        "posthaste.toml:1: oauth.claud: unknown section; did you mean `oauth.claude`?",
        "posthaste.toml:4: oauth.claude.clientid: unknown key; did you mean `client_id`?",
        "POSTHASTE_OAUTH__OPENAY__CLIENT_ID: oauth.openay: unknown section; did you mean `oauth.openai`?",
        "posthaste.toml:5: oauth.claude.client_secret: not taken from a file; set POSTHASTE_OAUTH__CLAUDE__CLIENT_SECRET in the environment instead",
        "oauth.qwen.token_urls: `http://b.example/` goes in the clear; use `https`, or an address of this machine",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_table_in_a_section_without_parts_is_a_key() {
    assert_eq!(errors("[server.foo]\na = 1\n", &[]), ["posthaste.toml:1: server.foo: unknown key"]);
}
