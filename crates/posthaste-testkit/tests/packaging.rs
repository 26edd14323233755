//! The files of `packaging/`, compared with what the relay really has: its configuration keys and its metrics.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;
use serde_json::Value;

#[test]
fn whatever_sets_a_key_names_one_of_the_configuration() {
    let known = variables();
    assert!(known.contains("POSTHASTE_SERVER__LISTEN") && known.len() > 80, "{known:?}");
    for file in [
        "packaging/Dockerfile",
        "packaging/compose.yaml",
        "packaging/compose.redis.yaml",
        "packaging/posthaste.service",
        "packaging/debian/default",
    ] {
        let named = set_in(&read(file));
        assert!(!named.is_empty(), "{file} sets nothing");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}, which docs/CONFIG.md does not");
    }
}

#[test]
fn relays_of_compose_files_may_do_little_and_keep_their_data() {
    for (file, relays) in [("packaging/compose.yaml", 1), ("packaging/compose.redis.yaml", 2)] {
        let compose = yaml(file);
        let services = compose["services"].as_object().unwrap();
        let mut data = BTreeSet::new();
        for (name, service) in services {
            assert_eq!(service["read_only"], true, "{file}: {name}");
            assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{file}: {name}");
            assert_eq!(
                service["security_opt"],
                serde_json::json!(["no-new-privileges:true"]),
                "{file}: {name}"
            );
            let (volume, at) = service["volumes"][0].as_str().unwrap().split_once(':').unwrap();
            assert_eq!(at, "/data", "{file}: {name}");
            assert!(data.insert(volume.to_owned()), "{file}: {name} shares the volume {volume}");
            assert!(compose["volumes"].as_object().unwrap().contains_key(volume), "{file}: {volume}");
            for port in service["ports"].as_array().into_iter().flatten() {
                assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{file}: {name} is open to others");
            }
        }
        let built: Vec<_> = services.values().filter_map(|service| service.get("build")).collect();
        assert_eq!(built.len(), relays, "{file}");
        for build in built {
            let dockerfile = build["dockerfile"].as_str().unwrap();
            let context = root().join("packaging").join(build["context"].as_str().unwrap());
            assert!(context.join(dockerfile).is_file(), "{file}: {dockerfile}");
        }
    }
}

#[test]
fn the_image_has_no_shell_and_no_root() {
    let dockerfile = read("packaging/Dockerfile");
    let (_, last) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let instruction = |name: &str| {
        last.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default().to_owned()
    };
    assert!(last.starts_with("scratch\n"), "{last}");
    for name in ["ENTRYPOINT", "CMD", "VOLUME"] {
        let words: Result<Vec<String>, _> = serde_json::from_str(&instruction(name));
        assert!(words.is_ok_and(|words| !words.is_empty()), "{name} is for a shell: {}", instruction(name));
    }
    let user = instruction("USER");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "USER {user}");
    assert!(!last.contains("\nRUN"), "nothing can be run in it");
    let copied = dockerfile.split_whitespace().filter(|word| word.starts_with("packaging/"));
    for file in copied.filter(|word| !word.contains("Dockerfile")) {
        assert!(root().join(file).is_file(), "{file}");
    }
}

#[test]
fn the_service_is_hardened() {
    let unit = read("packaging/posthaste.service");
    for setting in [
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "StateDirectory=posthaste",
        "StateDirectoryMode=0700",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
        "RestrictNamespaces=yes",
        "SystemCallFilter=@system-service",
        "User=posthaste",
        "UMask=0077",
    ] {
        assert!(unit.lines().any(|line| line == setting), "{setting} is missing");
    }
}

#[test]
fn the_listed_metrics_are_those_of_the_code() {
    let (listed, counted) = (listed_metrics(), counted_metrics());
    assert!(listed.len() > 20, "{listed:?}");
    let names: BTreeSet<_> = listed.keys().cloned().collect();
    let unlisted: Vec<_> = counted.difference(&names).collect();
    assert!(unlisted.is_empty(), "docs/OPERATIONS.md, \"Metrics\", lacks {unlisted:?}");
    let gone: Vec<_> = names.difference(&counted).collect();
    assert!(gone.is_empty(), "docs/OPERATIONS.md, \"Metrics\", lists {gone:?}, which nothing counts");
}

#[test]
fn dashboards_and_alerts_ask_for_metrics_and_labels_that_there_are() {
    let listed = listed_metrics();
    for (file, expressions) in [
        ("packaging/grafana/posthaste.json", expressions(&json("packaging/grafana/posthaste.json"))),
        ("packaging/prometheus/alerts.yaml", expressions(&yaml("packaging/prometheus/alerts.yaml"))),
    ] {
        assert!(expressions.len() > 8, "{file}: {expressions:?}");
        let asked: BTreeSet<_> =
            expressions.iter().flat_map(|expression| found(METRIC, expression)).collect();
        for name in &asked {
            let base = name
                .strip_suffix("_bucket")
                .filter(|base| listed.get(*base).is_some_and(|metric| metric.kind == "histogram"));
            assert!(listed.contains_key(base.unwrap_or(name)), "{file} asks for {name}, which is not listed");
        }
        for expression in &expressions {
            check_labels(file, expression, &listed);
        }
    }
}

