//! Reads keys out of all sources and collects what is wrong.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use posthaste_admin::SettingSource;

use super::{
    env::{self, CONFIG_VARIABLE, Strings},
    error::ConfigError,
    file,
    section::{KeyInfo, SectionInfo},
    setting::{Kind, Setting},
};

/// Everything that a configuration is read from, the weakest first.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The configuration file, if there is one.
    pub file: Option<&'a FileText>,
    /// The environment.
    pub env: &'a dyn Strings,
    /// The command line.
    pub flags: &'a [Flag],
}

/// A configuration file's content with its name.
#[derive(Clone, Debug)]
pub struct FileText {
    /// Its name, for messages.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

impl FileText {
    /// Finds the file: `named` on the command line, else by `POSTHASTE_CONFIG`, else `posthaste.toml` in the working
    /// folder, else none.
    ///
    /// # Errors
    /// When a named file, or one that is there, cannot be read.
    pub fn find(named: Option<&Path>, env: &dyn Strings) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let named = named.map(Path::to_path_buf).or_else(|| env.get(CONFIG_VARIABLE).map(PathBuf::from));
        let (path, required) = match named {
            Some(path) => (path, true),
            None => (PathBuf::from(DEFAULT_FILE), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Self { path, text })),
            Err(error) if !required && error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err((path, error)),
        }
    }
}

/// A key that was given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag's name, such as `--listen`.
    pub name: &'static str,
    /// The key that it stands for, such as `server.listen`.
    pub path: &'static str,
    /// The value.
    pub value: String,
}

/// One key as a source gave it.
#[derive(Debug)]
pub(super) struct Given {
    /// Empty for what stands in the file before the first section.
    pub(super) section: String,
    /// Empty for the section itself.
    pub(super) key: String,
    /// By whom it was said.
    pub(super) source: SettingSource,
    /// Where it was said.
    pub(super) place: String,
    /// Where in the file.
    pub(super) offset: usize,
    /// The kind of TOML value; `None` where everything is text.
    pub(super) kind: Option<Kind>,
    pub(super) text: String,
}

/// Reads keys out of all sources and collects what is wrong.
#[derive(Debug)]
pub struct Reader<'a> {
    sections: &'a [SectionInfo],
    given: Vec<Given>,
    origins: Origins,
    errors: Vec<ConfigError>,
}

/// Who said the value of each key that is not its default, by section and key.
pub(super) type Origins = BTreeMap<(&'static str, &'static str), SettingSource>;

impl<'a> Reader<'a> {
    pub(super) fn new(sections: &'a [SectionInfo], sources: &Sources<'_>) -> Self {
        let mut errors = Vec::new();
        let mut given = Vec::new();
        if let Some(text) = sources.file {
            given.extend(file::read(sections, text, &mut errors));
        }
        given.extend(env::read(sections, sources.env, &mut errors));
        given.extend(sources.flags.iter().map(from_flag));
        let mut reader = Self { sections, given, origins: Origins::new(), errors };
        reader.refuse_unknown();
        reader
    }

    /// One key's value: that of the strongest source that could be read, else the default. All sources are checked, so
    /// that an error does not lie in wait behind an override.
    pub fn key<T: Setting>(&mut self, key: &KeyInfo) -> T {
        let default = match key.default {
            Some(text) => T::parse(text),
            None => T::unset(),
        };
        let mut value = default.expect("a declared key has a default that can be read, or may be unset");
        let given = self.given.iter().filter(|given| given.section == key.section && given.key == key.name);
        for given in given {
            match parse(key, given) {
                Ok(parsed) => {
                    value = parsed;
                    self.origins.insert((key.section, key.name), given.source);
                }
                Err(error) => self.errors.push(error),
            }
        }
        value
    }

    /// What was wrong, and who said what.
    pub(super) fn finish(self) -> (Vec<ConfigError>, Origins) {
        (self.errors, self.origins)
    }

    fn refuse_unknown(&mut self) {
        let unknown = self.given.iter().filter_map(|given| unknown(self.sections, given));
        self.errors.extend(unknown);
    }
}

