//! A request's page: the reasons for how it went, in the reader's language.

use std::time::Duration;

use posthaste_core::{
    AccountId, AskedAccount, Barrier, CheckedLimit, ClientKeyId, Clock, CooldownReason, Dialect, LimitUnit,
    ModelName, Operation, Packing, PassedOver, PlannedLeg, RequestId, RequestPlan, RequestRecord,
    RequestSteps, Rest, Stop, StopEnd, Strategy, Timestamp,
};
use posthaste_storage::KeptRequest;

use crate::support::{Browser, Rig};

/// A request that one account refused and nobody else could serve.
fn refused(at: Timestamp) -> RequestRecord {
    let account = AccountId::generate();
    let rest = Rest {
        reason: CooldownReason::Overloaded,
        until: at.plus(Duration::from_secs(600)),
        why: "try later".into(),
    };
    let leg = PlannedLeg {
        model: ModelName::parse("claude-sonnet-5").unwrap(),
        pool: None,
        strategy: Strategy::LowestCost,
        asked: vec![AskedAccount { account, why: "costs 3400000 nano-dollars".to_owned() }],
        asked_more: 0,
        passed_over: vec![
            PassedOver { account: AccountId::generate(), barrier: Barrier::Rests, rest: Some(rest.clone()) },
            PassedOver { account: AccountId::generate(), barrier: Barrier::ModelNotServed, rest: None },
        ],
        passed_over_more: [(Barrier::Disabled, 4)].into(),
    };
    let stop = Stop {
        account,
        leg: 0,
        attempt: None,
        began_us: 100,
        ready_us: None,
        sent_us: None,
        head_us: None,
        content_us: None,
        ended_us: Some(200),
        end: StopEnd::AtItsLimit,
        rest: Some(rest),
        limits: Vec::new(),
    };
    RequestRecord {
        id: RequestId::generate(),
        received_at: at,
        key_id: ClientKeyId::generate(),
        dialect: Dialect::AnthropicMessages,
        packing: Packing::Plain,
        operation: Operation::Chat,
        streamed: false,
        pinned: None,
        model: ModelName::parse("claude-sonnet-5").unwrap(),
        prompt_bytes: 12,
        revision: 1,
        conversation: None,
        answer_home: None,
        repaired: None,
        estimated: None,
        limits: vec![CheckedLimit {
            name: "money".to_owned(),
            unit: LimitUnit::Cost,
            reserved: Some(1),
            used: 7_000_000_000,
            limit: 9_000_000_000,
            shadow: false,
            resets_at: None,
        }],
        rounds: 1,
        plans: vec![RequestPlan { round: 1, legs: vec![leg] }],
        stops: vec![stop],
        more_stops: 0,
        steps: RequestSteps { ended_us: 300, ..RequestSteps::default() },
        status: Some(529),
        fault: None,
        bodies_missed: false,
    }
}

#[tokio::test]
async fn reasons_are_given_in_the_language_of_the_page() {
    let rig = Rig::with_people().await;
    let record = refused(rig.clock.now());
    let page = format!("/admin-next/requests/{}", record.id);
    let kept = KeptRequest { record, bodies: None };
    rig.stores.requests.put(&[kept], Duration::from_secs(3_600)).await.unwrap();
    let browser = rig.logged_in("owner").await;
    for (language, parts) in [
        (
            "en",
            [
                "costs $0.0034",
                "the vendor has too much to do: try later",
                "does not serve the model",
                "subscription has ended: 4",
                "at a limit of its own",
                "whoever costs least for the model",
                "an answer to a conversation, Anthropic Messages",
                "<td>cost</td>",
                "$7.00",
            ],
        ),
        (
            "zh-CN",
            [
                "费用 $0.0034",
                "供应商负载过高: try later",
                "不提供该模型",
                "订阅已结束: 4",
                "已达自身限额",
                "费用最低",
                "对话回答, Anthropic Messages",
                "<td>费用</td>",
                "$7.00",
            ],
        ),
    ] {
        let mut browser = Browser { language, ..browser.clone() };
        let shown = rig.get(&mut browser, &page).await;
        for part in parts {
            assert!(shown.page().contains(part), "{part}: {}", shown.html);
        }
    }
}
