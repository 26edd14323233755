//! How services' answers are read.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use rstest::rstest;

use super::*;

fn judged(service: &ChannelKind, status: u16, body: &str) -> Delivered {
    let (status, headers) = (StatusCode::from_u16(status).unwrap(), HeaderMap::new());
    judge(service, &Answer { status, headers: &headers, body: body.as_bytes(), redact: &str::to_owned })
}

/// `y` taken, `a` again, `r` refused.
fn letter(delivered: &Delivered) -> char {
    match delivered {
        Delivered::Yes => 'y',
        Delivered::Again { .. } => 'a',
        Delivered::Refused { .. } => 'r',
    }
}

#[rstest]
#[case::wecom_ok(ChannelKind::WeCom, 200, r#"{"errcode":0,"errmsg":"ok"}"#, 'y')]
#[case::wecom_too_many(ChannelKind::WeCom, 200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, 'a')]
#[case::wecom_bad_key(ChannelKind::WeCom, 200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, 'r')]
#[case::wecom_a_page(ChannelKind::WeCom, 200, "<html>sign in</html>", 'r')]
#[case::wecom_down(ChannelKind::WeCom, 502, "<html>bad gateway</html>", 'a')]
#[case::wecom_hasty_by_word(
    ChannelKind::WeCom,
    200,
    r#"{"errcode":1,"errmsg":"api freq out of limit"}"#,
    'a'
)]
#[case::dingtalk_hasty_by_word(
    ChannelKind::DingTalk,
    200,
    r#"{"errcode":1,"errmsg":"send too fast, exceed 20 times per minute"}"#,
    'a'
)]
#[case::feishu_hasty_by_word(ChannelKind::Feishu, 200, r#"{"code":1,"msg":"Frequency limited"}"#, 'a')]
#[case::dingtalk_ok(ChannelKind::DingTalk, 200, r#"{"errcode":0,"errmsg":"ok"}"#, 'y')]
#[case::dingtalk_sign(ChannelKind::DingTalk, 200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, 'r')]
#[case::dingtalk_too_many(ChannelKind::DingTalk, 200, r#"{"errcode":130101,"errmsg":"send too fast"}"#, 'a')]
#[case::feishu_ok(ChannelKind::Feishu, 200, r#"{"code":0,"msg":"success","StatusCode":0}"#, 'y')]
#[case::feishu_first_version(ChannelKind::Feishu, 200, r#"{"StatusCode":0,"StatusMessage":"success"}"#, 'y')]
#[case::feishu_nothing(ChannelKind::Feishu, 200, "{}", 'r')]
#[case::feishu_sign(ChannelKind::Feishu, 200, r#"{"code":19021,"msg":"sign match fail"}"#, 'r')]
#[case::feishu_too_many(ChannelKind::Feishu, 200, r#"{"code":11232,"msg":"frequency limited"}"#, 'a')]
#[case::slack_ok(ChannelKind::Slack, 200, "ok", 'y')]
#[case::slack_gone(ChannelKind::Slack, 404, "no_service", 'r')]
#[case::slack_too_many(ChannelKind::Slack, 429, "rate_limited", 'a')]
#[case::discord_ok(ChannelKind::Discord, 204, "", 'y')]
#[case::discord_gone(ChannelKind::Discord, 404, r#"{"message":"Unknown Webhook","code":10015}"#, 'r')]
#[case::bark_ok(bark(), 200, r#"{"code":200,"message":"success","timestamp":1}"#, 'y')]
#[case::bark_no_device(bark(), 400, r#"{"code":400,"message":"failed to get device token"}"#, 'r')]
#[case::bark_in_the_body(bark(), 200, r#"{"code":500,"message":"push failed"}"#, 'a')]
#[case::telegram_ok(telegram(), 200, r#"{"ok":true,"result":{}}"#, 'y')]
#[case::telegram_no_chat(
    telegram(),
    400,
    r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
    'r'
)]
#[case::telegram_in_the_body(telegram(), 200, r#"{"ok":false,"description":"no"}"#, 'r')]
#[case::webhook_ok(ChannelKind::Webhook, 202, "", 'y')]
#[case::webhook_moved(ChannelKind::Webhook, 302, "", 'r')]
#[case::webhook_busy(ChannelKind::Webhook, 503, "", 'a')]
fn answers_are_read_as_the_service_means_them(
    #[case] service: ChannelKind,
    #[case] status: u16,
    #[case] body: &str,
    #[case] expected: char,
) {
    let delivered = judged(&service, status, body);
    assert_eq!(letter(&delivered), expected, "{delivered:?}");
}

#[test]
fn services_say_how_long_they_want_to_be_left_alone() {
    let after = |delivered: Delivered| match delivered {
        Delivered::Again { after, .. } => after,
        other => panic!("{other:?}"),
    };
    let body =
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":31}}"#;
    assert_eq!(after(judged(&telegram(), 429, body)), Some(Duration::from_secs(31)));
    let body = r#"{"message":"You are being rate limited.","retry_after":2.5,"global":false}"#;
    assert_eq!(after(judged(&ChannelKind::Discord, 429, body)), Some(Duration::from_millis(2_500)));
    let headers = HeaderMap::from_iter([(header::RETRY_AFTER, "30".parse().unwrap())]);
    let status = StatusCode::TOO_MANY_REQUESTS;
    let answer = Answer { status, headers: &headers, body: b"", redact: &str::to_owned };
    let slack = judge(&ChannelKind::Slack, &answer);
    assert_eq!(after(slack), Some(Duration::from_secs(30)));
    let body =
        r#"{"ok":false,"error_code":400,"description":"upgraded","parameters":{"migrate_to_chat_id":-1002}}"#;
    let moved = judged(&telegram(), 400, body);
    assert!(matches!(&moved, Delivered::Refused { why } if why.contains("-1002")), "{moved:?}");
}

#[test]
fn what_a_strangers_program_says_is_not_repeated() {
    let delivered = judged(&ChannelKind::Webhook, 400, "canary");
    assert!(!format!("{delivered:?}").contains("canary"));
}

#[test]
fn a_secret_that_a_service_repeats_is_not_even_shown_in_part() {
    let opened = Opened::new(&channel(ChannelKind::Slack, HOOK, None), &Plain).unwrap();
    let redact = |text: &str| opened.redact(text);
    for service in services() {
        for before in 150..220 {
            let said = format!("{} {HOOK}", "x".repeat(before));
            let body = match service.service {
                ChannelKind::Slack => said,
                _ => serde_json::json!({
                    "errcode": 1, "errmsg": said, "code": 400, "msg": said, "message": said, "ok": false, "description": said,
                })
                .to_string(),
            };
            let (status, headers) = (StatusCode::BAD_REQUEST, HeaderMap::new());
            let answer = Answer { status, headers: &headers, body: body.as_bytes(), redact: &redact };
            let delivered = format!("{:?}", judge(&service.service, &answer));
            assert!(!delivered.contains("dummy"), "{}: {delivered}", service.service.as_str());
        }
    }
}
