//! Marked secrets run through everything, and are then looked for everywhere.

mod cast;
mod operators;
mod places;

use posthaste_testkit::{Script, anthropic_error};
use serde_json::{Value, json};

use self::{
    cast::{Cast, PROMPT, STRANGERS_KEY},
    places::{BODIES, Places},
};
use crate::support::{Server, streamed, whole};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_outside_of_its_place() {
    let cast = Cast::new().await;
    let mut places = Places::default();
    let server = cast.bench.serve();
    cast.log_in(&mut places);

    // Before any upstream is told to fail.
    let codes = cast.try_accounts_out(&mut places);
    assert_eq!(codes, [0, 0, 0, 0, 0, 1], "only the wrong password is refused");
    cast.talk(&server, &mut places).await;
    refresh_until_refused(&cast, &mut places);
    cast.talk(&server, &mut places).await;

    let operators = cast.operate(&server, &mut places).await;
    cast.look_around(&server, &mut places).await;
    places.note_files("while it runs", &cast.bench.data());
    assert!(places.names().any(|name| name.ends_with("posthaste.db-wal")), "the store is looked at");
    let log = server.log();
    assert!(log.contains("TRACE") && log.contains("outcome=\"complete\""), "the log is on");
    places.note("log", &log);
    server.stop().await;
    // Without a relay the commands open the store themselves.
    cast.try_accounts_out(&mut places);
    places.note_files("after its end", &cast.bench.data());

    cast.has_used_every_secret();
    for (label, secret) in cast.secrets().into_iter().chain(operators.secrets()) {
        places.hold_no(&label, &secret);
    }
}

/// A refresh with rotation, then one that the issuer refuses in words that repeat what it was sent.
fn refresh_until_refused(cast: &Cast, places: &mut Places) {
    let codes = ["--json", ""].map(|flag| cast.run(&format!("accounts refresh login {flag}"), places));
    assert_eq!(codes, [Some(0), Some(1)]);
    cast.run("accounts refresh login --json", places);
}

impl Cast {
    /// Clients of all sorts, and upstreams that fail in each way.
    async fn talk(&self, server: &Server, places: &mut Places) {
        let client = server.client();
        let mut ask = async |url: String, secret: &str, body: String| {
            let request = http::Request::post(format!("{}{url}", server.base)).header("x-api-key", secret);
            let request = request.body(posthaste_core::Payload::from(bytes::Bytes::from(body))).unwrap();
            let answer = client.send(request).await.unwrap();
            let head = format!("{} {:?}\n", answer.status, answer.headers);
            places.note("answers", &(head + answer.text().await.unwrap_or_default().as_str()));
        };
        let key = &self.client_key;
        // People paste their keys.
        let prompt = |mut body: Value| {
            body["messages"][0]["content"] = json!(format!("{PROMPT} {key}, api_key={}", cast::API_KEY));
            body.to_string()
        };
        for url in [
            "/v1/messages".to_owned(),
            "/openai/v1/chat/completions".to_owned(),
            format!("/v1/messages?key={key}"),
        ] {
            // Often enough for every account to be asked.
            for body in [prompt(whole()), prompt(streamed())].iter().cycle().take(8) {
                ask(url.clone(), key, body.clone()).await;
                ask(url.clone(), STRANGERS_KEY, body.clone()).await;
            }
            ask(url.clone(), key, format!("{{\"model\":\"m\",\"x\": {PROMPT}")).await;
            ask(url.clone(), key, json!({"model": "nobody-serves-this", "messages": PROMPT}).to_string())
                .await;
        }
        ask(format!("/nowhere?key={key}"), key, prompt(whole())).await;
        for script in [
            Script::json(401, &anthropic_error("authentication_error", "invalid x-api-key")),
            Script::hang_up(),
            Script::json(400, &anthropic_error("invalid_request_error", "no")),
            Script::raw("garbage"),
            Script::json(500, &anthropic_error("api_error", "no")),
            Script::json(200, &json!({"nonsense": true})),
        ] {
            self.upstream.enqueue(script);
            ask("/v1/messages".to_owned(), key, prompt(whole())).await;
        }
    }

    /// Every account's test; gives the exit codes.
    fn try_accounts_out(&self, places: &mut Places) -> Vec<i32> {
        let names = ["key", "aws", "azure", "proxied", "login", "locked-out"];
        let mut test = |name: &&str| {
            self.run(&format!("accounts test {name}"), places);
            self.run(&format!("accounts test {name} --json"), places).unwrap()
        };
        names.iter().map(&mut test).collect()
    }

    /// What is told of the requests, their bodies too.
    fn explain(&self, places: &mut Places) {
        let listed = self.bench.cli("requests list --limit 1000");
        places.note("the list of requests", &listed.to_string());
        let requests = listed.as_array().unwrap();
        assert!(requests.len() > 30, "{}", requests.len());
        let mut captured = 0;
        // The latest met upstreams that fail in each way, the first ones all went well.
        for request in requests.iter().take(20).chain(requests.iter().rev().take(3)) {
            let id = request["id"].as_str().unwrap();
            for line in [format!("explain {id}"), format!("explain {id} --json")] {
                assert_eq!(self.run(&line, places), Some(0), "{line}");
            }
            let bodies = &self.bench.cli(&format!("explain {id} --bodies"))["bodies"];
            if bodies["request"]["text"].as_str().is_some_and(|text| text.contains(PROMPT)) {
                captured += 1;
            }
            places.note(BODIES, &bodies.to_string());
        }
        assert!(captured > 10, "{captured}");
    }

    /// What operators and probes see.
    async fn look_around(&self, server: &Server, places: &mut Places) {
        let token = format!("Bearer {}", cast::METRICS_TOKEN);
        let metrics = server.get("/metrics", ("authorization", &token)).await;
        assert_eq!(metrics.status, 200);
        places.note("metrics", &metrics.text().await.unwrap());
        let wrong = server.get("/metrics", ("authorization", &format!("Bearer {STRANGERS_KEY}"))).await;
        places.note("a refusal of metrics", &wrong.text().await.unwrap());
        let health = server.get("/health", ("x-api-key", &self.client_key)).await;
        places.note("health", &health.text().await.unwrap());
        let commands = [
            "accounts list",
            "accounts show aws",
            "accounts show azure",
            "accounts show login",
            "accounts show proxied",
            "keys list",
            "keys show team",
            "keys usage team",
            "status",
            "config show",
            "config check",
        ];
        for command in commands {
            for line in [command.to_owned(), format!("{command} --json")] {
                assert_eq!(self.run(&line, places), Some(0), "{line}");
            }
        }
        self.explain(places);
        // Inputs that are refused are not repeated either.
        for line in [
            format!(
                "accounts update aws --aws-access-key-id {} --aws-secret-access-key x --json",
                cast::AWS_SECRET
            ),
            format!("accounts update proxied --proxy {}", cast::PROXY_PASSWORD),
            format!("accounts update key --api-key {} --auth none", cast::API_KEY),
        ] {
            assert_eq!(self.run(&line, places), Some(2), "{line}");
        }
    }
}
