//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// The workspace that this program was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo, so that a configured target directory is honoured.
    pub(crate) fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
            .no_deps()
            .exec()
            .context("cargo metadata failed")?;
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target: metadata.target_directory.clone().into(),
            metadata,
        })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for everything that is built or installed.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The server as built by `cargo build`, with or without `--release`.
    pub(crate) fn binary(&self, profile: &str) -> PathBuf {
        self.program(profile, "posthaste")
    }

    /// A program of the workspace, built in the same way.
    pub(crate) fn program(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// An example of one of the crates, as built by `cargo build --example`.
    pub(crate) fn example(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join("examples").join(name)
    }

    /// The programs below `examples/`.
    pub(crate) fn example_programs(&self) -> Vec<String> {
        let examples = self.root.join("examples");
        let packages =
            self.metadata.packages.iter().filter(|package| package.manifest_path.starts_with(&examples));
        let targets = packages.flat_map(|package| &package.targets);
        targets.filter(|target| target.is_bin()).map(|target| target.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        let workspace = Workspace::find().expect("cargo metadata works where cargo built this test");
        assert!(workspace.root().join("crates/posthaste-core/Cargo.toml").is_file());
    }

    #[test]
    fn the_programs_of_the_page_on_embedding_are_run() {
        let programs = Workspace::find().expect("as above").example_programs();
        for name in ["posthaste-example-contract-test", "posthaste-example-embed"] {
            assert!(programs.contains(&name.to_owned()), "{programs:?}");
        }
    }
}