fn parse<T: Setting>(key: &KeyInfo, given: &Given) -> Result<T, ConfigError> {
    let error = |problem: String| ConfigError::new(key.path(), Some(given.place.clone()), problem);
    if key.env_only && given.kind.is_some() {
        let variable = env::variable(key.section, key.name);
        return Err(error(format!("not taken from a file; set {variable} in the environment instead")));
    }
    let fits = given.kind.is_none_or(|kind| key.kinds.contains(&kind));
    fits.then(|| T::parse(&given.text)).flatten().ok_or_else(|| {
        let found = if key.secret { "the value (not shown)" } else { &*format!("`{}`", shown(given)) };
        error(format!("{found} is not {}", key.expected))
    })
}

fn shown(given: &Given) -> String {
    match given.kind {
        Some(Kind::Text) => format!("{:?}", given.text),
        _ => given.text.clone(),
    }
}

fn unknown(sections: &[SectionInfo], given: &Given) -> Option<ConfigError> {
    let at = |path: &str, problem: String| Some(ConfigError::new(path, Some(given.place.clone()), problem));
    let header = given.kind.is_some() && given.key.is_empty();
    if given.section.is_empty() {
        return at(&given.key, outside_section(sections, &given.key));
    }
    let below = |section: &SectionInfo| {
        section.name.strip_prefix(&*given.section).is_some_and(|rest| rest.starts_with('.'))
    };
    let Some(section) = sections.iter().find(|section| section.name == given.section) else {
        if let Some(first) = sections.iter().find(|section| below(section)) {
            let path = format!("{}.{}", given.section, given.key);
            let problem =
                format!("no section by itself: it belongs into one below it, such as `[{}]`", first.name);
            return if header { None } else { at(&path, problem) };
        }
        // In a file the section itself is told, once for all of its keys.
        if given.kind.is_some() && !header {
            return None;
        }
        let hint = did_you_mean(&given.section, sections.iter().map(|section| section.name));
        return at(&given.section, format!("unknown section{hint}"));
    };
    if header || section.keys.iter().any(|key| key.name == given.key) {
        return None;
    }
    let path = format!("{}.{}", given.section, given.key);
    let hint = match synonym(&given.section, &given.key) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => did_you_mean(&given.key, section.keys.iter().map(|key| key.name)),
    };
    at(&path, format!("unknown key{hint}"))
}

fn outside_section(sections: &[SectionInfo], name: &str) -> String {
    match sections.iter().find(|section| section.keys.iter().any(|key| key.name == name)) {
        Some(section) => format!("stands outside its section; put it below `[{}]`", section.name),
        None if sections.iter().any(|section| section.name == name) => {
            format!("is a section; write `[{name}]` and its keys below")
        }
        None => "unknown key; keys stand in sections such as `[server]`".to_owned(),
    }
}

/// What other programs call a key.
fn synonym(section: &str, name: &str) -> Option<&'static str> {
    let mut of_section = SYNONYMS.iter().filter(|(of, ..)| *of == section);
    of_section.find(|(_, _, words)| words.contains(&name)).map(|(_, key, _)| *key)
}

fn did_you_mean<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score >= NEAR)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

fn from_flag(flag: &Flag) -> Given {
    let (section, key) = flag.path.split_once('.').unwrap_or(("", flag.path));
    Given {
        section: section.to_owned(),
        key: key.to_owned(),
        source: SettingSource::CommandLine,
        place: flag.name.to_owned(),
        offset: 0,
        kind: None,
        text: flag.value.clone(),
    }
}

/// Section, key, and the words that other programs have for it.
pub(super) const SYNONYMS: [(&str, &str, &[&str]); 5] = [
    ("server", "listen", &["address", "addr", "bind", "host", "port"]),
    ("data", "dir", &["directory", "folder", "path"]),
    ("data", "redis_url", &["redis", "url"]),
    ("relay", "attempts", &["retries", "max_retries", "tries"]),
    ("log", "filter", &["level", "log_level", "verbosity"]),
];
/// From here on two names look alike.
const NEAR: f64 = 0.8;
/// The file that is read when none is named.
const DEFAULT_FILE: &str = "posthaste.toml";
