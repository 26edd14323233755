//! The environment behind a trait, and the rule by which its names stand for keys.

use std::env;

use posthaste_admin::SettingSource;

use super::{error::ConfigError, reader::Given, section::SectionInfo};

/// Where environment variables come from, so that reading them can be tested.
pub trait Strings {
    /// Every variable whose name starts with `POSTHASTE_` and whose name and value are text, and the names of those whose
    /// value is not.
    fn vars(&self) -> Vec<(String, Option<String>)>;

    /// One variable.
    fn get(&self, name: &str) -> Option<String> {
        self.vars().into_iter().find_map(|(key, value)| if key == name { value } else { None })
    }
}

/// The process's own environment.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnv;

impl Strings for ProcessEnv {
    fn vars(&self) -> Vec<(String, Option<String>)> {
        let named = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        named
            .filter(|(name, _)| name.starts_with(PREFIX))
            .map(|(name, value)| (name, value.into_string().ok()))
            .collect()
    }
}

impl ProcessEnv {
    /// A variable that is no key of ours: a secret that a command takes from there.
    pub fn named(self, name: &str) -> Option<String> {
        env::var_os(name)?.into_string().ok()
    }
}

/// The name of a key's variable.
pub(super) fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}__{key}", section.replace('.', "__")).to_uppercase()
}

/// Reads the variables that stand for keys.
///
/// A name without `__` stands for none. It is an error when it looks like a key's name with one underscore too few, and is
/// otherwise left alone: Kubernetes sets `POSTHASTE_PORT` and the like for a service of that name.
pub(super) fn read(
    sections: &[SectionInfo],
    vars: &dyn Strings,
    errors: &mut Vec<ConfigError>,
) -> Vec<Given> {
    let mut vars = vars.vars();
    vars.sort();
    let mut given = Vec::new();
    for (name, value) in vars {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once("__")) else {
            errors.extend(misspelt(sections, &name));
            continue;
        };
        let Some(text) = value else {
            errors.push(ConfigError::new("", Some(name), "the value is not UTF-8 text"));
            continue;
        };
        given.push(Given {
            section: section.to_lowercase().replace("__", "."),
            key: key.to_lowercase(),
            source: SettingSource::Environment,
            place: name.clone(),
            offset: 0,
            kind: None,
            text,
        });
    }
    given
}

fn misspelt(sections: &[SectionInfo], name: &str) -> Option<ConfigError> {
    if name == CONFIG_VARIABLE {
        return None;
    }
    let known = sections.iter().flat_map(|section| section.keys).map(|key| variable(key.section, key.name));
    let (_, meant) = known
        .map(|known| (strsim::osa_distance(&known.replace("__", "_"), name), known))
        .filter(|(slips, _)| *slips <= MOST_SLIPS)
        .min()?;
    Some(ConfigError::new(
        "",
        Some(name.to_owned()),
        format!("unknown variable; did you mean `{meant}` (section and key are joined by two underscores)?"),
    ))
}

/// What every variable's name starts with.
pub(super) const PREFIX: &str = "POSTHASTE_";
/// Names the configuration file itself.
pub(super) const CONFIG_VARIABLE: &str = "POSTHASTE_CONFIG";
/// How many letters a misspelt name may be away from a key's.
const MOST_SLIPS: usize = 2;
