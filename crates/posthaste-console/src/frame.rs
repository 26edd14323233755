//! What is around every page: who is logged in, where one can go, how it looks, and what was just done.

use std::{borrow::Borrow, fmt::Display, time::Duration};

use posthaste_admin::AdminError;
use posthaste_core::{Area, NanoUsd, Scope, Timestamp};

use crate::{
    BASE,
    asked::Asked,
    assets,
    first_steps::{self, FirstSteps},
    look::Look,
    show::{self, Html, Number},
    texts,
    told::Told,
};

/// What is around a page. Templates call it `p`.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) look: Look,
    pub(crate) brand: String,
    pub(crate) icon: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) csrf: String,
    pub(crate) told: Option<Told>,
    pub(crate) places: Vec<NavPlace>,
    /// What the relay still lacks before its first client is served.
    pub(crate) way: Option<FirstSteps>,
    /// The path with its query, for forms that come back here.
    pub(crate) here: String,
    now: Timestamp,
}

/// A place that the navigation leads to.
pub(crate) struct NavPlace {
    pub(crate) href: String,
    pub(crate) label: &'static str,
    /// The letter that leads there after `g`.
    pub(crate) letter: &'static str,
    pub(crate) is_here: bool,
    /// Whether it is the first of a group.
    pub(crate) is_apart: bool,
}

pub(crate) async fn of(asked: &Asked, title: &str) -> Result<Frame, AdminError> {
    let branding = asked.admin.branding().await?.branding;
    // Pictures from elsewhere are not shown: no page asks another site for anything.
    let icon = Some(branding.site_icon).filter(|icon| icon.starts_with("data:image/"));
    let user = asked.person().map(|person| &person.user);
    let places = PLACES.iter().filter(|place| match place.need {
        Some(need) => user.is_some() && asked.may(need),
        None => user.is_some(),
    });
    Ok(Frame {
        title: title.to_owned(),
        look: asked.look,
        brand: branding.site_name,
        icon: icon.unwrap_or_else(|| assets::href("icon.svg")),
        name: user.map(|user| user.name.clone()).unwrap_or_default(),
        role: user.map(|user| user.role.to_string()).unwrap_or_default(),
        csrf: asked.visitor.csrf(),
        told: asked.told.clone(),
        places: shown(places, &asked.path),
        way: first_steps::of(asked).await?,
        here: format!("{}{}", asked.path, asked.query.to_query()),
        now: asked.now(),
    })
}

impl Frame {
    /// A text in the language of the page.
    pub(crate) fn t<'a>(&self, text: &'a str) -> &'a str {
        texts::say(self.look.language, text)
    }

    /// The same with a value in the place of `{}`.
    pub(crate) fn fill(&self, text: &str, value: impl Display) -> String {
        texts::fill(self.look.language, text, &value.to_string())
    }

    /// Whether a first request is all that is missing.
    pub(crate) fn waits_for_first(&self) -> bool {
        self.way.as_ref().is_some_and(|way| way.waits_for_first)
    }

    /// Where a file beside the pages is.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::href(name)
    }

    pub(crate) fn base(&self) -> &'static str {
        BASE
    }

    pub(crate) fn money(&self, amount: impl Borrow<NanoUsd>) -> Html {
        show::money(*amount.borrow())
    }

    pub(crate) fn count(&self, number: impl Number) -> Html {
        show::count(number.counted())
    }

    pub(crate) fn time(&self, at: impl Borrow<Timestamp>) -> Html {
        show::time(*at.borrow())
    }

    /// How long ago something was, or until it will be.
    pub(crate) fn away(&self, at: impl Borrow<Timestamp>) -> Html {
        show::away(*at.borrow(), self.now, self.look.language)
    }

    /// A day, UTC.
    pub(crate) fn day(&self, at: impl Borrow<Timestamp>) -> String {
        show::day(*at.borrow())
    }

    /// How long something took, in microseconds.
    pub(crate) fn took(&self, micros: impl Number) -> String {
        show::duration(Duration::from_micros(micros.counted()))
    }

    /// A size.
    pub(crate) fn bytes(&self, bytes: impl Number) -> String {
        show::bytes(bytes.counted())
    }

    /// A word of ours for a state, in the language of the page.
    pub(crate) fn word<'a>(&self, word: &'a str) -> &'a str {
        fn text(text: &'static str) -> &'static str {
            text
        }
        self.t(match word {
            "active" => text("active"),
            "disabled" => text("off"),
            "expired" => text("ended"),
            "revoked" => text("revoked"),
            "deleted" => text("deleted"),
            "never" => text("never"),
            "at" => text("at a moment"),
            "first_use" => text("some time after its first use"),
            "owner" => text("the owner"),
            "team" => text("the team"),
            "ready" => text("ready"),
            "limited" => text("limited"),
            "failing" => text("failing"),
            "paused" => text("paused"),
            other => other,
        })
    }

    pub(crate) fn share(&self, part: u64, whole: u64) -> String {
        show::share(part, whole)
    }
}

