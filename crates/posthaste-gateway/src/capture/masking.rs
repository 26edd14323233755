//! Taking secrets and media out of a text.
//!
//! It knows what secrets look like, so it misses what looks like none, and takes some for secrets that are none.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

/// A text without what looks like a secret, and without long runs of base64.
pub(crate) fn mask(text: &str) -> String {
    let text = without_media(text);
    let mut text = Cow::Owned(text);
    for rule in &*RULES {
        // What a rule calls `kept` tells what was masked.
        let masked = rule.replace_all(&text, |found: &Captures<'_>| {
            format!("{}[masked]", found.name("kept").map_or("", |kept| kept.as_str()))
        });
        if let Cow::Owned(masked) = masked {
            text = Cow::Owned(masked);
        }
    }
    text.into_owned()
}

/// Puts a note in the place of each long run of base64, be it media, sealed thoughts or a signature.
fn without_media(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut kept = String::with_capacity(text.len().min(64 * 1024));
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let length = run(&bytes[at..]);
        if length >= SHORTEST_MEDIA {
            kept.push_str(&text[start..at]);
            kept.push_str(&format!("[base64, {length} characters]"));
            start = at + length;
        }
        // Past the run and what ended it; a run ends at a character's border, since it is ASCII.
        at += length + 1;
    }
    kept.push_str(&text[start.min(text.len())..]);
    kept
}

/// How many bytes of base64 a text begins with, in either alphabet, with slashes as JSON may write them.
fn run(bytes: &[u8]) -> usize {
    let in_alphabet =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            byte if in_alphabet(byte) => at += 1,
            b'\\' if bytes.get(at + 1) == Some(&b'/') => at += 2,
            _ => break,
        }
    }
    at
}

/// Longer than any key of a vendor, and than words of any language.
const SHORTEST_MEDIA: usize = 256;

