//! What is to become of a file, and its back-up.
//!
//! The back-up is the file as it was when nothing of ours was in it, empty where there was none. It is what `remove` takes
//! values from, and goes when that is done.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    super::Failure,
    document::{Document, Refused},
    known::{Entry, File, Kind},
};

/// A file as it is and as it shall be.
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// `None` where there is no file.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    backup: Backup,
}

/// What becomes of the back-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backup {
    /// It is made, in the place of an older one: the file has nothing of ours.
    Made,
    /// It is made if there is none: the file has something of ours.
    Kept,
    /// It has done its work.
    Removed,
}

/// What a set-up would change.
pub(super) fn planned_setup(files: &[File]) -> Result<Vec<Change>, Failure> {
    files
        .iter()
        .map(|file| {
            let (path, before) = found(file)?;
            let why = |why: Refused| refused(&path, &why);
            let mut document = parsed(file, &path, before.as_deref().unwrap_or_default())?;
            let mut backup = Backup::Made;
            for entry in &file.entries {
                if is_ours(entry, file, &document).map_err(why)? {
                    backup = Backup::Kept;
                }
            }
            for Entry { at, value, .. } in &file.entries {
                document.set(at, value).map_err(why)?;
            }
            let text = document.text();
            if !says(file, &text) {
                return Err(refused(
                    &path,
                    "its settings are written in a way that this command does not know",
                ));
            }
            // A file that says it all already stays to the byte.
            let same = before.as_deref().is_some_and(|text| says(file, text));
            let after = if same { before.clone() } else { Some(text) };
            Ok(Change { path, before, after, backup })
        })
        .collect()
}

/// What a removal would change, and what was changed since the set-up and stays.
pub(super) fn planned_removal(files: &[File]) -> Result<(Vec<Change>, Vec<String>), Failure> {
    let (mut changes, mut stays) = (Vec::new(), Vec::new());
    for file in files {
        let (path, before) = found(file)?;
        let Some(backup) = read(&backup_of(&path))? else { continue };
        let Some(text) = &before else {
            changes.push(Change { path, before: None, after: None, backup: Backup::Removed });
            continue;
        };
        let (mut document, earlier) = (parsed(file, &path, text)?, parsed(file, &path, &backup)?);
        // What is ours is looked at in the file as it is, before addresses are taken out of it.
        let now = parsed(file, &path, text)?;
        let why = |why: Refused| refused(&path, &why);
        for entry in &file.entries {
            if !is_ours(entry, file, &now).map_err(why)? {
                if now.get(&entry.at).map_err(why)?.is_some() {
                    stays.push(format!("`{}` in {}", entry.at.join("."), path.display()));
                }
            } else if !document.take_over(&entry.at, &earlier).map_err(why)? {
                document.remove(&entry.at);
            }
        }
        for entry in &file.entries {
            for length in (1..entry.at.len()).rev() {
                let around = &entry.at[..length];
                if document.is_empty_at(around) && !earlier.has(around) {
                    document.remove(around);
                }
            }
        }
        let gone = backup.is_empty() && document.is_blank();
        let after = (!gone).then(|| document.text());
        changes.push(Change { path, before, after, backup: Backup::Removed });
    }
    if changes.is_empty() {
        return Err(Failure::not_found(
            "this client was not set up by `posthaste clients setup`, or it was removed already",
        ));
    }
    Ok((changes, stays))
}

impl Change {
    /// Whether the file is so already.
    pub(super) fn is_nothing(&self) -> bool {
        self.before == self.after && self.backup != Backup::Removed
    }

    /// What was done, for people.
    pub(super) fn told(&self) -> String {
        let path = self.path.display();
        match &self.after {
            _ if self.before == self.after => format!("removed {}", self.backup_path().display()),
            Some(_) => format!("wrote {path}"),
            None => format!("removed {path}"),
        }
    }

    /// Where its back-up is.
    pub(super) fn backup_path(&self) -> PathBuf {
        backup_of(&self.path)
    }

    /// Makes it: the back-up first, then the file at once.
    pub(super) fn make(&self) -> Result<(), Failure> {
        if self.is_nothing() {
            return Ok(());
        }
        let failed = |error: io::Error| {
            Failure::failed(format!("{} cannot be changed", self.path.display())).caused_by(error.to_string())
        };
        let backup = self.backup_path();
        let earlier = self.before.as_deref().unwrap_or_default();
        if self.backup != Backup::Removed {
            self.path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        }
        match self.backup {
            Backup::Made => replace(&backup, earlier).map_err(failed)?,
            Backup::Kept => keep(&backup, earlier).map_err(failed)?,
            Backup::Removed => {}
        }
        if self.before != self.after {
            match &self.after {
                Some(text) => replace(&self.path, text).map_err(failed)?,
                None => fs::remove_file(&self.path).map_err(failed)?,
            }
        }
        if self.backup == Backup::Removed { fs::remove_file(&backup).map_err(failed) } else { Ok(()) }
    }
}

/// Whether a file has all our values.
fn says(file: &File, text: &str) -> bool {
    let Ok(document) = Document::parse(file.form, text) else { return false };
    file.entries
        .iter()
        .all(|entry| document.get(&entry.at).is_ok_and(|value| value.as_ref() == Some(&entry.value)))
}

/// Whether what is at a place is still what a set-up put there.
fn is_ours(entry: &Entry, file: &File, document: &Document) -> Result<bool, Refused> {
    let Some(value) = document.get(&entry.at)? else { return Ok(false) };
    match entry.kind {
        Kind::Word => Ok(value == entry.value),
        Kind::Url(base) => Ok(value.ends_with(base)),
        Kind::Key => {
            let beside = |other: &&Entry| {
                matches!(other.kind, Kind::Url(_))
                    && other.at.split_last().map(|at| at.1) == entry.at.split_last().map(|at| at.1)
            };
            file.entries.iter().find(beside).map_or(Ok(true), |address| is_ours(address, file, document))
        }
    }
}

/// The file behind links, since some people keep their settings elsewhere.
fn found(file: &File) -> Result<(PathBuf, Option<String>), Failure> {
    let path = fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
    let text = read(&path)?;
    // Where a link leads to nothing, its place would be taken.
    if text.is_none() && path.is_symlink() {
        return Err(refused(&path, "it is a link to a file that is not there"));
    }
    Ok((path, text))
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Failure::failed(format!("{} cannot be read", path.display())).caused_by(error.to_string()))
        }
    }
}

fn parsed(file: &File, path: &Path, text: &str) -> Result<Document, Failure> {
    Document::parse(file.form, text).map_err(|why| refused(path, &why))
}

fn refused(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("{} cannot be changed: {why}", path.display())).hint("put it right by hand first")
}

fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before-posthaste");
    name.into()
}

/// Writes a file at once, unless there is one.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    match written_beside(path, text)?.persist_noclobber(path) {
        Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => Err(failed.error),
        _ => Ok(()),
    }
}

/// Puts a text in the place of a file at once.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    written_beside(path, text)?.persist(path).map(|_| ()).map_err(|failed| failed.error)
}

/// A file for the place of another. It may hold a client key, so that nobody else may read it.
fn written_beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".posthaste-")
        .permissions(fs::Permissions::from_mode(PRIVATE))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

const PRIVATE: u32 = 0o600;