struct Place {
    path: &'static str,
    label: &'static str,
    letter: &'static str,
    need: Option<Scope>,
    group: Group,
}

/// What belongs together, with a little space between the groups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// What goes on at a glance.
    Glance,
    /// Who serves whom.
    Records,
    /// What came, and what it cost.
    Books,
    /// The relay itself.
    Relay,
}

fn shown<'a>(places: impl Iterator<Item = &'a Place>, path: &str) -> Vec<NavPlace> {
    let mut group = Group::Glance;
    let one = |place: &Place| {
        let is_apart = place.group != group;
        group = place.group;
        place.shown(path, is_apart)
    };
    places.map(one).collect()
}

impl Place {
    fn shown(&self, path: &str, is_apart: bool) -> NavPlace {
        let href = format!("{BASE}{}", self.path);
        let is_here = match self.path {
            "" => path.trim_end_matches('/') == BASE,
            _ => path.strip_prefix(&href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        NavPlace { href, label: self.label, letter: self.letter, is_here, is_apart }
    }
}

/// A row of the navigation: written with `text` so that its words are among those that are translated.
const fn text(
    label: &'static str,
    path: &'static str,
    letter: &'static str,
    need: Scope,
    group: Group,
) -> Place {
    Place { path, label, letter, need: Some(need), group }
}

const PLACES: &[Place] = &[
    text("Dashboard", "", "d", Area::Usage.read(), Group::Glance),
    text("Keys", "/keys", "k", Area::Keys.read(), Group::Records),
    text("Accounts", "/accounts", "a", Area::Accounts.read(), Group::Records),
    text("Pools", "/pools", "p", Area::Pools.read(), Group::Records),
    text("Routes", "/routes", "o", Area::Pools.read(), Group::Records),
    text("Who would serve?", "/plan", "w", Area::Pools.read(), Group::Records),
    text("Cards", "/cards", "v", Area::Keys.read(), Group::Records),
    text("Requests", "/requests", "r", Area::Requests.read(), Group::Books),
    text("Use and cost", "/usage", "u", Area::Usage.read(), Group::Books),
    text("Prices", "/prices", "c", Area::Usage.read(), Group::Books),
    Place { need: None, ..text("Guides", "/guides", "h", Area::Keys.read(), Group::Books) },
    text("People", "/people", "e", Area::Users.read(), Group::Relay),
    text("Settings", "/settings", "s", Area::Settings.read(), Group::Relay),
    text("System", "/system", "y", Area::System.read(), Group::Relay),
    text("Notifications", "/notifications", "n", Area::Notifications.read(), Group::Relay),
    text("Log", "/logs", "l", Area::System.read(), Group::Relay),
    text("Audit log", "/audit", "t", Area::Audit.read(), Group::Relay),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_place_has_a_letter_of_its_own() {
        let letters: BTreeSet<_> = PLACES.iter().map(|place| place.letter).collect();
        assert_eq!(letters.len(), PLACES.len());
        assert!(!letters.contains("g"), "that one begins the way");
    }

    #[test]
    fn groups_stay_apart_where_their_first_place_is_not_shown() {
        let some = PLACES.iter().filter(|place| !matches!(place.path, "/keys" | "/people"));
        let apart: Vec<_> =
            shown(some, BASE).into_iter().filter(|place| place.is_apart).map(|place| place.label).collect();
        assert_eq!(apart, ["Accounts", "Requests", "Settings"]);
    }
}
