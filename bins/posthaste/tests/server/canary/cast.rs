//! A relay with a secret of every kind, each with a mark of its own, and the world that it talks to.

use std::process::Stdio;

use posthaste_testkit::{Received, Script, ScriptedUpstream, TestProxy};
use serde_json::json;

use super::places::Places;
use crate::support::{Bench, serving};

pub(super) const METRICS_TOKEN: &str = "dummy-CANARY-metrics-token";
pub(super) const STRANGERS_KEY: &str = "cr_dummy-CANARY-strangers-key";
pub(super) const PROMPT: &str = "dummy-CANARY-prompt";
pub(super) const API_KEY: &str = "sk-ant-dummy-CANARY-api-key";
pub(super) const AWS_SECRET: &str = "dummy-CANARY-aws-secret";
pub(super) const PROXY_PASSWORD: &str = "dummy-CANARY-proxy-password";
const WRONG_PROXY_PASSWORD: &str = "dummy-CANARY-wrong-password";
const AWS_TOKEN: &str = "dummy-CANARY-aws-session-token";
const ENTRA_SECRET: &str = "dummy-CANARY-entra-secret";
const ENTRA_TOKEN: &str = "dummy-CANARY-entra-token";
const OAUTH_SECRET: &str = "dummy-CANARY-oauth-client-secret";
const CODE: &str = "dummy-CANARY-authorization-code";
const TOKENS: [&str; 4] = [
    "dummy-CANARY-access-token-1",
    "dummy-CANARY-refresh-token-1",
    "dummy-CANARY-access-token-2",
    "dummy-CANARY-refresh-token-2",
];
const MASTER_KEY: &str = "ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a";

/// Who plays.
pub(super) struct Cast {
    pub(super) bench: Bench,
    /// Serves in Anthropic's dialect; a test may script it.
    pub(super) upstream: ScriptedUpstream,
    /// Serves AWS's and Azure's accounts.
    others: ScriptedUpstream,
    issuer: ScriptedUpstream,
    proxy: TestProxy,
    pub(super) client_key: String,
}

impl Cast {
    pub(super) async fn new() -> Self {
        let upstream = ScriptedUpstream::start(serving).await;
        let others = ScriptedUpstream::start(other_dialects).await;
        let issuer = ScriptedUpstream::start(issue).await;
        let proxy = TestProxy::http(Some(("me", PROXY_PASSWORD))).await;
        let (issuing, proxy_at) = (issuer.base_url(), proxy.proxy().address());
        let bench = Bench::new()
            .with("POSTHASTE_LOG__FILTER", "trace")
            .with("POSTHASTE_SERVER__METRICS_TOKEN", METRICS_TOKEN)
            .with("POSTHASTE_VAULT__MASTER_KEY", MASTER_KEY)
            .with("POSTHASTE_OAUTH__SANDBOX__CLIENT_ID", "dummy-client")
            .with("POSTHASTE_OAUTH__SANDBOX__CLIENT_SECRET", OAUTH_SECRET)
            .with("POSTHASTE_OAUTH__SANDBOX__AUTHORIZE_URL", &format!("{issuing}/authorize"))
            .with("POSTHASTE_OAUTH__SANDBOX__TOKEN_URLS", &format!("{issuing}/token"))
            .with("POSTHASTE_OAUTH__ENTRA__AUTHORITY", &issuing);
        let (base, elsewhere) = (upstream.base_url(), others.base_url());
        let compatible = format!("--preset anthropic-compatible --base-url {base} --api-key {API_KEY}");
        for line in [
            format!("--name key {compatible}"),
            format!("--name proxied --proxy http://me:{PROXY_PASSWORD}@{proxy_at} {compatible}"),
            format!("--name locked-out --proxy http://me:{WRONG_PROXY_PASSWORD}@{proxy_at} {compatible}"),
            format!(
                "--name aws --preset bedrock --region us-east-1 --base-url {elsewhere} --aws-access-key-id \
                 ASIAIOSFODNN7EXAMPLE --aws-secret-access-key {AWS_SECRET} --aws-session-token {AWS_TOKEN}"
            ),
            format!(
                "--name azure --preset azure-openai --base-url {elsewhere} --entra-tenant contoso.example \
                 --entra-client-id 00000000-0000-0000-0000-000000000001 --entra-client-secret {ENTRA_SECRET}"
            ),
        ] {
            bench.cli(&format!("accounts add {line}"));
        }
        let client_key = bench.create_key("team");
        bench.cli("keys update team --capture 2h");
        Self { bench, upstream, others, issuer, proxy, client_key }
    }

