//! The layers of the workspace, as data, compared with what cargo says of the crates.
//!
//! `docs/ARCHITECTURE.md` draws the same picture; `deny.toml` repeats [`EXTERNALS`] for the whole graph.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

#[test]
fn every_crate_names_only_crates_below_it() {
    let problems = check(&crates(&workspace()), LAYERS, EXTERNALS);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn a_forbidden_edge_is_found() {
    let crates = [dependent("posthaste-core", &[]), dependent("posthaste-wire", &["posthaste-core"])];
    let layers: Layers<'_> = &[("posthaste-core", &[]), ("posthaste-wire", &[])];
    assert_eq!(
        check(&crates, layers, &[]),
        ["posthaste-wire may not depend on posthaste-core: it may use nothing of ours"]
    );
}

#[test]
fn a_crate_without_a_row_is_found() {
    let problems = check(&[dependent("posthaste-new", &[])], &[], &[]);
    assert_eq!(problems, ["posthaste-new has no row in the table of layers"]);
}

#[test]
fn a_row_without_a_crate_is_found() {
    let problems = check(&[], &[("posthaste-gone", &[])], &[]);
    assert_eq!(problems, ["the table of layers has a row for posthaste-gone, which does not exist"]);
}

#[test]
fn a_dev_dependency_on_a_program_is_found() {
    let mut library = dependent("posthaste-core", &[]);
    library.dev.insert("posthaste".to_owned());
    let program = Crate { program: true, ..dependent("posthaste", &[]) };
    let problems = check(&[library, program], &[("posthaste-core", &[])], &[]);
    assert_eq!(problems, ["posthaste-core may not depend on the program posthaste, not even in tests"]);
}

#[test]
fn a_guarded_crate_named_elsewhere_is_found() {
    let crates = [dependent("posthaste-core", &["axum"])];
    let problems = check(&crates, &[("posthaste-core", &[])], &[("axum", &["posthaste-http"])]);
    assert_eq!(problems, ["posthaste-core may not name axum: only posthaste-http may"]);
}

type Layers<'a> = &'a [(&'a str, &'a [&'a str])];

/// Each library crate with the crates of ours that it may use; programs and examples may use all.
///
/// A crate that is not in its row may still be a dev-dependency: tests look from above.
const LAYERS: Layers<'_> = &[
    // base
    ("posthaste-core", &[]),
    ("posthaste-storage", &["posthaste-core"]),
    ("posthaste-wire", &["posthaste-core"]),
    // mechanisms
    ("posthaste-metering", &["posthaste-core"]),
    ("posthaste-provider", &["posthaste-core", "posthaste-wire"]),
    ("posthaste-sandbox", &["posthaste-core", "posthaste-wire"]),
    ("posthaste-scheduler", &["posthaste-core"]),
    ("posthaste-spool", &["posthaste-core", "posthaste-storage"]),
    ("posthaste-standby", &["posthaste-core", "posthaste-storage"]),
    ("posthaste-storage-redis", &["posthaste-core", "posthaste-storage"]),
    ("posthaste-storage-sqlite", &["posthaste-core", "posthaste-storage"]),
    ("posthaste-telemetry", &["posthaste-core"]),
    ("posthaste-translate", &["posthaste-core", "posthaste-wire"]),
    ("posthaste-upstream", &["posthaste-core"]),
    ("posthaste-vault", &["posthaste-core", "posthaste-storage"]),
    // use cases: every mechanism, but of storage only the ports
    ("posthaste-admin", MECHANISMS),
    ("posthaste-gateway", MECHANISMS),
    ("posthaste-import", MECHANISMS),
    ("posthaste-identity", &["posthaste-admin", "posthaste-core", "posthaste-upstream"]),
    ("posthaste-notify", &["posthaste-core", "posthaste-storage", "posthaste-upstream"]),
    // front
    (
        "posthaste-http",
        &["posthaste-admin", "posthaste-core", "posthaste-gateway", "posthaste-storage", "posthaste-wire"],
    ),
    // It stands at the same door as the admin API (docs/adr/0027-console.md).
    ("posthaste-console", &["posthaste-admin", "posthaste-core", "posthaste-http"]),
    // for tests
    ("posthaste-testkit", &["posthaste-core", "posthaste-sandbox", "posthaste-storage", "posthaste-wire"]),
];

const MECHANISMS: &[&str] = &[
    "posthaste-core",
    "posthaste-metering",
    "posthaste-provider",
    "posthaste-sandbox",
    "posthaste-scheduler",
    "posthaste-standby",
    "posthaste-storage",
    "posthaste-translate",
    "posthaste-upstream",
    "posthaste-vault",
    "posthaste-wire",
];

/// Heavy crates of others that one crate of ours keeps out of all the rest; programs may name them too.
const EXTERNALS: Layers<'_> = &[
    ("aes-gcm", &["posthaste-vault"]),
    ("argon2", &["posthaste-vault"]),
    ("askama", &["posthaste-console"]),
    ("axum", &["posthaste-console", "posthaste-http"]),
    // The store, and the Redis of claude-relay-service that is read when moving over.
    ("fred", &["posthaste-import", "posthaste-storage-redis"]),
    ("hyper-rustls", &["posthaste-upstream"]),
    // The server half in http, the client in upstream, the scripted upstream in testkit.
    ("hyper-util", &["posthaste-http", "posthaste-testkit", "posthaste-upstream"]),
    ("ldap3", &["posthaste-identity"]),
    ("lettre", &["posthaste-notify"]),
    ("oauth2", &["posthaste-vault"]),
    ("openidconnect", &["posthaste-identity"]),
    ("opentelemetry-proto", &["posthaste-telemetry"]),
    ("rusqlite", &["posthaste-storage-sqlite"]),
    ("tokio-socks", &["posthaste-upstream"]),
];

/// What the check needs to know of a crate.
#[derive(Default)]
struct Crate {
    name: String,
    /// Lies below `bins/` or `examples/`: at the top, where everything may be used.
    program: bool,
    normal: BTreeSet<String>,
    dev: BTreeSet<String>,
}

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata works where cargo runs this test")
}

fn crates(workspace: &Metadata) -> Vec<Crate> {
    let libraries = workspace.workspace_root.join("crates");
    workspace
        .packages
        .iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            program: !package.manifest_path.starts_with(&libraries),
            normal: names(package, |kind| kind != DependencyKind::Development),
            dev: names(package, |kind| kind == DependencyKind::Development),
        })
        .collect()
}

