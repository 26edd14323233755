//! How clients are told of the relay: the one place where the settings stand that pages show. docs/CLIENTS.md tells the same at
//! length; the tests below hold both together.

mod agents;
mod sdks;

use posthaste_admin::Disclosed;

/// A client with its settings.
#[derive(Debug)]
pub(crate) struct Guide {
    /// Its name in addresses.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// What is to be done, in a sentence.
    pub(crate) lead: &'static str,
    /// What `posthaste clients setup` calls it, where it knows it.
    pub(crate) command: Option<&'static str>,
    pub(crate) settings: &'static [Setting],
    /// What is good to know.
    pub(crate) notes: &'static [&'static str],
}

/// A text to be pasted. `{site}` stands for the relay's address and `{key}` for the client key.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) place: Place,
    pub(crate) text: &'static str,
}

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A shell of Linux or macOS.
    Shell,
    /// Windows' shell.
    PowerShell,
    /// A file.
    File(&'static str),
    /// A program in this language.
    Program(&'static str),
    /// A field of a form, by its name.
    Field(&'static str),
}

/// A guide as a page shows it.
pub(crate) struct Shown {
    pub(crate) guide: &'static Guide,
    site: String,
    key: String,
}

/// A part of a text.
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Whether it is the client key, or what stands in its place.
    pub(crate) is_key: bool,
}

/// All guides, what most people use first.
pub(crate) fn all() -> impl Iterator<Item = &'static Guide> {
    agents::GUIDES.iter().chain(sdks::GUIDES)
}

/// The guide of that name.
pub(crate) fn find(id: &str) -> Option<&'static Guide> {
    all().find(|guide| guide.id == id)
}

/// All guides with the relay's address. Without a key a mark stands in its place.
pub(crate) fn shown(site: &str, key: Option<&Disclosed>) -> Vec<Shown> {
    all().map(|guide| guide.shown(site, key)).collect()
}

impl Guide {
    pub(crate) fn shown(&'static self, site: &str, key: Option<&Disclosed>) -> Shown {
        let key = key.map_or(MARK, |key| key.secret().expose()).to_owned();
        Shown { guide: self, site: site.to_owned(), key }
    }
}

impl Shown {
    /// The command that does it all, where there is one.
    pub(crate) fn command(&self) -> Option<String> {
        self.guide.command.map(|name| format!("posthaste clients setup {name} --url {}", self.site))
    }

    /// A setting's text with the relay's address and the key in it.
    pub(crate) fn pieces(&self, setting: &Setting) -> Vec<Piece> {
        let text = setting.text.replace("{site}", &self.site);
        let mut pieces = Vec::new();
        for (place, part) in text.split("{key}").enumerate() {
            if place > 0 {
                pieces.push(Piece { text: self.key.clone(), is_key: true });
            }
            pieces.push(Piece { text: part.to_owned(), is_key: false });
        }
        pieces
    }
}

impl Place {
    /// What it is, in the words of the page.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Shell => text("In a shell (Linux, macOS)"),
            Self::PowerShell => text("In PowerShell (Windows)"),
            Self::File(_) => text("In the file"),
            Self::Program(_) => text("In a program"),
            Self::Field(_) => text("In the field"),
        }
    }

    /// Which, where there are several.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Shell | Self::PowerShell => None,
            Self::File(name) | Self::Program(name) | Self::Field(name) => Some(name),
        }
    }
}

/// Its words are among those that are translated.
const fn text(text: &'static str) -> &'static str {
    text
}

/// What stands in the place of a key.
pub(crate) const MARK: &str = "cr_…";

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use posthaste_core::Secret;
    use regex::Regex;

    use super::*;

    fn clients() -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CLIENTS.md");
        fs::read_to_string(path).unwrap()
    }

    /// What follows the relay's address in a text.
    fn paths(text: &str, site: &str) -> BTreeSet<String> {
        let after = Regex::new(&format!("(?:{site})(/[a-z0-9/]*)")).unwrap();
        after.captures_iter(text).map(|found| found[1].trim_end_matches('/').to_owned()).collect()
    }

    #[test]
    fn no_address_is_told_that_the_handbook_does_not_tell() {
        let told = paths(&clients(), "http://relay:3001|…");
        assert!(told.contains("/openai/v1"), "{told:?}");
        for guide in all() {
            let texts: String =
                guide.settings.iter().map(|setting| setting.text).collect::<Vec<_>>().join("\n");
            let named = paths(&texts, r"\{site\}");
            assert!(!named.is_empty(), "{} names no address", guide.id);
            for path in named {
                assert!(told.contains(&path), "{}: docs/CLIENTS.md does not name `{path}`", guide.id);
            }
        }
    }

    #[test]
    fn the_relay_serves_what_is_told() {
        let routes: Vec<_> = posthaste_http::route_table().into_iter().map(|route| route.path).collect();
        for setting in all().flat_map(|guide| guide.settings) {
            for path in paths(setting.text, r"\{site\}") {
                let below = format!("{path}/");
                let served = routes.iter().any(|route| *route == path || route.starts_with(&below));
                assert!(served, "nothing is served at `{path}`");
            }
        }
    }

    #[test]
    fn the_command_line_knows_the_clients_that_it_is_said_to_know() {
        let handbook = clients();
        let named: Vec<_> = all().filter_map(|guide| guide.command).collect();
        assert_eq!(named, ["claude-code", "codex", "gemini-cli", "opencode"]);
        for name in named {
            assert!(handbook.contains(&format!("| `{name}` | ")), "{name}");
        }
    }

    #[test]
    fn each_guide_has_a_name_of_its_own_and_a_place_for_the_key() {
        let ids: BTreeSet<_> = all().map(|guide| guide.id).collect();
        assert_eq!(ids.len(), all().count());
        for guide in all() {
            assert!(guide.settings.iter().any(|setting| setting.text.contains("{key}")), "{}", guide.id);
            assert_eq!(find(guide.id).map(|found| found.name), Some(guide.name));
        }
    }

    #[test]
    fn the_address_and_the_key_are_put_in() {
        let key = Disclosed::new(Secret::new("cr_dummy"));
        let shown = find("claude-code").unwrap().shown("https://relay.example", Some(&key));
        let whole = |setting| shown.pieces(setting).into_iter().map(|piece| piece.text).collect::<String>();
        let texts: Vec<String> = shown.guide.settings.iter().map(whole).collect();
        assert!(
            texts[0].starts_with("export ANTHROPIC_BASE_URL=\"https://relay.example/api\"\n"),
            "{}",
            texts[0]
        );
        assert!(texts.iter().all(|text| text.contains("cr_dummy") && !text.contains("{key}")));
        let command = shown.command().unwrap();
        assert_eq!(command, "posthaste clients setup claude-code --url https://relay.example");
        let unknown = find("curl").unwrap().shown("https://relay.example", None);
        let keys = unknown.guide.settings.iter().flat_map(|setting| unknown.pieces(setting));
        assert!(keys.filter(|piece| piece.is_key).all(|piece| piece.text == MARK));
    }
}
