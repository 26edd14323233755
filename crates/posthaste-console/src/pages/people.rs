//! People who log in, the owners of client keys with their teams, and the API tokens.

mod owners;
mod password;
mod roles;
mod sign_in;
mod teams;
mod tokens;
mod user_form;
mod users;

use posthaste_core::Area;

pub(super) use self::{
    password::twice_the_same,
    roles::{role_name, role_words},
    users::{own_session, sign_in_words},
};

use crate::{
    asked::Asked,
    fields::Fields,
    pages::paging::Paging,
    serve::{Door, Page, shows, takes},
};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Users.read()), Door::Needs(Area::Users.write()));
    // Owners and teams belong to client keys: who keeps those keeps them too.
    let (sees, keeps) = (Door::Needs(Area::Keys.read()), Door::Needs(Area::Keys.write()));
    vec![
        shows("/people", read, users::list),
        shows("/people/new", write, user_form::show_new),
        takes("/people/new", write, user_form::create),
        shows("/people/owners", sees, owners::list),
        shows("/people/owners/new", keeps, owners::show_new),
        takes("/people/owners/new", keeps, owners::create),
        shows("/people/owners/{owner}", sees, owners::show),
        shows("/people/owners/{owner}/edit", keeps, owners::show_edit),
        takes("/people/owners/{owner}/edit", keeps, owners::edit),
        takes("/people/owners/{owner}/delete", keeps, owners::delete),
        shows("/people/teams", sees, teams::list),
        shows("/people/teams/new", keeps, teams::show_new),
        takes("/people/teams/new", keeps, teams::create),
        shows("/people/teams/{team}", sees, teams::show),
        shows("/people/teams/{team}/edit", keeps, teams::show_edit),
        takes("/people/teams/{team}/edit", keeps, teams::edit),
        takes("/people/teams/{team}/delete", keeps, teams::delete),
        shows("/people/tokens", read, tokens::list),
        shows("/people/tokens/new", write, tokens::show_new),
        takes("/people/tokens/new", write, tokens::create),
        takes("/people/tokens/{token}/delete", write, tokens::delete),
        shows("/people/sign-in", Door::Needs(Area::Settings.read()), sign_in::show),
        takes("/people/sign-in/test", write, sign_in::test),
        shows("/people/{user}", read, users::show),
        shows("/people/{user}/edit", write, user_form::show_edit),
        takes("/people/{user}/edit", write, user_form::edit),
        takes("/people/{user}/revoke-key", keeps, users::revoke_key),
        takes("/people/{user}/{action}", write, users::act),
    ]
}

/// The tabs above these pages, as far as whoever asks may go there.
pub(super) struct Tabs {
    pub(super) here: &'static str,
    pub(super) users: bool,
    pub(super) owners: bool,
    pub(super) sign_in: bool,
}

impl Tabs {
    fn of(asked: &Asked, here: &'static str) -> Self {
        Self {
            here,
            users: asked.may(Area::Users.read()),
            owners: asked.may(Area::Keys.read()),
            sign_in: asked.may(Area::Settings.read()),
        }
    }
}

/// The part of a list that the query asks for, and the ways to the others.
fn part<T>(asked: &Asked, query: &Fields, all: Vec<T>) -> (Vec<T>, Paging) {
    let total = all.len();
    let page = query.number("page").unwrap_or(1).clamp(1, total.div_ceil(ON_A_PAGE).max(1));
    let shown = all.into_iter().skip((page - 1) * ON_A_PAGE).take(ON_A_PAGE).collect();
    (shown, Paging::new(&asked.path, query, total, page, ON_A_PAGE))
}

/// Whether one of the texts holds what is searched for, in whatever case.
fn holds(search: Option<&str>, texts: &[&str]) -> bool {
    search.is_none_or(|search| {
        let search = search.to_lowercase();
        texts.iter().any(|text| text.to_lowercase().contains(&search))
    })
}

const ON_A_PAGE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_parts_of_words_in_whatever_case() {
        assert!(holds(None, &[]) && holds(Some("LOVE"), &["ada", "Lovelace"]));
        assert!(!holds(Some("eve"), &["ada", "Lovelace"]));
    }
}