fn names(package: &Package, wanted: impl Fn(DependencyKind) -> bool) -> BTreeSet<String> {
    let dependencies = package.dependencies.iter().filter(|dependency| wanted(dependency.kind));
    dependencies.map(|dependency| dependency.name.clone()).collect()
}

/// One sentence for each breach.
fn check(crates: &[Crate], layers: Layers<'_>, externals: Layers<'_>) -> Vec<String> {
    let rows: BTreeMap<&str, &[&str]> = layers.iter().copied().collect();
    let ours: BTreeSet<&str> = crates.iter().map(|found| found.name.as_str()).collect();
    let programs: BTreeSet<&str> =
        crates.iter().filter(|found| found.program).map(|found| found.name.as_str()).collect();
    let mut problems = Vec::new();
    for library in crates.iter().filter(|found| !found.program) {
        match rows.get(library.name.as_str()) {
            Some(row) => problems.extend(breaches(library, row, &ours)),
            None => problems.push(format!("{} has no row in the table of layers", library.name)),
        }
        problems.extend(upward(library, &programs));
        problems.extend(externals.iter().filter_map(|external| misplaced(library, *external)));
    }
    let stale = rows.keys().filter(|name| !ours.contains(*name));
    problems
        .extend(stale.map(|name| format!("the table of layers has a row for {name}, which does not exist")));
    problems
}

fn breaches(library: &Crate, row: &[&str], ours: &BTreeSet<&str>) -> Vec<String> {
    let allowed = if row.is_empty() { "nothing of ours".to_owned() } else { row.join(", ") };
    let named = library.normal.iter().filter(|name| ours.contains(name.as_str()));
    named
        .filter(|name| !row.contains(&name.as_str()))
        .map(|name| format!("{} may not depend on {name}: it may use {allowed}", library.name))
        .collect()
}

fn upward(library: &Crate, programs: &BTreeSet<&str>) -> Vec<String> {
    let named = library.dev.iter().filter(|name| programs.contains(name.as_str()));
    named
        .map(|name| format!("{} may not depend on the program {name}, not even in tests", library.name))
        .collect()
}

fn misplaced(library: &Crate, (external, keepers): (&str, &[&str])) -> Option<String> {
    let named = library.normal.contains(external) && !keepers.contains(&library.name.as_str());
    named.then(|| format!("{} may not name {external}: only {} may", library.name, keepers.join(", ")))
}

/// A library crate with these dependencies.
fn dependent(name: &str, normal: &[&str]) -> Crate {
    Crate {
        name: name.to_owned(),
        normal: normal.iter().map(|&name| name.to_owned()).collect(),
        ..Crate::default()
    }
}
