//! People who log in, on their pages.

use http::StatusCode;
use posthaste_admin::{Actor, Command, CreatedOwnKey, NewOwnKey};
use posthaste_core::{KeyStatus, Role};

use crate::support::{Browser, PASSWORD, Rig};

const PEOPLE: &str = "/admin-next/people";

async fn id(rig: &Rig, name: &str) -> String {
    rig.admin.people().show(name).await.unwrap().id.to_string()
}

#[tokio::test]
async fn a_person_is_made_found_changed_and_removed() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    let new = format!("{PEOPLE}/new");
    let form = [
        ("name", "Ada"),
        ("display_name", "Ada Lovelace"),
        ("email", "ada@example.com"),
        ("role", "operator"),
        ("max_keys", "3"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    let page = rig.fill_in(&mut browser, &new, &new, &form).await.to().to_owned();
    let made = rig.admin.people().show("ada").await.unwrap();
    assert_eq!(
        (made.role, made.max_keys, made.email.as_deref()),
        (Role::Operator, Some(3), Some("ada@example.com"))
    );
    rig.logged_in("ada").await;
    let list = rig.get(&mut browser, &format!("{PEOPLE}?search=LOVE")).await;
    assert!(list.page().contains(">ada</a>") && !list.html.contains(">viewer</a>"), "{}", list.html);
    let by_role = rig.get(&mut browser, &format!("{PEOPLE}?role=viewer")).await;
    assert!(by_role.page().contains(">viewer</a>") && !by_role.html.contains(">ada</a>"));
    let shown = rig.get(&mut browser, &page).await;
    for part in [
        "Ada Lovelace",
        "ada@example.com",
        "at most 3",
        "keeps accounts, pools",
        "This person has no client key.",
    ] {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    let edit = format!("{page}/edit");
    let filled = rig.get(&mut browser, &edit).await;
    for part in
        ["value=\"Ada Lovelace\"", "value=\"operator\" checked", "name=\"enabled\" checked", "value=\"3\""]
    {
        assert!(filled.page().contains(part), "{part}: {}", filled.html);
    }
    let version = filled.field("version");
    let change = [("role", "viewer"), ("display_name", "Countess"), ("version", version.as_str())];
    assert_eq!(rig.fill_in(&mut browser, &edit, &edit, &change).await.to(), page);
    let now = rig.admin.people().show("ada").await.unwrap();
    assert_eq!(
        (now.role, now.enabled, now.display_name.as_str(), now.email),
        (Role::Viewer, false, "Countess", None)
    );
    let late = rig.fill_in(&mut browser, &edit, &edit, &change).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("value=\"Countess\""), "{}", late.html);
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(gone.to(), PEOPLE);
    assert!(rig.admin.people().show("ada").await.is_err());
}

#[tokio::test]
async fn nothing_typed_for_a_person_is_lost_but_the_password() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    let new = format!("{PEOPLE}/new");
    for (password, again, field) in [
        (PASSWORD, "another horse battery", "password: "),
        ("short", "short", "password: "),
        (PASSWORD, PASSWORD, "email: "),
    ] {
        let email = if field == "email: " { "nowhere" } else { "ada@example.com" };
        let form =
            [("name", "ada"), ("email", email), ("role", "viewer"), ("password", password), ("again", again)];
        let wrong = rig.fill_in(&mut browser, &new, &new, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        for kept in ["value=\"ada\"", "value=\"viewer\" checked", email, field] {
            assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
        }
        assert!(!wrong.html.contains(PASSWORD) && !wrong.html.contains("another horse"), "{}", wrong.html);
    }
    let taken = rig.fill_in(&mut browser, &new, &new, &[("name", "viewer"), ("role", "user")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(rig.admin.people().show("ada").await.is_err());
}

#[tokio::test]
async fn an_admin_keeps_those_below_and_nobody_else() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let form = rig.get(&mut browser, &format!("{PEOPLE}/new")).await;
    assert!(form.page().contains("value=\"operator\""));
    assert!(
        !form.html.contains("value=\"admin\"") && !form.html.contains("value=\"owner\""),
        "{}",
        form.html
    );
    let new = format!("{PEOPLE}/new");
    let raised = rig.fill_in(&mut browser, &new, &new, &[("name", "eve"), ("role", "owner")]).await;
    assert_eq!(raised.status, StatusCode::FORBIDDEN);
    let owner = format!("{PEOPLE}/{}", id(&rig, "owner").await);
    let shown = rig.get(&mut browser, &owner).await;
    for button in ["/edit\"", "/delete\"", "/password\"", "/end-sessions\""] {
        assert!(!shown.page().contains(button), "{button}: {}", shown.html);
    }
    let tried = rig.fill_in(&mut browser, PEOPLE_FORM, &format!("{owner}/delete"), &[]).await;
    assert_eq!(tried.status, StatusCode::FORBIDDEN);
    assert!(rig.admin.people().show("owner").await.is_ok());
}

/// A page with a form, for its token.
const PEOPLE_FORM: &str = "/admin-next/people/new";

#[tokio::test]
async fn a_password_is_given_and_sessions_and_keys_are_ended() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    let mut user = rig.logged_in("user").await;
    let new = NewOwnKey { name: "laptop".to_owned(), ..NewOwnKey::default() };
    let made = Command::CreateKeyOf { user: "user".to_owned(), new };
    let reply = rig.admin.act(&Actor::machine(), made).await.unwrap();
    let key: CreatedOwnKey = posthaste_admin::Replied::from_reply(reply).unwrap();
    let page = format!("{PEOPLE}/{}", id(&rig, "user").await);
    let shown = rig.get(&mut browser, &page).await;
    assert!(
        shown.page().contains(">laptop</a>") && shown.html.contains("End all sessions"),
        "{}",
        shown.html
    );
    let key_id = key.view.id.to_string();
    let revoked = rig.fill_in(&mut browser, &page, &format!("{page}/revoke-key"), &[("key", &key_id)]).await;
    assert_eq!(revoked.to(), page);
    assert_eq!(rig.admin.keys().show(&key_id).await.unwrap().state, KeyStatus::Revoked);
    let password = format!("{page}/password");
    let differ = [("password", "battery staple one"), ("again", "battery staple two")];
    let wrong = rig.fill_in(&mut browser, &page, &password, &differ).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("The two passwords differ.") && !wrong.html.contains("staple"));
    assert_eq!(rig.get(&mut user, "/admin-next/me").await.status, StatusCode::OK);
    let right = [("password", "battery staple one"), ("again", "battery staple one")];
    assert_eq!(rig.fill_in(&mut browser, &page, &password, &right).await.to(), page);
    assert!(rig.get(&mut user, "/admin-next/me").await.to().contains("/sign-in"), "the session is over");
    let form = [("name", "user"), ("password", "battery staple one")];
    let mut again = Browser::default();
    assert_eq!(rig.post(&mut again, "/admin-next/sign-in", &form).await.to(), "/admin-next");
    let ended = rig.fill_in(&mut browser, &page, &format!("{page}/end-sessions"), &[]).await;
    assert_eq!(ended.to(), page);
    assert!(rig.admin.people().sessions("user").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_last_owner_of_the_relay_stays() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    let page = format!("{PEOPLE}/{}", id(&rig, "owner").await);
    let kept = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    let edit = format!("{page}/edit");
    let kept = rig.fill_in(&mut browser, &edit, &edit, &[("role", "user"), ("enabled", "on")]).await;
    assert_eq!(kept.status, StatusCode::CONFLICT);
    assert_eq!(rig.admin.people().show("owner").await.unwrap().role, Role::Owner);
}
