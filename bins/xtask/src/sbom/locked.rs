//! What `Cargo.lock` says.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::Package;

use crate::workspace::Workspace;

/// A package as it is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Locked {
    pub(super) name: String,
    pub(super) version: String,
    /// Of what the registry hands out; packages of the workspace have none.
    pub(super) checksum: Option<String>,
}

/// The checksums of all packages.
pub(super) struct Checksums(HashMap<(String, String), String>);

impl Checksums {
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let packages = packages(workspace)?.into_iter();
        Ok(Self(packages.filter_map(|one| Some(((one.name, one.version), one.checksum?))).collect()))
    }

    pub(super) fn of(&self, package: &Package) -> Option<&str> {
        self.0.get(&(package.name.to_string(), package.version.to_string())).map(String::as_str)
    }
}

/// Every package of the lock file.
pub(super) fn packages(workspace: &Workspace) -> Result<Vec<Locked>> {
    let path = workspace.root().join("Cargo.lock");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    text.split("[[package]]\n").skip(1).map(|block| read(block).context("a package without a name")).collect()
}

fn read(block: &str) -> Option<Locked> {
    let value = |name: &str| {
        let start = format!("{name} = \"");
        let line = block.lines().find_map(|line| line.strip_prefix(&start))?;
        line.strip_suffix('"').map(str::to_owned)
    };
    Some(Locked { name: value("name")?, version: value("version")?, checksum: value("checksum") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_read_with_and_without_a_checksum() {
        let block = "name = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"00ff\"\n\n";
        let locked = read(block).expect("a package");
        assert_eq!((locked.name.as_str(), locked.version.as_str()), ("a", "1.0.0"));
        assert_eq!(locked.checksum.as_deref(), Some("00ff"));
        let own =
            read("name = \"b\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n").expect("a package");
        assert_eq!(own.checksum, None);
        assert_eq!(read("version = \"1\"\n"), None);
    }
}
