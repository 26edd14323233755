//! The sandbox's authorization server: what every test of it needs.

mod code;
mod device;
mod holder;
mod refresh;
mod trouble;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, header};
use posthaste_core::{Egress, Payload, RelayBody, Transport, TransportError};
use posthaste_sandbox::{SANDBOX_BASE_URL, SANDBOX_CLIENT_ID, Sandbox, SandboxOptions};
use posthaste_testkit::FakeClock;
use serde_json::Value;

use crate::asking::text;

/// A sandbox whose clock stands still.
struct Server {
    sandbox: Sandbox,
    clock: Arc<FakeClock>,
}

impl Server {
    fn start() -> Self {
        Self::seeded(0)
    }

    fn seeded(seed: u64) -> Self {
        let clock = Arc::new(FakeClock::default());
        let options = SandboxOptions { clock: clock.clone(), seed, ..SandboxOptions::default() };
        Self { sandbox: Sandbox::new(options), clock }
    }

    async fn send(&self, request: Request<Payload>) -> Response<RelayBody> {
        self.sandbox.send(request, &Egress::default()).await.expect("the sandbox answers")
    }

    async fn get(&self, path_and_query: &str) -> Response<RelayBody> {
        let url = if path_and_query.starts_with("http") {
            path_and_query.to_owned()
        } else {
            [SANDBOX_BASE_URL, path_and_query].concat()
        };
        self.send(Request::get(url).body(Payload::default()).expect("a request")).await
    }

    /// Posts a form and gives status and JSON.
    async fn form(&self, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        read(self.send(form(path, params)).await).await
    }

    /// Asks the token endpoint as the public client.
    async fn token(&self, params: &[(&str, &str)]) -> (u16, Value) {
        self.form("/oauth/token", &with_client(params)).await
    }

    /// The code of a login that somebody consented to, for `scope`.
    async fn code(&self, scope: &str) -> String {
        let response = self.get(&authorize(&[("scope", scope), ("approve", "1")])).await;
        redirected(&response).0.expect("a code")
    }

    /// The tokens of a finished login for `scope`.
    async fn login(&self, scope: &str) -> Value {
        let code = self.code(scope).await;
        let (status, tokens) = self.token(&exchange(&code)).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, tokens: &Value) -> (u16, Value) {
        let refresh_token = tokens["refresh_token"].as_str().expect("a refresh token");
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// The status and error of a call of the API with this bearer token.
    async fn call(&self, path: &str, token: &str) -> (u16, Value) {
        let body = crate::asking::request("hello").to_string();
        let request = Request::post([SANDBOX_BASE_URL, path].concat())
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Payload::from(Bytes::from(body)))
            .expect("a request");
        read(self.send(request).await).await
    }
}

fn form(path: &str, params: &[(&str, &str)]) -> Request<Payload> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    Request::post([SANDBOX_BASE_URL, path].concat())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Payload::from(Bytes::from(body)))
        .expect("a request")
}

/// The authorize URL's path; `params` replace what a good one has, and empty ones leave it out.
fn authorize(params: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", SANDBOX_CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("state", "a state & more"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good.iter().filter(|(name, _)| params.iter().all(|(other, _)| other != name));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .extend_pairs(params.iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    format!("/oauth/authorize?{query}")
}

fn exchange(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

fn with_client<'a>(params: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("client_id", SANDBOX_CLIENT_ID)], params].concat()
}

/// Code, error and state that the browser is sent back with.
fn redirected(response: &Response<RelayBody>) -> (Option<String>, Option<String>, Option<String>) {
    assert_eq!(response.status(), 302);
    let location = response.headers()["location"].to_str().expect("a location in ASCII");
    let url = url::Url::parse(location).expect("a URL");
    assert!(location.starts_with(REDIRECT), "{location}");
    let param =
        |wanted| url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    (param("code"), param("error"), param("state"))
}

async fn read(response: Response<RelayBody>) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_str(&text(response).await).expect("JSON"))
}

/// What breaks in a body.
async fn broken(response: Response<RelayBody>) -> TransportError {
    use http_body_util::BodyExt;
    response.into_body().collect().await.expect_err("a body that breaks")
}

const REDIRECT: &str = "http://127.0.0.1:1455/callback";
/// Of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
