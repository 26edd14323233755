//! What is wrong with a configuration: everything at once.

use std::{fmt, fs, path::Path};

use posthaste_core::Secret;

/// One thing that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// `section.key`, or the section alone, or empty for the file as a whole.
    pub path: String,
    /// Where it was said: `posthaste.toml:12`, an environment variable or a flag.
    pub place: Option<String>,
    /// What is wrong and what to do; never a secret's value.
    pub problem: String,
}

impl ConfigError {
    /// An error at a path.
    pub fn new(path: impl Into<String>, place: Option<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), place, problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The errors.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "the configuration has an error: {only}"),
            errors => {
                write!(f, "the configuration has {} errors:", errors.len())?;
                errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// A secret given either as it is or by a file that holds it.
pub(super) fn secret_from_file(
    path: &str,
    given: Option<Secret>,
    file: Option<&Path>,
    errors: &mut Vec<ConfigError>,
) -> Option<Secret> {
    let Some(file) = file else { return given };
    let mut refuse = |problem: String| {
        errors.push(ConfigError::new(format!("{path}_file"), None, problem));
        None
    };
    if given.is_some() {
        return refuse(format!("is set together with `{path}`; keep one of them"));
    }
    match fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => refuse(format!("`{}` is empty", file.display())),
        Ok(text) => Some(Secret::new(text.trim())),
        Err(error) => refuse(format!("`{}` cannot be read: {error}", file.display())),
    }
}
