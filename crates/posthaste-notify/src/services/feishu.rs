//! A custom bot of Feishu (飞书自定义机器人) or Lark.
//!
//! <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>, as read in public copies on 2026-11-27: a rich text
//! (`post`), at most 20 KB a request, 100 messages a minute and 5 a second. With a signing secret the body gets `timestamp`
//! (seconds, at most an hour old) and `sign`, the base64 of HMAC-SHA256 over nothing under the key `timestamp\nsecret`. It
//! answers 200 with `code`.

use http::Request;
use posthaste_core::{Language, Payload};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Delivered, Sending,
    request::{post, signature, target},
    sounds_hasty,
};
use crate::{ChannelError, message::Message};

pub(super) fn request(message: &Message, sending: &Sending<'_>) -> Result<Request<Payload>, ChannelError> {
    let text = message.fitted(MOST_BYTES, str::len, |line| inert(&message.plain(line)));
    // One paragraph a line. Text elements are shown as they are; a mention would be an element of its own.
    let paragraphs: Vec<Value> = text.lines().map(|line| json!([{ "tag": "text", "text": line }])).collect();
    let language = match message.language {
        Language::English => "en_us",
        Language::Chinese => "zh_cn",
    };
    let post_body = json!({ language: { "title": inert(&message.title()), "content": paragraphs } });
    let mut body = json!({ "msg_type": "post", "content": { "post": post_body } });
    if let Some(key) = &sending.opened.key {
        let seconds = sending.now.as_secs().to_string();
        let sign = signature(format!("{seconds}\n{}", key.expose()).as_bytes(), &[]);
        body["timestamp"] = seconds.into();
        body["sign"] = sign.into();
    }
    post(&target(sending)?, &body)
}

/// Plain texts of theirs know a tag that calls people; this is none, but nobody shall rely on that.
fn inert(text: &str) -> String {
    text.replace("<at", "＜at")
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    #[derive(Deserialize)]
    struct Told {
        code: Option<i64>,
        /// What the first version of such bots has instead.
        #[serde(rename = "StatusCode")]
        status_code: Option<i64>,
        #[serde(default)]
        msg: String,
    }
    let told = answer.json::<Told>();
    let code = told.as_ref().and_then(|told| told.code.or(told.status_code));
    let (Some(Told { msg, .. }), Some(code)) = (told, code) else { return answer.by_status_without_word() };
    let why = format!("Feishu answered {code}: {}", answer.said(&msg));
    match code {
        0 => Delivered::Yes,
        // Too many messages.
        11_232 | 99_991_400 => Delivered::again(why, answer.retry_after()),
        19_021 => Delivered::refused(format!(
            "{why} (the signing secret is not the bot's, or this machine's clock is wrong)"
        )),
        19_022 => Delivered::refused(format!("{why} (the bot does not take messages from this address)")),
        19_024 => Delivered::refused(format!("{why} (the bot asks for a word that is not in the message)")),
        _ if sounds_hasty(&msg) => Delivered::again(why, answer.retry_after()),
        _ => Delivered::refused(why),
    }
}

/// Of the text; the rest of the request needs some of the 20 KB as well, each line about 30 bytes.
const MOST_BYTES: usize = 8_000;

#[cfg(test)]
mod tests {
    use crate::services::request::signature;

    /// Made with the vendor's published Python example, not with this code.
    #[test]
    fn the_signature_is_the_vendors() {
        let sign = signature(b"1790000000\nSEC-dummy-secret", &[]);
        assert_eq!(sign, "wRPee6SgExaD0D8G3MydcsQH2m3QYLERIUgvzVYqi54=");
    }
}
