//! Presets: what an operator does not have to type.
//!
//! Adding a vendor that speaks a known dialect is a row in one of the tables below `preset/`.

mod local;
mod official;
mod plans;
mod sandbox;
mod services;

use std::time::Duration;

use posthaste_core::{AuthForm, ChatVariant, Dialect, ProviderKind};

use crate::{plan_window::PlanWindow, rule::ErrorRule};

/// A row of settings that an account starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name to choose it by.
    pub name: &'static str,
    /// The adapter.
    pub provider: ProviderKind,
    /// Where the API stands, the usual place first; empty when the operator has to tell.
    pub sites: &'static [Site],
    /// How the credential is presented unless told otherwise.
    pub auth: AuthForm,
    /// Whether an account of this kind needs a credential.
    pub needs_credential: bool,
    /// The dialects that such an account speaks, the preferred one first; empty for those of its provider.
    pub dialects: &'static [Dialect],
    /// How it bends Chat Completions, if it speaks that.
    pub chat: ChatVariant,
    /// Whose token server is asked when an account is logged in, as `[oauth.NAME]` of the settings calls it.
    pub oauth: Option<&'static str>,
    /// Where the API of accounts that are logged in stands, where that is another; see [`address_of`](crate::address_of).
    pub oauth_base_url: Option<&'static str>,
    /// The windows that a plan's quota is counted in.
    pub windows: &'static [PlanWindow],
    /// What the vendor's own errors mean, looked up before the dialect's general table.
    pub rules: &'static [ErrorRule],
    /// How long an account rests for trouble that passes when its upstream does not say, where that is not what it is for
    /// most.
    pub rests: Option<Rests>,
    /// The model that an account's test asks for where the vendor's price list does not tell what such an account has: a
    /// plan's.
    pub test_model: Option<&'static str>,
    /// Where the vendor documents it, and when that was read; empty where nobody does.
    pub source: &'static str,
    /// One line for the operator.
    pub summary: &'static str,
}

/// The lengths of rests for trouble that passes by itself: doubled with each failure in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rests {
    /// After the first failure.
    pub first: Duration,
    /// Never longer than this.
    pub most: Duration,
}

/// A place where a vendor serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// What to choose it by, such as `cn`.
    pub name: &'static str,
    /// The base URL.
    pub base_url: &'static str,
    /// The base URLs of dialects that stand elsewhere.
    pub others: &'static [(Dialect, &'static str)],
}

impl Site {
    /// A site with one base URL for all dialects.
    const fn new(name: &'static str, base_url: &'static str) -> Self {
        Self { name, base_url, others: &[] }
    }
}

impl Preset {
    /// What most rows have in common: a key is needed and presented as a bearer token.
    const BASE: Self = Self {
        name: "",
        provider: ProviderKind::OpenAiCompatible,
        sites: &[],
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        oauth: None,
        oauth_base_url: None,
        windows: &[],
        rules: &[],
        rests: None,
        test_model: None,
        source: "",
        summary: "",
    };

    /// Whether this is one of the base URLs that the preset fills in.
    pub(crate) fn has_base_url(&self, url: &str) -> bool {
        let of = |site: &Site| site.base_url == url || site.others.iter().any(|(_, other)| *other == url);
        self.sites.iter().any(of)
    }

    /// The usual base URL; `None` when the operator has to tell.
    pub fn base_url(&self) -> Option<&'static str> {
        self.sites.first().map(|site| site.base_url)
    }

    /// The site with this name.
    pub fn site(&self, name: &str) -> Option<&'static Site> {
        self.sites.iter().find(|site| site.name == name)
    }
}

/// Every preset.
pub fn presets() -> impl Iterator<Item = &'static Preset> + Clone {
    TABLES.into_iter().flatten()
}

/// The preset with this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    presets().find(|preset| preset.name == name)
}

const TABLES: [&[Preset]; 5] = [official::ROWS, plans::ROWS, services::ROWS, local::ROWS, sandbox::ROWS];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_base_url;

    #[test]
    fn names_are_unique_and_base_urls_are_usable() {
        let mut names: Vec<_> = presets().map(|row| row.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for row in presets() {
            for site in row.sites {
                assert_eq!(
                    check_base_url(row.provider, site.base_url).unwrap().url,
                    site.base_url,
                    "{}",
                    row.name
                );
                for (dialect, url) in site.others {
                    assert!(row.dialects.contains(dialect), "{}", row.name);
                    assert!(!url.ends_with('/'), "{}", row.name);
                }
            }
            let mut sites: Vec<_> = row.sites.iter().map(|site| site.name).collect();
            sites.dedup();
            assert_eq!(sites.len(), row.sites.len(), "{}", row.name);
        }
        assert_eq!(preset("sandbox").unwrap().provider, ProviderKind::Sandbox);
        assert_eq!(preset("nobody"), None);
    }

    #[test]
    fn every_row_tells_what_it_is_and_where_that_stands_written() {
        for row in presets() {
            assert!(!row.summary.is_empty(), "{}", row.name);
            let vendor = !matches!(row.provider, ProviderKind::Sandbox) && row.base_url().is_some();
            assert!(!vendor || row.source.contains("checked 20"), "{}", row.name);
        }
    }

    #[test]
    fn a_plans_windows_have_rules_that_park_until_their_reset() {
        for row in presets().filter(|row| !row.windows.is_empty()) {
            for window in row.windows {
                assert!(
                    row.rules.iter().any(|rule| rule.means.window() == Some(*window)),
                    "{} {window:?}",
                    row.name
                );
            }
        }
    }
}
