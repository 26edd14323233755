//! Whatever people and upstreams write stays text.

use posthaste_admin::{
    Actor, BrandingChange, Command, LogLevel, NewAccount, NewKey, NewPool, NewUser, OwnPriceInput,
    OwnerInput, PolicyInput, RouteInput, TargetInput, TeamInput, TokenInput,
};

use posthaste_core::OwnRates;

use crate::support::Rig;

pub(crate) const NASTY: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "</title><svg/onload=alert(1)>",
    "{{7*7}}${7*7}",
    "javascript:alert(1)",
];

/// What must not stand in a page unescaped.
pub(crate) fn check(html: &str, place: &str) {
    for live in ["<script>alert", "<img src=x", "<svg/onload", "onerror=alert(1)>", "href=\"javascript:"] {
        assert!(!html.contains(live), "{place} has {live}");
    }
}

#[tokio::test]
async fn names_tags_and_remarks_are_text() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("owner").await;
    let mut paths =
        vec!["/admin-next/keys".to_owned(), "/admin-next/accounts".to_owned(), "/admin-next".to_owned()];
    paths.push("/admin-next/accounts/order".to_owned());
    paths.extend(
        [
            "pools",
            "routes",
            "prices/own",
            "logs",
            "audit",
            "settings/branding",
            "people",
            "people/owners",
            "people/teams",
            "people/tokens",
            "me",
        ]
        .map(|list| format!("/admin-next/{list}")),
    );
    for (number, nasty) in NASTY.iter().enumerate() {
        let tagged = PolicyInput { tags: Some(vec![(*nasty).to_owned()]), ..PolicyInput::default() };
        // Some names are refused; what is taken has to be inert.
        let new = NewKey { name: format!("{nasty} {number}"), policy: tagged.clone(), ..NewKey::default() };
        let made = match rig.admin.keys().create(new).await {
            Ok(made) => made,
            Err(_) => {
                let new = NewKey { name: format!("key {number}"), policy: tagged, ..NewKey::default() };
                match rig.admin.keys().create(new).await {
                    Ok(made) => made,
                    Err(_) => continue,
                }
            }
        };
        paths.push(format!("/admin-next/keys/{}", made.view.id));
        paths.push(format!("/admin-next/keys/{}/edit", made.view.id));
        let account = NewAccount {
            preset: "anthropic".to_owned(),
            name: format!("{nasty} {number}"),
            api_key: Some(posthaste_admin::Disclosed::new(posthaste_core::Secret::new("sk-ant-dummy"))),
            scheduling: posthaste_admin::SchedulingChange {
                notes: Some((*nasty).to_owned()),
                ..Default::default()
            },
            ..NewAccount::default()
        };
        if let Ok(saved) = rig.admin.accounts().add(account).await {
            paths.push(format!("/admin-next/accounts/{}", saved.account.id));
            paths.push(format!("/admin-next/accounts/{}/edit", saved.account.id));
        }
        let person = NewUser {
            name: format!("person{number}"),
            display_name: Some((*nasty).to_owned()),
            ..NewUser::default()
        };
        let person = rig.admin.people().create(&Actor::machine(), person).await.unwrap();
        paths.push(format!("/admin-next/people/{}", person.id));
        paths.push(format!("/admin-next/people/{}/edit", person.id));
        let team = Command::SetTeam { team: (*nasty).to_owned(), with: TeamInput::default() };
        rig.admin.act(&Actor::machine(), team).await.unwrap();
        let with = OwnerInput { team: Some((*nasty).to_owned()), ..OwnerInput::default() };
        let owner = Command::SetOwner { owner: (*nasty).to_owned(), with };
        rig.admin.act(&Actor::machine(), owner).await.unwrap();
        let (owner, team) = (
            rig.admin.owners().show(nasty).await.unwrap(),
            rig.admin.owners().show_team(nasty).await.unwrap(),
        );
        for page in [format!("owners/{}", owner.id), format!("teams/{}", team.id)] {
            paths.push(format!("/admin-next/people/{page}"));
            paths.push(format!("/admin-next/people/{page}/edit"));
        }
        let scopes = vec![posthaste_core::Area::Keys.read()];
        let token = TokenInput { name: (*nasty).to_owned(), scopes, lasts_seconds: None };
        rig.admin.tokens().create(&Actor::machine(), token).await.unwrap();
        rig.running.say(LogLevel::Warn, nasty, nasty);
        let branding = BrandingChange { notice: Some((*nasty).to_owned()), ..BrandingChange::default() };
        rig.admin.act(&Actor::machine(), Command::SetBranding(branding)).await.unwrap();
        let pool = NewPool { name: format!("{nasty} {number}"), ..NewPool::default() };
        if let Ok(pool) = rig.admin.pools().create(pool).await {
            paths.push(format!("/admin-next/pools/{}", pool.id));
            paths.push(format!("/admin-next/pools/{}/edit", pool.id));
        }
        let price = OwnPriceInput {
            provider: "anthropic".to_owned(),
            model: format!("model{number}"),
            rates: OwnRates { input: Some(1), ..OwnRates::default() },
            note: Some((*nasty).to_owned()),
        };
        let price = rig.admin.own_prices().set(price).await.unwrap();
        paths.push(format!("/admin-next/prices/own/{}", price.id));
        let route = RouteInput {
            model: format!("route{number}"),
            targets: vec![TargetInput { model: (*nasty).to_owned(), place: None }],
        };
        if let Ok(route) = rig.admin.routes().create(route).await {
            paths.push(format!("/admin-next/routes/{}", route.id));
            paths.push(format!("/admin-next/routes/{}/edit", route.id));
        }
        let query: String = form_urlencoded::byte_serialize(nasty.as_bytes()).collect();
        for list in [
            "keys",
            "accounts",
            "accounts/order",
            "requests",
            "pools",
            "routes",
            "plan",
            "usage",
            "prices/own/new",
            "settings",
            "logs",
            "audit",
            "people",
            "people/owners",
            "people/teams",
        ] {
            for field in [
                "search", "tag", "state", "sort", "owner", "model", "provider", "status", "since", "by",
                "every", "range", "key", "list", "role", "dialect", "session", "pool",
            ] {
                paths.push(format!("/admin-next/{list}?{field}={query}"));
            }
        }
        paths.push(format!("/admin-next/prices?search={query}&list={query}"));
        paths.push(format!("/admin-next/plan?model=m&session={query}&prompt_tokens={query}"));
        paths.push(format!("/admin-next/sign-in?to={query}"));
        paths.push(format!("/admin-next/{query}"));
        paths.push(format!("/admin-next/keys/{query}"));
        paths.push(format!("/admin-next/guides/{query}"));
        paths.push(format!("/admin-next/key?range={query}"));
    }
    assert!(paths.len() > 100, "{}", paths.len());
    for path in paths {
        let shown = rig.get(&mut browser, &path).await;
        assert!(!shown.status.is_server_error(), "{path}: {}", shown.html);
        check(&shown.html, &path);
    }
}
