//! Who would serve a request, on its page.

use std::time::Duration;

use http::StatusCode;
use posthaste_admin::{
    Disclosed, NewAccount, NewKey, NewPool, PlaceInput, RouteInput, SchedulingChange, TargetInput,
};
use posthaste_core::{
    AccountId, AskedAccount, Barrier, CheckedLimit, Clock, CooldownReason, Dialect, Estimated, FaultKind,
    LimitOwner, LimitUnit, ModelName, NanoUsd, Operation, Origin, Outlook, OutlookAccount, OutlookLeg,
    OutlookLimit, OutlookRefusal, OutlookTurn, PassedOver, PlannedLeg, PoolId, RecordedFault, RefusingStep,
    Rest, RouteId, Secret, Strategy,
};

use crate::{
    inert::{NASTY, check},
    support::{Browser, Rig},
};

const PLAN: &str = "/admin-next/plan";

async fn account(rig: &Rig, name: &str, pool: &str) -> AccountId {
    let scheduling = SchedulingChange { pools: Some(vec![pool.to_owned()]), ..SchedulingChange::default() };
    let new = NewAccount {
        preset: "anthropic".to_owned(),
        name: name.to_owned(),
        api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
        scheduling,
        ..NewAccount::default()
    };
    rig.admin.accounts().add(new).await.unwrap().account.id
}