static RULES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let rules = [
        // Private keys, whole.
        r"(?P<kept>-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.)*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
        // What is called a secret: members, settings, headers, form fields.
        concat!(
            r#"(?P<kept>(?i-u:[a-z0-9_.-]*(?:secret|passwd|password|api[_-]?key|access[_-]?key|private[_-]?key|"#,
            r#"authorization|cookie|(?:auth|access|refresh|id|session|security|bearer)[_-]?token)[a-z0-9_-]*)"#,
            r#"\\*["']?[ \t]*[:=][ \t]*\\*["']?(?i-u:(?:basic|bearer|digest|token)[ \t]+)?)[^"' \t\r\n,;&{}\[\]\\]{4,}"#
        ),
        r"(?P<kept>(?i-u:\bbearer)(?:[ \t]|%20|\+)+)[A-Za-z0-9._~+/=-]{8,}",
        // Names and passwords within addresses.
        r"(?P<kept>://[^/ \t\r\n:@]{1,100}:)[^/ \t\r\n@]{1,200}@",
        // Tokens that tell by themselves.
        r"(?P<kept>\beyJ)[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
        r"(?P<kept>\bsk-)[A-Za-z0-9_-]{8,}",
        r"(?P<kept>\b(?:sk|rk|pk)_(?:live|test)_)[A-Za-z0-9]{8,}",
        r"(?P<kept>\bcr_)[A-Za-z0-9_-]{8,}",
        r"(?P<kept>\b[A-Za-z][A-Za-z0-9]{0,15}_)[0-9a-f]{64}\b",
        r"(?P<kept>\bAIza)[A-Za-z0-9_-]{16,}",
        r"(?P<kept>\bya29\.)[A-Za-z0-9_.-]{8,}",
        r"(?P<kept>\b(?:AKIA|ASIA|ABIA|ACCA))[A-Z0-9]{12,}",
        r"(?P<kept>\b(?:gh[pousr]_|github_pat_|glpat-|hf_|npm_|xox[abeprs]-))[A-Za-z0-9_-]{8,}",
    ];
    rules
        .iter()
        .map(|rule| Regex::new(&rule.replace(r"\b", r"(?-u:\b)")).expect("the rules are tested"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked_wherever_it_stands() {
        let hex = "0123456789abcdef".repeat(4);
        for secret in [
            "sk-ant-api03-dummyCANARY_0-9".to_owned(),
            "sk-proj-dummyCANARY".to_owned(),
            format!("cr_{hex}"),
            format!("relay_{hex}"),
            "AIzaSyDummyCANARYDummyCANARYDummy".to_owned(),
            "ya29.dummyCANARY-dummy".to_owned(),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "ASIAIOSFODNN7EXAMPLE".to_owned(),
            "ghp_dummyCANARYdummyCANARY".to_owned(),
            "github_pat_dummyCANARY_dummy".to_owned(),
            "xoxb-dummy-CANARY-1".to_owned(),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkdW1teSJ9.dummyCANARY".to_owned(),
        ] {
            for text in [
                secret.clone(),
                format!("my key is {secret}, keep it"),
                format!("{{\"content\":\"export KEY={secret}\\nrun\"}}"),
                format!("{{\\\"nested\\\":\\\"{secret}\\\"}}"),
                format!("https://vendor.example/v1?key={secret}&x=1"),
            ] {
                let masked = mask(&text);
                assert!(!masked.contains(&secret[secret.len() - 8..]), "{masked}");
                assert!(masked.contains("[masked]"), "{masked}");
            }
        }
    }

    #[test]
    fn what_is_called_a_secret_is_masked() {
        for text in [
            "Authorization: Basic ZHVtbXk6Q0FOQVJZ",
            "authorization: Bearer CANARY-canary",
            "then send `Bearer CANARY.canary~dummy/+=` along",
            "{\"aws_secret_access_key\": \"CANARY/dummy+canary\"}",
            "{\"api_key\":\"CANARY\"}",
            r#"{"arguments":"{\"password\":\"CANARY!\"}"}"#,
            "AWS_SESSION_TOKEN='CANARY'",
            "DB_PASSWORD=CANARY\n",
            "client_secret=CANARY&grant_type=x",
            "x-api-key: CANARY",
            "Set-Cookie: CANARY=1",
            "postgres://me:CANARY@db.example/x",
            "-----BEGIN RSA PRIVATE KEY-----\nCANARY\nCANARY\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\\nCANARY and no end",
        ] {
            let masked = mask(text);
            assert!(!masked.contains("CANARY") && !masked.contains("Q0FOQVJZ"), "{masked}");
            assert!(masked.contains("[masked]"), "{masked}");
        }
    }

    #[test]
    fn plain_words_stay() {
        for text in [
            r#"{"model":"claude-sonnet-4-5","max_tokens":64,"messages":[{"role":"user","content":"hello 🦀"}]}"#,
            r#"{"properties":{"password":{"type":"string"},"max_output_tokens":5}}"#,
            "the risk-averse desk-bound task; scr_image_of_something; total_tokens: 512",
            "https://vendor.example/a:b/c@d",
            "",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn media_become_a_note_of_their_size() {
        let picture = "iVBORw0KGgo/+A".repeat(100);
        let escaped = picture.replace('/', "\\/");
        for (media, length) in [(&picture, 1_400), (&escaped, 1_500)] {
            let text = format!("{{\"url\":\"data:image/png;base64,{media}==\",\"text\":\"ü🦀 hello\"}}");
            let note = format!("[base64, {} characters]", length + 2);
            assert_eq!(
                mask(&text),
                format!("{{\"url\":\"data:image/png;base64,{note}\",\"text\":\"ü🦀 hello\"}}")
            );
        }
        assert_eq!(mask(&"A".repeat(256)), "[base64, 256 characters]");
        assert_eq!(mask(&"A".repeat(255)), "A".repeat(255));
    }
}