    /// Logs an account in through the running relay.
    pub(super) fn log_in(&self, places: &mut Places) {
        let base = self.upstream.base_url();
        let line = format!("accounts login --preset sandbox --name login --base-url {base} --paste --json");
        let mut command = self.bench.command(&line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{CODE}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        places.note(&line, &String::from_utf8_lossy(&output.stdout));
        places.note(&line, &String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{output:?}");
    }

    /// Runs a command, notes what it printed, and gives its exit code.
    pub(super) fn run(&self, line: &str, places: &mut Places) -> Option<i32> {
        let output = self.bench.command(line).output().unwrap();
        for printed in [&output.stdout, &output.stderr] {
            places.note(
                &format!("`{}`", line.split(' ').take(2).collect::<Vec<_>>().join(" ")),
                &String::from_utf8_lossy(printed),
            );
        }
        output.status.code()
    }

    /// Every secret with what it is.
    pub(super) fn secrets(&self) -> Vec<(String, String)> {
        let mut secrets: Vec<_> = [
            ("the metrics token", METRICS_TOKEN),
            ("a stranger's key", "CANARY-strangers-key"),
            ("the prompt", PROMPT),
            ("the API key", API_KEY),
            ("the AWS secret", AWS_SECRET),
            ("the AWS session token", AWS_TOKEN),
            ("Entra's client secret", ENTRA_SECRET),
            ("Entra's token", ENTRA_TOKEN),
            ("the OAuth client's secret", OAUTH_SECRET),
            ("the authorization code", CODE),
            ("the proxy's password", PROXY_PASSWORD),
            ("a wrong password", WRONG_PROXY_PASSWORD),
            ("the master key", MASTER_KEY),
            ("the client key", &self.client_key[3..]),
        ]
        .into_iter()
        .chain(TOKENS.map(|token| ("a token of the login", token)))
        .map(|(label, secret)| (label.to_owned(), secret.to_owned()))
        .collect();
        // As `authorization: Basic` and as bytes they would be as plain.
        let basic = |user: &str, secret: &str| base64(&format!("{user}:{secret}"));
        secrets.push(("the proxy's login".to_owned(), basic("me", PROXY_PASSWORD)));
        secrets.push(("the OAuth client's login".to_owned(), basic("dummy-client", OAUTH_SECRET)));
        let bytes = (0..MASTER_KEY.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&MASTER_KEY[at..at + 2], 16).unwrap());
        secrets.push(("the master key's bytes".to_owned(), bytes.map(char::from).collect()));
        secrets
    }

    /// Nothing was looked for that had not been in use.
    pub(super) fn has_used_every_secret(&self) {
        let told = |server: &ScriptedUpstream| {
            let received = server.received();
            let text = |request: &Received| {
                format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body))
            };
            received.iter().map(text).collect::<String>()
        };
        let (upstream, others, issuer) = (told(&self.upstream), told(&self.others), told(&self.issuer));
        assert!(upstream.contains(API_KEY) && upstream.contains(TOKENS[0]) && upstream.contains(PROMPT));
        assert!(upstream.contains(TOKENS[2]), "the token of the refresh is in use");
        assert!(others.contains(AWS_TOKEN) && others.contains(ENTRA_TOKEN));
        for secret in [CODE, TOKENS[1], TOKENS[3], ENTRA_SECRET] {
            assert!(issuer.contains(secret), "{secret}");
        }
        let basic = base64(&format!("dummy-client:{OAUTH_SECRET}"));
        assert!(issuer.contains(OAUTH_SECRET) || issuer.contains(&basic));
        assert!(!self.proxy.targets().is_empty());
    }
}

/// A token server that rotates once, and then refuses in words that repeat what it was sent.
fn issue(request: &Received) -> Script {
    let body = String::from_utf8_lossy(&request.body);
    let tokens = |access: &str, refresh: &str| {
        Script::json(
            200,
            &json!({"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600}),
        )
    };
    if request.path.ends_with("/oauth2/v2.0/token") {
        return Script::json(
            200,
            &json!({"access_token": ENTRA_TOKEN, "token_type": "Bearer", "expires_in": 3600}),
        );
    }
    match () {
        () if body.contains(CODE) => tokens(TOKENS[0], TOKENS[1]),
        () if body.contains(TOKENS[1]) => tokens(TOKENS[2], TOKENS[3]),
        () => Script::json(
            400,
            &json!({"error": "invalid_grant", "error_description": format!("no {} for {OAUTH_SECRET}: {body}", TOKENS[3])}),
        ),
    }
}

/// Whole answers of Converse, Responses and Chat Completions.
fn other_dialects(request: &Received) -> Script {
    if request.path.starts_with("/model/") {
        return Script::json(
            200,
            &json!({
                "output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 12, "outputTokens": 34, "totalTokens": 46},
                "metrics": {"latencyMs": 1},
            }),
        );
    }
    if request.path.ends_with("/responses") {
        let text = json!({"type": "output_text", "text": "hello", "annotations": []});
        let message = json!({"type": "message", "id": "msg_dummy", "role": "assistant", "status": "completed",
            "content": [text]});
        return Script::json(
            200,
            &json!({
                "id": "resp_dummy", "object": "response", "created_at": 0, "status": "completed", "model": "m",
                "output": [message],
                "usage": {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46},
            }),
        );
    }
    Script::json(
        200,
        &json!({
            "id": "chatcmpl-dummy", "object": "chat.completion", "created": 0, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
        }),
    )
}

/// RFC 4648 §4.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..=chunk.len() {
            encoded.push(char::from(LETTERS[(bits >> (18 - 6 * position) & 63) as usize]));
        }
    }
    while !encoded.len().is_multiple_of(4) {
        encoded.push('=');
    }
    encoded
}