async fn pool(rig: &Rig, name: &str) -> PoolId {
    let new = NewPool { name: name.to_owned(), ..NewPool::default() };
    rig.admin.pools().create(new).await.unwrap().id
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn limit(name: &str, unit: LimitUnit, reserved: Option<i64>) -> CheckedLimit {
    let (name, shadow, resets_at) = (name.to_owned(), false, None);
    CheckedLimit { name, unit, reserved, used: 7_000_000_000, limit: 9_000_000_000, shadow, resets_at }
}

fn known(upstream: &str, dialect: Dialect) -> OutlookAccount {
    OutlookAccount {
        priority: 50,
        weight: 1,
        in_flight: 2,
        upstream_model: model(upstream),
        dialect,
        first_event_ms: 60_000,
        first_percent: None,
        full: None,
    }
}

fn leg(name: &str, pool: Option<PoolId>) -> OutlookLeg {
    OutlookLeg {
        planned: PlannedLeg {
            model: model(name),
            pool,
            strategy: Strategy::Sequential,
            asked: Vec::new(),
            asked_more: 0,
            passed_over: Vec::new(),
            passed_over_more: Default::default(),
        },
        by_chance: false,
        attempts: 4,
        patience_ms: 0,
        known: Vec::new(),
    }
}

fn asked(account: AccountId, why: &str) -> AskedAccount {
    AskedAccount { account, why: why.to_owned() }
}

fn outlook(rig: &Rig, legs: Vec<OutlookLeg>, turns: Vec<OutlookTurn>) -> Outlook {
    Outlook {
        at: rig.clock.now(),
        meaning: None,
        route: None,
        refusal: None,
        answered_here: false,
        estimated: Estimated { tokens: 1_064, cost: NanoUsd::from_nanos(3_400_000) },
        limits: Vec::new(),
        networks: Vec::new(),
        clients: Vec::new(),
        conversation: None,
        last_resort: false,
        waits_ms: None,
        turns,
        legs,
    }
}

/// A route over two pools: in the first one rests and one is at its limit, and the second serves.
struct Chain {
    route: RouteId,
    outlook: Outlook,
}

async fn chain(rig: &Rig, names: [&str; 3]) -> Chain {
    let (main, spare) = (pool(rig, "main").await, pool(rig, "spare").await);
    let [tired, full, good] = [
        account(rig, names[0], "main").await,
        account(rig, names[1], "main").await,
        account(rig, names[2], "spare").await,
    ];
    let to = |model: &str, pool: &str| TargetInput {
        model: model.to_owned(),
        place: Some(PlaceInput::Pool(pool.to_owned())),
    };
    let targets = vec![to("claude-sonnet-5", "main"), to("gpt-5", "spare")];
    let route = RouteInput { model: "house model/1".replace(' ', "-"), targets };
    let route = rig.admin.routes().create(route).await.unwrap().id;
    let mut first = leg("claude-sonnet-5", Some(main));
    first.planned.asked = vec![asked(full, "the first of its priority")];
    let seat = OutlookLimit {
        whose: LimitOwner::Account(full),
        of: names[1].to_owned(),
        limit: limit("seats", LimitUnit::Concurrency, None),
        waits: false,
    };
    first.known =
        vec![OutlookAccount { full: Some(seat), ..known("claude-sonnet-5", Dialect::AnthropicMessages) }];
    let until = rig.clock.now().plus(Duration::from_secs(600));
    let rest = Rest { reason: CooldownReason::RateLimited, until, why: "slow down".into() };
    first.planned.passed_over = vec![
        PassedOver { account: tired, barrier: Barrier::Rests, rest: Some(rest) },
        PassedOver { account: good, barrier: Barrier::NotInThePlace, rest: None },
    ];
    let mut second = leg("gpt-5", Some(spare));
    second.planned.asked = vec![asked(good, "longest unused")];
    second.known = vec![known("gpt-5-2", Dialect::OpenAiChat)];
    let mut outlook = outlook(rig, vec![first, second], vec![OutlookTurn { leg: 1, account: good }]);
    outlook.route = Some(route);
    Chain { route, outlook }
}

#[tokio::test]
async fn a_chain_of_pools_is_shown_with_its_reasons() {
    let rig = Rig::running().await;
    let Chain { route, outlook } = chain(&rig, ["tired", "full", "good"]).await;
    *rig.running.outlook.lock().unwrap() = Some(outlook);
    let new = NewKey { name: "laptop & desk".to_owned(), ..NewKey::default() };
    let key = rig.admin.keys().create(new).await.unwrap().view.id;
    let mut viewer = rig.logged_in("viewer").await;
    let page = rig.get(&mut viewer, &format!("{PLAN}?model=house-model/1&key={key}&stream=on")).await;
    let html = page.page();
    for part in [
        "<ol class=\"turns\"><li>",
        "the first of its priority",
        "at its limit",
        "slow down",
        "too many requests for a short while",
        ">in 10 min<",
        "not in the pool, or not the account, that is asked here",
        "longest unused",
        "gpt-5-2",
        "translated to OpenAI Chat Completions",
        "At most 4 attempts here.",
        "$0.0034",
        "value=\"laptop &#38; desk\"",
        &format!("/admin-next/routes/{route}"),
        &format!("/admin-next/keys/{key}"),
        "name=\"stream\" value=\"on\" checked",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let (before, after) = html.split_once(">2. <code>gpt-5</code>").unwrap();
    assert!(before.contains(">1. <code>claude-sonnet-5</code>") && before.contains("full"), "in their order");
    // Who is at its limit has no turn; the one of the second pool has the first.
    let turn = |html: &str| html.split_once("<tbody>").unwrap().1.split_once("</td>").unwrap().0.to_owned();
    assert!(turn(before).ends_with('–') && turn(after).ends_with('1'), "{html}");
    let (who, question) = rig.running.questions.lock().unwrap().pop().unwrap();
    assert_eq!((who.id, question.model.as_str(), question.streamed), (key, "house-model/1", true));
    assert_eq!((question.operation, question.dialect), (Operation::Chat, Dialect::AnthropicMessages));
}

#[tokio::test]
async fn pages_of_routes_and_keys_lead_there_with_their_names() {
    let rig = Rig::running().await;
    let Chain { route, .. } = chain(&rig, ["tired", "full", "good"]).await;
    let new = NewKey { name: "laptop & desk".to_owned(), ..NewKey::default() };
    let key = rig.admin.keys().create(new).await.unwrap().view.id;
    let mut browser = rig.logged_in("viewer").await;
    for (page, href) in [
        ("pools".to_owned(), "href=\"/admin-next/plan\""),
        ("routes".to_owned(), "href=\"/admin-next/plan\""),
        (format!("routes/{route}"), "href=\"/admin-next/plan?model=house-model/1\""),
        (format!("keys/{key}"), "href=\"/admin-next/plan?key=laptop%20%26%20desk\""),
    ] {
        let shown = rig.get(&mut browser, &format!("/admin-next/{page}")).await;
        let (_, head) = shown.page().split_once("class=\"head\"").unwrap();
        assert!(head.split("</div>").next().unwrap().contains(href), "{page}: {}", shown.html);
    }
    let filled = rig.get(&mut browser, &format!("{PLAN}?key=laptop%20%26%20desk")).await;
    assert_eq!(filled.field("key"), "laptop &#38; desk");
    assert!(filled.page().contains("Name a model"), "{}", filled.html);
    assert!(filled.html.contains("<option>house-model/1</option>"), "routes are offered");
    assert!(rig.running.questions.lock().unwrap().is_empty(), "without a model nothing is asked");
}

#[tokio::test]
async fn without_a_key_it_is_asked_about_one_without_limits() {
    let rig = Rig::running().await;
    *rig.running.outlook.lock().unwrap() = Some(outlook(&rig, vec![leg("m", None)], Vec::new()));
    let mut browser = rig.logged_in("operator").await;
    let page = rig.get(&mut browser, &format!("{PLAN}?model=m&key=&dialect=open-ai-chat")).await;
    for part in ["none: one without limits", "There is no account.", "/admin-next/accounts/new"] {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    let (who, question) = rig.running.questions.lock().unwrap().pop().unwrap();
    assert!(who.enabled && who.policy.limits.is_empty() && who.policy.binding.is_none());
    assert_eq!((question.dialect, question.prompt_tokens), (Dialect::OpenAiChat, 1_000));
    assert!(rig.admin.keys().list().await.unwrap().is_empty(), "and none is kept");
}

#[tokio::test]
async fn what_refuses_and_what_waits_is_told() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("viewer").await;
    let mut refused = outlook(&rig, Vec::new(), Vec::new());
    refused.refusal = Some(OutlookRefusal {
        by: RefusingStep::Limit,
        fault: RecordedFault {
            kind: FaultKind::RateLimited,
            origin: Origin::Relay,
            message: Some("limit `few` is used up".to_owned()),
        },
    });
    let of = |name: &str, limit, waits| OutlookLimit {
        whose: LimitOwner::ClientKey(posthaste_core::ClientKeyId::generate()),
        of: name.to_owned(),
        limit,
        waits,
    };
    refused.limits = vec![
        of("laptop", limit("few", LimitUnit::Requests, None), false),
        of("ada", limit("crowd", LimitUnit::Concurrency, None), true),
        of("crew", limit("money", LimitUnit::Cost, Some(2_000_000)), false),
    ];
    let mut waits = outlook(&rig, Vec::new(), Vec::new());
    waits.waits_ms = Some(20_000);
    let mut here = outlook(&rig, Vec::new(), Vec::new());
    here.answered_here = true;
    for (outlook, parts) in [
        (
            refused,
            &["A limit would refuse it: limit `few` is used up", ">refused<", "waits in line", "crew", "$7"]
                [..],
        ),
        (waits, &["It would wait 20s and be planned anew"]),
        (here, &["The relay would answer by itself"]),
    ] {
        *rig.running.outlook.lock().unwrap() = Some(outlook);
        let page = rig.get(&mut browser, &format!("{PLAN}?model=m")).await;
        for part in parts {
            assert!(page.page().contains(part), "{part}: {}", page.html);
        }
    }
}

#[tokio::test]
async fn nothing_typed_is_lost_where_it_cannot_be_told() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("viewer").await;
    for (query, told) in [
        ("model=house&key=nobody", "there is no client key `nobody`"),
        ("model=house&prompt_tokens=many", "prompt_tokens: is no number of tokens"),
        ("model=house&dialect=latin", "dialect: expected one of"),
        // No relay runs here that could tell.
        ("model=house", "only a running relay knows"),
    ] {
        let page = rig.get(&mut browser, &format!("{PLAN}?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.html.contains(told), "{told}: {}", page.html);
        assert_eq!(page.field("model"), "house", "{query}");
    }
    let page = rig.get(&mut browser, &format!("{PLAN}?model=house&prompt_tokens=many")).await;
    assert!(page.html.contains("<details open>") && page.html.contains("value=\"many\""), "{}", page.html);
}

#[tokio::test]
async fn chinese_pages_give_the_reasons_in_chinese() {
    let rig = Rig::running().await;
    let Chain { mut outlook, .. } = chain(&rig, ["tired", "full", "good"]).await;
    let why = ["longest unused", "costs 3400000 nano-dollars", "score 1.250", "as an older relay worded it"];
    outlook.legs[1].planned.asked = why.map(|why| asked(AccountId::generate(), why)).to_vec();
    *rig.running.outlook.lock().unwrap() = Some(outlook);
    let mut browser = Browser { language: "zh-CN", ..rig.logged_in("viewer").await };
    let page = rig.get(&mut browser, &format!("{PLAN}?model=m")).await;
    for told in [
        "闲置最久",
        "费用 $0.0034",
        "评分 1.250",
        "as an older relay worded it",
        "短时间内请求过多",
        "slow down",
        "不在此处询问的账户池中",
    ] {
        assert!(page.page().contains(told), "{told}: {}", page.html);
    }
    for english in ["longest unused", "nano-dollars", "rate_limited"] {
        assert!(!page.html.contains(english), "{english}: {}", page.html);
    }
}

#[tokio::test]
async fn a_page_about_thousands_of_accounts_stays_small() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("viewer").await;
    let mut many = leg("m", None);
    for number in 0..300 {
        many.planned.asked.push(asked(AccountId::generate(), "longest unused"));
        let barrier = if number % 2 == 0 { Barrier::Disabled } else { Barrier::ModelNotServed };
        many.planned.passed_over.push(PassedOver { account: AccountId::generate(), barrier, rest: None });
    }
    many.planned.asked_more = 7;
    many.planned.passed_over_more = [(Barrier::Disabled, 1_000)].into();
    *rig.running.outlook.lock().unwrap() = Some(outlook(&rig, vec![many], Vec::new()));
    let page = rig.get(&mut browser, &format!("{PLAN}?model=m")).await;
    assert_eq!(page.page().matches("longest unused").count(), 50);
    for told in ["and 257 more to be asked", "subscription has ended: 1125", "does not serve the model: 125"]
    {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
}

#[tokio::test]
async fn names_and_reasons_are_text() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("owner").await;
    let [one, two, three, ..] = NASTY;
    let mut chain = chain(&rig, [one, two, three]).await;
    for nasty in NASTY {
        for leg in &mut chain.outlook.legs {
            leg.planned.asked.iter_mut().for_each(|asked| nasty.clone_into(&mut asked.why));
            let rests = leg.planned.passed_over.iter_mut().filter_map(|passed| passed.rest.as_mut());
            rests.for_each(|rest| rest.why = nasty.into());
        }
        *rig.running.outlook.lock().unwrap() = Some(chain.outlook.clone());
        let page = rig.get(&mut browser, &format!("{PLAN}?model=m")).await;
        assert!(page.page().contains("&#60;script&#62;alert(1)"), "{}", page.html);
        check(&page.html, PLAN);
    }
}
