//! Which settings a running relay takes anew, and what differs between two configurations.

use posthaste_admin::SettingView;

use super::{
    Config, env,
    section::{KeyInfo, Shown},
};

impl Config {
    /// Whether a reload changes the setting at a path, such as `log.filter`. What opens files, addresses and connections is
    /// read at the start only.
    pub fn is_live(path: &str) -> bool {
        let section = path.rsplit_once('.').map_or(path, |(section, _)| section);
        let whole = LIVE_SECTIONS.iter().any(|live| {
            section == *live || section.strip_prefix(live).is_some_and(|rest| rest.starts_with('.'))
        });
        (whole && !AT_START.contains(&path)) || LIVE.contains(&path)
    }

    /// The paths of the settings that have another value than in `before`. Secrets look all alike here.
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let (now, then) = (self.show(), before.show());
        let differs = |(now, then): &(Shown, Shown)| now.value != then.value;
        let pairs = now.into_iter().zip(then).filter(differs);
        pairs.map(|(now, _)| format!("{}.{}", now.section, now.key)).collect()
    }

    /// Every key with the value that holds and its default, for operators far away; secrets redacted. `started` is what the
    /// process was started with, `taken` what it read last.
    pub fn views(started: &Self, taken: &Self) -> Vec<SettingView> {
        let origins = (started, taken);
        let (started, taken) = (started.show(), taken.show());
        let find = |all: &[Shown], key: &KeyInfo| {
            let found = all.iter().find(|shown| shown.section == key.section && shown.key == key.name);
            found.and_then(|shown| shown.value.clone())
        };
        let view = |key: &KeyInfo| {
            let (path, default) = (key.path(), key.default.map(str::to_owned));
            let live = Self::is_live(&path);
            let (first, last) = (find(&started, key), find(&taken, key));
            let (value, waiting) = match live {
                true => (last, None),
                false => (first.clone(), last.filter(|last| Some(last) != first.as_ref())),
            };
            let plain = value.as_deref().map(|value| value.trim_matches('"'));
            let source = if live { origins.1 } else { origins.0 }.source_of(key);
            SettingView {
                path,
                source,
                changed: plain != key.default,
                environment: env::variable(key.section, key.name),
                value,
                default,
                live,
                waiting,
            }
        };
        Self::SECTIONS.iter().flat_map(|section| section.keys).map(view).collect()
    }
}

/// Sections that are live but for what [`AT_START`] names.
const LIVE_SECTIONS: [&str; 4] = ["relay", "timeouts", "scheduling", "pricing.multiplier"];

/// What stays as it was in a section that is live: connections are made by what the transport was built with.
const AT_START: [&str; 1] = ["relay.connect_timeout"];

/// Single settings of other sections.
const LIVE: [&str; 16] = [
    "server.trusted_proxies",
    "server.max_body_bytes",
    "server.events_origins",
    "server.keep_alive_after",
    "server.metrics_token",
    "server.metrics_token_file",
    "server.tls_certificate_file",
    "server.tls_key_file",
    "admin.hosts",
    "admin.secure_cookies",
    "accounting.durability",
    "accounting.price_file",
    "accounting.models_file",
    "accounting.unknown_models",
    "accounting.assumed_model",
    "log.filter",
];

#[cfg(test)]
mod tests {
    use posthaste_admin::SettingSource;

    use super::{
        super::{FileText, Flag, Sources, Strings},
        *,
    };

    #[test]
    fn each_value_tells_who_said_it() {
        let file = FileText {
            path: "posthaste.toml".into(),
            text: "[relay]\nattempts = 4\n[log]\nfilter = \"debug\"\n[server]\nlisten = \"127.0.0.1:1\""
                .to_owned(),
        };
        struct Vars;
        impl Strings for Vars {
            fn vars(&self) -> Vec<(String, Option<String>)> {
                vec![("POSTHASTE_LOG__FILTER".to_owned(), Some("trace".to_owned()))]
            }
        }
        let listen = Flag { name: "--listen", path: "server.listen", value: "127.0.0.1:2".to_owned() };
        let read = |flags: &[Flag]| Config::read(&Sources { file: Some(&file), env: &Vars, flags }).unwrap();
        let (started, taken) = (read(&[listen]), read(&[]));
        let views = Config::views(&started, &taken);
        let told = |path: &str| views.iter().find(|view| view.path == path).unwrap().source;
        assert_eq!(told("relay.attempts"), SettingSource::File);
        assert_eq!(told("log.filter"), SettingSource::Environment, "the stronger one");
        assert_eq!(told("server.listen"), SettingSource::CommandLine, "what holds until the next start");
        assert_eq!(told("data.dir"), SettingSource::Default);
    }

    #[test]
    fn what_is_named_here_is_there() {
        let paths: Vec<_> =
            Config::SECTIONS.iter().flat_map(|section| section.keys).map(KeyInfo::path).collect();
        for named in LIVE.iter().chain(&AT_START) {
            assert!(paths.iter().any(|path| path == named), "{named}");
        }
        for section in LIVE_SECTIONS {
            assert!(paths.iter().any(|path| path.starts_with(&format!("{section}."))), "{section}");
        }
        assert!(Config::is_live("timeouts.anthropic.head"));
        assert!(Config::is_live("relay.attempts") && !Config::is_live("relay.connect_timeout"));
        assert!(!Config::is_live("server.listen") && !Config::is_live("relays.attempts"));
    }
}
