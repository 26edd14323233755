//! The list of everything that the program is built from (a software bill of materials), in the form of CycloneDX 1.6
//! (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! It says what `Cargo.lock` pins, with checksums, licences and who needs whom, and nothing of the moment or the machine: the same
//! lock file gives the same list to the byte.

mod licences;
mod locked;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use clap::Args;
use serde_json::{Value, json};

use self::locked::Checksums;
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Where to write it; to standard output by default
    #[arg(long)]
    to: Option<PathBuf>,
}

/// Writes the list.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let list = serde_json::to_string_pretty(&list(workspace)?)? + "\n";
    match &options.to {
        Some(file) => fs::write(file, list).with_context(|| format!("{} cannot be written", file.display())),
        None => {
            print!("{list}");
            Ok(())
        }
    }
}

fn list(workspace: &Workspace) -> Result<Value> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cargo metadata failed")?;
    let checksums = Checksums::read(workspace)?;
    let shipped = shipped(&metadata)?;
    let mut packages: Vec<_> = metadata.packages.iter().collect();
    packages.sort_by_key(|package| reference(package));
    let program = packages.iter().find(|package| package.name.as_str() == PROGRAM);
    let program = program.context("the program is not in the workspace")?;
    let components: Vec<_> = packages
        .iter()
        .filter(|package| package.id != program.id)
        .map(|package| component(package, &checksums, shipped.contains(&package.id)))
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": reference(program),
                "name": PROGRAM,
                "version": program.version.to_string(),
                "purl": reference(program),
            },
        },
        "components": components,
        "dependencies": dependencies(&metadata, &packages)?,
    }))
}

fn component(package: &Package, checksums: &Checksums, is_shipped: bool) -> Value {
    let reference = reference(package);
    let mut component = json!({
        "type": "library",
        "bom-ref": reference,
        "name": package.name.as_str(),
        "version": package.version.to_string(),
        "purl": reference,
        // What only tests, examples and developer tasks need is in no program that is given out.
        "scope": if is_shipped { "required" } else { "excluded" },
    });
    if let Some(licence) = &package.license {
        // Old manifests part alternatives by a slash.
        let words = licence.replace('/', " OR ");
        let words: Vec<_> = words.split_whitespace().collect();
        component["licenses"] = json!([{ "expression": words.join(" ") }]);
    }
    if let Some(checksum) = checksums.of(package) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

/// A package URL (<https://github.com/package-url/purl-spec>).
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

/// What the program is built from: itself, and what it needs to run or to be built, whatever the platform.
fn shipped(metadata: &Metadata) -> Result<BTreeSet<PackageId>> {
    let needs = needs(metadata, |kind| kind != DependencyKind::Development)?;
    let program = metadata.packages.iter().find(|package| package.name.as_str() == PROGRAM);
    let mut open = vec![program.context("the program is not in the workspace")?.id.clone()];
    let mut shipped = BTreeSet::new();
    while let Some(id) = open.pop() {
        if shipped.insert(id.clone()) {
            open.extend(needs.get(&id).into_iter().flatten().cloned());
        }
    }
    Ok(shipped)
}

fn needs(
    metadata: &Metadata,
    wanted: impl Fn(DependencyKind) -> bool,
) -> Result<BTreeMap<PackageId, BTreeSet<PackageId>>> {
    let resolved = metadata.resolve.as_ref().context("cargo has resolved nothing")?;
    let needs = resolved.nodes.iter().map(|node| {
        let deps = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|kind| wanted(kind.kind)));
        (node.id.clone(), deps.map(|dep| dep.pkg.clone()).collect())
    });
    Ok(needs.collect())
}

fn dependencies(metadata: &Metadata, packages: &[&Package]) -> Result<Vec<Value>> {
    let needs = needs(metadata, |_| true)?;
    let names: BTreeMap<_, _> = packages.iter().map(|package| (&package.id, reference(package))).collect();
    let dependencies = packages.iter().map(|package| {
        let on = needs.get(&package.id).into_iter().flatten();
        let on: BTreeSet<_> = on.filter_map(|id| names.get(id)).collect();
        json!({ "ref": reference(package), "dependsOn": on })
    });
    Ok(dependencies.collect())
}

const PROGRAM: &str = "posthaste";

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Value {
        list(&Workspace::find().expect("the workspace")).expect("a list")
    }

    #[test]
    fn every_locked_dependency_is_listed_with_its_checksum_and_a_licence() {
        let workspace = Workspace::find().expect("the workspace");
        let list = listed();
        let components = list["components"].as_array().expect("components");
        let mut listed: BTreeSet<_> =
            components.iter().map(|one| (text(one, "name"), text(one, "version"))).collect();
        listed.insert((PROGRAM.to_owned(), text(&list["metadata"]["component"], "version")));
        let locked = locked::packages(&workspace).expect("a lock file");
        let named: BTreeSet<_> = locked.iter().map(|one| (one.name.clone(), one.version.clone())).collect();
        assert_eq!(named.difference(&listed).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
        assert!(locked.len() > 300, "{}", locked.len());
        for one in components {
            assert!(one["licenses"][0]["expression"].is_string(), "{one}");
            let name = text(one, "name");
            let is_ours = name.starts_with("posthaste") || ["xtask", "request-cost"].contains(&name.as_str());
            assert_eq!(one["hashes"][0]["content"].is_string(), !is_ours, "{one}");
        }
    }

    #[test]
    fn what_only_tests_need_is_told_from_what_is_shipped() {
        let list = listed();
        let scope = |name: &str| {
            let components = list["components"].as_array().expect("components");
            let found = components.iter().find(|one| one["name"] == name);
            text(found.unwrap_or_else(|| panic!("{name} is not listed")), "scope")
        };
        for shipped in ["posthaste-core", "hyper", "rustls", "ring"] {
            assert_eq!(scope(shipped), "required", "{shipped}");
        }
        for other in ["posthaste-testkit", "insta", "fantoccini", "xtask"] {
            assert_eq!(scope(other), "excluded", "{other}");
        }
    }

    #[test]
    fn every_dependency_that_is_named_is_a_component() {
        let list = listed();
        let dependencies = list["dependencies"].as_array().expect("dependencies");
        let known: BTreeSet<_> = dependencies.iter().map(|one| text(one, "ref")).collect();
        assert_eq!(known.len(), dependencies.len(), "each stands there once");
        let on = dependencies.iter().flat_map(|one| one["dependsOn"].as_array().expect("a list"));
        assert!(on.clone().count() > 1_000);
        assert!(on.map(|name| name.as_str().expect("a text")).all(|name| known.contains(name)));
    }

    #[test]
    fn the_same_lock_file_gives_the_same_list() {
        assert_eq!(listed().to_string(), listed().to_string());
    }

    fn text(value: &Value, name: &str) -> String {
        value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}")).to_owned()
    }
}
