//! Owners, teams, API tokens and the ways to log in, on their pages.

use std::sync::atomic::Ordering;

use http::StatusCode;
use posthaste_admin::{Actor, Command, OwnerInput, TokenInput};
use posthaste_core::Area;

use crate::support::Rig;

const PEOPLE: &str = "/admin-next/people";
const OWNERS: &str = "/admin-next/people/owners";
const TEAMS: &str = "/admin-next/people/teams";
const TOKENS: &str = "/admin-next/people/tokens";

#[tokio::test]
async fn owners_and_teams_share_limits() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    assert!(rig.get(&mut browser, TEAMS).await.page().contains("There is no team yet."));
    let (new_team, new_owner) = (format!("{TEAMS}/new"), format!("{OWNERS}/new"));
    let form = [("name", "research"), ("limits", "cost=500/month")];
    let team = rig.fill_in(&mut browser, &new_team, &new_team, &form).await.to().to_owned();
    let wrong = [("name", "lab"), ("team", "research"), ("limits", "cost=lots/day")];
    let wrong = rig.fill_in(&mut browser, &new_owner, &new_owner, &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"lab\"", "value=\"research\" selected", "cost=lots/day", "limits: "] {
        assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
    }
    let form = [("name", "lab"), ("team", "research"), ("limits", "concurrency=4")];
    let owner = rig.fill_in(&mut browser, &new_owner, &new_owner, &form).await.to().to_owned();
    let made = rig.admin.owners().show("lab").await.unwrap();
    assert_eq!((made.team.as_deref(), made.limits.len()), (Some("research"), 1));
    let again = rig.fill_in(&mut browser, &new_owner, &new_owner, &[("name", "lab"), ("limits", "")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rig.admin.owners().show("lab").await.unwrap().limits.len(), 1, "it is not overwritten");
    let shown = rig.get(&mut browser, &owner).await;
    for part in ["concurrency=4", "cost=500.00/month:1", "And those of the team research", "Remove the owner"]
    {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    assert!(
        rig.get(&mut browser, &team).await.page().contains("It can be removed once no owner belongs to it.")
    );
    let held = rig.fill_in(&mut browser, &new_team, &format!("{team}/delete"), &[]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    let edit = format!("{owner}/edit");
    let changed = rig.fill_in(&mut browser, &edit, &edit, &[("name", "laboratory"), ("limits", "")]).await;
    assert_eq!(changed.to(), owner);
    let now = rig.admin.owners().show("laboratory").await.unwrap();
    assert!(now.team.is_none() && now.limits.is_empty());
    let edit = format!("{team}/edit");
    let changed =
        rig.fill_in(&mut browser, &edit, &edit, &[("name", "science"), ("limits", "requests=5/1m")]).await;
    assert_eq!(changed.to(), team);
    assert_eq!(rig.admin.owners().show_team("science").await.unwrap().limits.len(), 1);
    assert_eq!(rig.fill_in(&mut browser, &team, &format!("{team}/delete"), &[]).await.to(), TEAMS);
    assert_eq!(rig.fill_in(&mut browser, &owner, &format!("{owner}/delete"), &[]).await.to(), OWNERS);
    assert!(rig.admin.owners().list_teams().await.unwrap().is_empty());
    assert!(rig.admin.owners().show("laboratory").await.is_err());
}

#[tokio::test]
async fn an_owner_is_changed_as_its_page_showed_it_and_none_is_made_by_a_change() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let set = Command::SetOwner { owner: "lab".to_owned(), with: OwnerInput::default() };
    rig.admin.act(&Actor::machine(), set).await.unwrap();
    let edit = format!("{OWNERS}/{}/edit", rig.admin.owners().show("lab").await.unwrap().id);
    let page = rig.get(&mut browser, &edit).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let form = |name| [("csrf", csrf.as_str()), ("version", version.as_str()), ("name", name)];
    rig.post(&mut browser, &edit, &form("first")).await.to();
    let late = rig.post(&mut browser, &edit, &form("second")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("value=\"second\""), "{}", late.html);
    let nobody = rig.fill_in(&mut browser, &edit, &format!("{OWNERS}/nobody/edit"), &[("name", "x")]).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert!(rig.admin.owners().show("nobody").await.is_err());
}

#[tokio::test]
async fn a_token_is_shown_once_and_ended() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    assert!(rig.get(&mut browser, TOKENS).await.page().contains("There is no API token yet."));
    let new = format!("{TOKENS}/new");
    let none =
        rig.fill_in(&mut browser, &new, &new, &[("name", "ci"), ("scope", ""), ("lasts", "30d")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        none.html.contains("value=\"ci\"")
            && none.html.contains("value=\"30d\"")
            && none.html.contains("scopes: ")
    );
    let form =
        [("name", "ci"), ("scope", "keys:write"), ("scope", ""), ("scope", "usage:read"), ("lasts", "30d")];
    let made = rig.fill_in(&mut browser, &new, &new, &form).await;
    let secret = made.page().split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(secret.starts_with("pht_") && rig.admin.tokens().actor(&secret).await.unwrap().is_some());
    let kept = rig.admin.tokens().list().await.unwrap();
    assert_eq!(kept[0].scopes, [Area::Keys.write(), Area::Usage.read()]);
    let list = rig.get(&mut browser, TOKENS).await;
    for part in ["keys:write", "usage:read", ">admin</a>", kept[0].hint.as_str()] {
        assert!(list.page().contains(part), "{part}: {}", list.html);
    }
    assert!(!list.html.contains(&secret));
    let own = rig.get(&mut browser, "/admin-next/me").await;
    assert!(own.page().contains(&format!("…{}", kept[0].hint)), "{}", own.html);
    let gone = rig.fill_in(&mut browser, TOKENS, &format!("{TOKENS}/{}/delete", kept[0].id), &[]).await;
    assert_eq!(gone.to(), TOKENS);
    assert!(rig.admin.tokens().actor(&secret).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_of_somebody_who_is_gone_says_so() {
    let rig = Rig::with_people().await;
    let actor = rig.admin.people().show("admin").await.unwrap();
    let actor = Actor {
        who: posthaste_admin::Who::User { id: actor.id, name: actor.name, role: actor.role },
        address: None,
    };
    let new = TokenInput { name: "old".to_owned(), scopes: vec![Area::Keys.read()], lasts_seconds: None };
    rig.admin.tokens().create(&actor, new).await.unwrap();
    rig.admin.people().delete(&Actor::machine(), "admin").await.unwrap();
    let mut browser = rig.logged_in("owner").await;
    assert!(rig.get(&mut browser, TOKENS).await.page().contains("somebody who is gone; it opens nothing"));
}

#[tokio::test]
async fn a_viewer_sees_owners_and_teams_and_no_people() {
    let rig = Rig::with_people().await;
    let mut viewer = rig.logged_in("viewer").await;
    let shown = rig.get(&mut viewer, OWNERS).await;
    assert!(!shown.page().contains("/new\"") && !shown.html.contains("/people/tokens"), "{}", shown.html);
    assert_eq!(rig.get(&mut viewer, PEOPLE).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn ways_to_log_in_are_told_and_the_provider_is_asked() {
    let page = "/admin-next/people/sign-in";
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("admin").await;
    let shown = rig.get(&mut browser, page).await;
    for part in ["oidc.issuer", "https://id.example.com", "No directory is asked."] {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    assert!(!shown.html.contains("server.workers"), "{}", shown.html);
    let test = format!("{page}/test");
    let found = rig.fill_in(&mut browser, page, &test, &[("way", "oidc")]).await;
    for part in
        ["nothing in the way", "Where browsers come back to", "https://relay.example/users/oidc/callback"]
    {
        assert!(found.page().contains(part), "{part}: {}", found.html);
    }
    rig.running.is_away.store(true, Ordering::Relaxed);
    let away = rig.fill_in(&mut browser, page, &test, &[("way", "oidc")]).await;
    assert!(
        away.page().contains("people cannot log in") && away.html.contains("oidc.issuer"),
        "{}",
        away.html
    );
    crate::inert::check(&away.html, "what was found");
    let unset = rig.fill_in(&mut browser, page, &test, &[("way", "ldap"), ("name", "ada")]).await;
    assert_eq!(unset.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unset.html.contains("no directory is asked") && unset.html.contains("oidc.issuer"),
        "{}",
        unset.html
    );
    let mut operator = rig.logged_in("operator").await;
    assert!(!rig.get(&mut operator, page).await.page().contains("/sign-in/test"));
    let bare = Rig::with_people().await;
    let mut browser = bare.logged_in("admin").await;
    let shown = bare.get(&mut browser, page).await;
    assert!(shown.page().contains("No identity provider is asked.") && !shown.html.contains("/sign-in/test"));
}
