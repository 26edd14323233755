//! What the tests need beside a Rust compiler, installed with a word about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, read, run, works};
use crate::workspace::Workspace;

/// Everything that `cargo xtask test` needs.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    servers()?;
    program("valgrind", "valgrind")?;
    let python = python(workspace)?;
    let node = node(workspace)?;
    println!("ready: redis-server; slapd; nginx; {}; {}", python.display(), node.display());
    Ok(())
}

/// The servers that tests start for themselves.
pub(crate) fn servers() -> Result<()> {
    program("redis-server", "redis-server")?;
    program("slapd", "slapd")?;
    program("nginx", "nginx")?;
    program("ldapadd", "ldap-utils")?;
    // The console is looked at in a real browser.
    program("chromium", "chromium")?;
    program("chromedriver", "chromium-driver")
}

/// Makes sure that a program can be run, from Debian's package if need be.
pub(crate) fn program(name: &str, package: &str) -> Result<()> {
    if works(Command::new("sh").args(["-c", "PATH=\"$PATH:/usr/sbin\" command -v \"$0\"", name])) {
        return Ok(());
    }
    apt_install(&[package])
}

/// `cargo-mutants`: the one that is there, or else one in a folder of the target directory.
pub(crate) fn cargo_mutants(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.target().join("mutants/tool");
    let own = root.join("bin/cargo-mutants");
    let candidates = [PathBuf::from("cargo-mutants"), own.clone()];
    if let Some(found) =
        candidates.into_iter().find(|found| works(Command::new(found).args(["mutants", "--version"])))
    {
        return Ok(found);
    }
    println!("Installing cargo-mutants {MUTANTS} into {}", root.display());
    run(cargo(workspace)
        .args(["install", "--locked", "--version", MUTANTS, "cargo-mutants", "--root"])
        .arg(&root))?;
    Ok(own)
}

/// The interpreter of an environment that holds what `e2e/requirements.txt` pins.
pub(crate) fn python(workspace: &Workspace) -> Result<PathBuf> {
    python_with(workspace, "e2e/requirements.txt", "e2e-venv")
}

/// The interpreter of an environment that holds schemathesis, which gets along with its own versions of things alone.
pub(crate) fn schemathesis(workspace: &Workspace) -> Result<PathBuf> {
    python_with(workspace, "e2e/schema/requirements.txt", "schemathesis-venv")
}

fn python_with(workspace: &Workspace, list: &str, folder: &str) -> Result<PathBuf> {
    let venv = workspace.target().join(folder);
    let python = venv.join("bin/python");
    let wanted = workspace.root().join(list);
    if is_current(&venv, &wanted)? && works(Command::new(&python).arg("--version")) {
        return Ok(python);
    }
    create_venv(&venv)?;
    println!("Installing the Python packages of {list} into {}", venv.display());
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&wanted))?;
    fs::copy(&wanted, venv.join(INSTALLED))?;
    Ok(python)
}

/// The folder that holds what `e2e/js/package-lock.json` pins: the SDKs for Node.
pub(crate) fn node(workspace: &Workspace) -> Result<PathBuf> {
    let install = &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    node_packages(workspace, "e2e/js", &["package-lock.json", "package.json"], install, "e2e-node")
}