#[test]
fn the_collector_listens_where_the_relay_is_told_to_send() {
    let file = "packaging/opentelemetry/collector.yaml";
    let collector = yaml(file);
    let listens = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].as_str().unwrap();
    let told = format!("endpoint = \"http://{listens}\"");
    for text in [read(file), read("docs/OPERATIONS.md")] {
        assert!(text.contains(&told), "{told}");
    }
    let pipelines = collector["service"]["pipelines"].as_object().unwrap();
    assert_eq!(pipelines.keys().collect::<Vec<_>>(), ["metrics", "traces"]);
    for (pipeline, parts) in pipelines {
        for kind in ["receivers", "processors", "exporters"] {
            for part in parts[kind].as_array().unwrap() {
                let is_there = collector[kind].get(part.as_str().unwrap()).is_some();
                assert!(is_there, "{file}: {pipeline} names {part}, which is none of its {kind}");
            }
        }
    }
}

/// Labels that an expression selects by or sums over are ones of its metrics.
fn check_labels(file: &str, expression: &str, listed: &BTreeMap<String, Metric>) {
    let metrics = found(METRIC, expression);
    let known: BTreeSet<_> = metrics
        .iter()
        .filter_map(|name| listed.get(name.strip_suffix("_bucket").unwrap_or(name)))
        .flat_map(|metric| metric.labels.iter().map(String::as_str))
        // Of the scrape, and of histograms.
        .chain(["instance", "job", "le"])
        .collect();
    let selected = found(r#"[a-z_]+(?:=~?|!=)""#, expression);
    let selected = selected.iter().map(|word| word.trim_end_matches(['=', '~', '!', '"']));
    let grouped = Regex::new(r"by \(([^)]*)\)").unwrap();
    let grouped: Vec<_> = grouped.captures_iter(expression).map(|found| found[1].to_owned()).collect();
    for label in selected.chain(grouped.iter().flat_map(|labels| labels.split(", "))) {
        assert!(known.contains(label), "{file}: no metric of `{expression}` has the label {label}");
    }
}

/// A row of the table of metrics.
#[derive(Debug)]
struct Metric {
    kind: String,
    labels: Vec<String>,
}

/// The table of docs/OPERATIONS.md: name, kind, labels, meaning; a row may have several names.
fn listed_metrics() -> BTreeMap<String, Metric> {
    let text = read("docs/OPERATIONS.md");
    let (_, section) = text.split_once("\n## Metrics\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut metrics = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `posthaste_")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        // Values of a label stand behind a colon.
        let mut labels = Vec::new();
        for part in cells[2].split(", ") {
            let (name, values) = part.split_once(':').map_or((part, false), |(name, _)| (name, true));
            if name.starts_with('`') {
                labels.push(name.trim_matches('`').to_owned());
            }
            if values {
                break;
            }
        }
        for name in found(METRIC, cells[0]) {
            metrics.insert(name, Metric { kind: cells[1].to_owned(), labels: labels.clone() });
        }
    }
    metrics
}

/// Every metric that the sources count.
fn counted_metrics() -> BTreeSet<String> {
    let counted = Regex::new(r#"(?:counter|gauge|histogram)!\([ \n]*"(posthaste_[a-z_]+)""#).unwrap();
    let mut names = BTreeSet::new();
    for group in ["crates", "bins"] {
        for package in fs::read_dir(root().join(group)).unwrap() {
            sources(&package.unwrap().path().join("src"), &mut |text| {
                names.extend(counted.captures_iter(text).map(|found| found[1].to_owned()));
            });
        }
    }
    names
}

fn sources(folder: &Path, look: &mut dyn FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every variable that docs/CONFIG.md names.
fn variables() -> BTreeSet<String> {
    set_in(&read("docs/CONFIG.md"))
}

/// Every variable of a key in a text, but for the one that explains the rule.
fn set_in(text: &str) -> BTreeSet<String> {
    let mut named = found(r"POSTHASTE_[A-Z0-9_]*__[A-Z0-9_]+", text);
    named.remove("POSTHASTE_SECTION__KEY");
    named
}

/// Whatever stands under `expr` (panels, rules) or `query` (variables), at any depth.
fn expressions(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if matches!(name.as_str(), "expr" | "query") => vec![text.clone()],
                other => expressions(other),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn json(file: &str) -> Value {
    serde_json::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

const METRIC: &str = "posthaste_[a-z_]+";