/// The folder that holds what `e2e/agents/package.json` pins: the vendors' agents, some 1.3 GB.
///
/// There is no lockfile: the agents' programs are optional packages for each platform, of which a registry may lack some.
pub(crate) fn agents(workspace: &Workspace) -> Result<PathBuf> {
    let install =
        &["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let folder = node_packages(workspace, "e2e/agents", &["package.json"], install, "e2e-agents")?;
    // Two of them put their program in its place by a script of their own, which npm is not trusted to choose.
    for (package, script) in
        [("@anthropic-ai/claude-code", "install.cjs"), ("opencode-ai", "postinstall.mjs")]
    {
        run(Command::new("node").current_dir(folder.join("node_modules").join(package)).arg(script))?;
    }
    Ok(folder)
}

/// Installs the packages of a manifest into a folder of the target directory, unless its first file has not changed.
fn node_packages(
    workspace: &Workspace,
    manifest: &str,
    files: &[&str],
    install: &[&str],
    name: &str,
) -> Result<PathBuf> {
    program("npm", "npm")?;
    let version = read(Command::new("node").arg("--version"))?;
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node.js {OLDEST_NODE} or newer is needed, this is {}", version.trim());
    }
    let (manifest, folder) = (workspace.root().join(manifest), workspace.target().join(name));
    let wanted = manifest.join(files[0]);
    if is_current(&folder, &wanted)? {
        return Ok(folder);
    }
    println!("Installing the npm packages of {} into {}", wanted.display(), folder.display());
    fs::create_dir_all(&folder)?;
    for file in files {
        fs::copy(manifest.join(file), folder.join(file))?;
    }
    run(Command::new("npm").current_dir(&folder).args(install))?;
    fs::copy(&wanted, folder.join(INSTALLED))?;
    Ok(folder)
}

/// The first number of a version as `v20.1.0`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Installed packages are those of the pinned list: the list is kept beside them once the installer is done.
fn is_current(folder: &Path, wanted: &Path) -> Result<bool> {
    let wanted = fs::read(wanted).with_context(|| format!("{} cannot be read", wanted.display()))?;
    Ok(fs::read(folder.join(INSTALLED)).is_ok_and(|installed| installed == wanted))
}

fn create_venv(venv: &Path) -> Result<()> {
    program("python3", "python3")?;
    // Debian's python3 comes without ensurepip; the module is there as soon as the package is.
    if !works(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        apt_install(&["python3-venv"])?;
    }
    println!("Making a Python environment in {}", venv.display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))
}

/// Installs Debian packages, refreshing the package lists when the first try does not find them.
fn apt_install(packages: &[&str]) -> Result<()> {
    println!("Installing {} with apt-get", packages.join(", "));
    let privileged = privileged(packages)?;
    // Run level 1 keeps the packages' own services from being started.
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(privileged[0]);
        command.args(&privileged[1..]).args(["RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command.args(arguments);
        run(&mut command)
    };
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    if apt_get(&install).is_ok() {
        return Ok(());
    }
    apt_get(&["update"])?;
    apt_get(&install)
}

/// The words in front of `NAME=value … apt-get`.
fn privileged(packages: &[&str]) -> Result<Vec<&'static str>> {
    let needed = packages.join(" ");
    if !works(Command::new("apt-get").arg("--version")) {
        bail!("this machine has no apt-get: install {needed} by hand, then run this again");
    }
    if read(Command::new("id").arg("-u"))?.trim() == "0" {
        return Ok(vec!["env"]);
    }
    if works(Command::new("sudo").args(["-n", "true"])) {
        return Ok(vec!["sudo", "-n", "env"]);
    }
    bail!("no right to install packages: run `sudo apt-get install {needed}`, then this again");
}

/// Kept beside what is installed: the list that it was installed from.
const INSTALLED: &str = "requirements.installed";

/// The release by which the figures of `docs/MUTATION.md` were measured.
const MUTANTS: &str = "27.1.0";

/// What `@google/genai` asks for.
const OLDEST_NODE: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_of_another_list_is_not_current() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wanted = folder.path().join("requirements.txt");
        fs::write(&wanted, "pytest==1\n").expect("the list");
        assert!(!is_current(folder.path(), &wanted).expect("the list can be read"));
        fs::write(folder.path().join(INSTALLED), "pytest==0\n").expect("the older list");
        assert!(!is_current(folder.path(), &wanted).expect("the list can be read"));
        fs::copy(&wanted, folder.path().join(INSTALLED)).expect("the same list");
        assert!(is_current(folder.path(), &wanted).expect("the list can be read"));
    }

    #[test]
    fn a_version_begins_with_its_major_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn a_program_that_is_there_is_not_installed() {
        program("sh", "no-such-package").expect("sh is there");
    }
}
