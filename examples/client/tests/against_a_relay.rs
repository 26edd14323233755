//! The client at a running relay, and what it takes for granted against the relay's own description.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use posthaste::{
    Config,
    config::{Flag, Sources, Strings},
    running::Running,
    wiring,
};
use posthaste_admin::{Actor, TokenInput};
use posthaste_core::Area;
use posthaste_example_client::{
    Call, Client, CreatedKey, Error, Failure, Key, KeyChange, Limit, NewKey, Page, Usage, Window, calls,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A relay in this process, with a token for it.
struct Relay {
    base: String,
    token: String,
    stop: CancellationToken,
    serving: JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

struct Nothing;

impl Strings for Nothing {
    fn vars(&self) -> Vec<(String, Option<String>)> {
        Vec::new()
    }
}

impl Relay {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flag = |path, value: &str| Flag { name: "test", path, value: value.to_owned() };
        let flags = [
            flag("data.dir", folder.path().join("data").to_str().unwrap()),
            flag("server.listen", "127.0.0.1:0"),
            flag("server.events_listen", "off"),
        ];
        let config = Config::read(&Sources { file: None, env: &Nothing, flags: &flags }).unwrap();
        let running = Running::start(&config, None, wiring::transport(&config).unwrap()).await.unwrap();
        let base = format!("http://{}", running.address);
        let scopes = vec![Area::Keys.write(), Area::Usage.read()];
        let input = TokenInput { name: "example".to_owned(), scopes, lasts_seconds: None };
        let made = running.admin.tokens().create(&Actor::machine(), input).await.unwrap();
        let token = made.token.secret().expose().to_owned();
        let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
        let told = stop.clone();
        let serving =
            tokio::spawn(async move { running.until(async move { told.cancelled().await }, &cut).await });
        Self { base, token, stop, serving, _folder: folder }
    }

    fn client(&self) -> Client {
        Client::new(&self.base, &self.token).unwrap()
    }

    /// An answer as it comes.
    async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_changed_as_they_were_read() {
    let relay = Relay::start().await;
    let client = relay.client();
    let window = Window { window: "total".to_owned() };
    let limit = Limit { name: "all".to_owned(), unit: "requests".to_owned(), window, amount: 3 };
    let new = NewKey { name: "lap top/é".to_owned(), limits: vec![limit] };
    let made = client.create_key(&new).await;
    // A slash in a name is one of its letters, in a path too.
    let made = made.unwrap();
    assert!(made.key.ends_with(&made.view.hint), "{:?}", made.view);
    let listed = client.keys("lap top", 1, 10).await.unwrap();
    assert_eq!((listed.total, &listed.items[0]), (1, &made.view));
    let read = client.key(&new.name).await.unwrap();
    assert_eq!(read.value, made.view);

    let change = |enabled| KeyChange { enabled: Some(enabled), ..KeyChange::default() };
    let changed = client.update_key(&made.view.id, &change(false), &read.version).await.unwrap();
    assert_eq!((changed.value.state.status.as_str(), changed.value.enabled), ("disabled", false));
    let late = client.update_key(&made.view.id, &change(true), &read.version).await.unwrap_err();
    let Error::Stale { version } = late else { panic!("{late}") };
    assert_eq!(format!("\"{version}\""), changed.version);

    let taken = client.create_key(&new).await.unwrap_err();
    assert!(matches!(&taken, Error::Refused(failure) if failure.error == "conflict"), "{taken}");
    let unfit = client.create_key(&NewKey::default()).await.unwrap_err();
    let Error::Refused(Failure { error, field, .. }) = unfit else { panic!("{unfit}") };
    assert_eq!((error.as_str(), field.as_deref()), ("invalid", Some("name")));
    assert_eq!(client.usage(&["key"]).await.unwrap().totals.attempts, 0);
    let stranger = Client::new(&relay.base, "pht_nobody").unwrap();
    let refused = stranger.keys("", 1, 10).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(failure) if failure.error == "unauthenticated"), "{refused}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_sends_and_reads_is_what_the_relay_describes() {
    let relay = Relay::start().await;
    let client = relay.client();
    let document = Document(relay.get("/admin/openapi.json").await);
    for call in calls::ALL {
        document.has(call);
    }
    let window = Window { window: "total".to_owned() };
    let limit = Limit { name: "all".to_owned(), unit: "requests".to_owned(), window, amount: 3 };
    let new = NewKey { name: "one".to_owned(), limits: vec![limit] };
    document.takes(calls::CREATE_KEY, &new);
    let change = KeyChange { name: Some("one".to_owned()), enabled: Some(true) };
    document.takes(calls::UPDATE_KEY, &change);

    let made = client.create_key(&new).await.unwrap();
    document.tells::<CreatedKey>(calls::CREATE_KEY, &json!(made));
    let key = relay.get("/admin/api-keys/one").await["data"].clone();
    document.tells::<Key>(calls::SHOW_KEY, &key);
    document.tells::<Key>(calls::UPDATE_KEY, &key);
    let listed = relay.get("/admin/api-keys").await["data"].clone();
    document.tells::<Page<Key>>(calls::LIST_KEYS, &listed);
    let mut used = relay.get("/admin/usage?by=key").await["data"].clone();
    // As a row would be: nothing was used yet.
    let mut row = used["totals"].clone();
    row["key"] = json!({ "id": key["id"], "name": "one" });
    used["rows"] = json!([row]);
    document.tells::<Usage>(calls::USAGE, &used);
    let failure = document.0.pointer("/components/schemas/Failure").unwrap();
    let told = json!({ "error": "invalid", "message": "x", "field": "name", "version": 3 });
    document.fits::<Failure>("a failure", failure, &told);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_something_else_for_granted_is_found_out() {
    let relay = Relay::start().await;
    let document = Document(relay.get("/admin/openapi.json").await);
    let unknown = Call { path: "/admin/api-keys/{key}/rename", ..calls::UPDATE_KEY };
    let fails = |check: &dyn Fn()| {
        let check = std::panic::AssertUnwindSafe(check);
        std::panic::catch_unwind(check).is_err()
    };
    assert!(fails(&|| document.has(unknown)));
    assert!(fails(&|| document.has(Call { query: &["pageLength"], ..calls::LIST_KEYS })));
    assert!(fails(&|| document.takes(calls::CREATE_KEY, &json!({ "name": "x", "colour": "red" }))));

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Other {
        id: String,
        colour: String,
    }
    let told = json!({ "id": "x", "colour": "red" });
    assert!(fails(&|| document.tells::<Other>(calls::SHOW_KEY, &told)));
    // Not every key has an end.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Ends {
        disabled_because: String,
    }
    assert!(fails(&|| document.tells::<Ends>(calls::SHOW_KEY, &json!({ "disabled_because": "x" }))));
    relay.stop().await;
}

/// The relay's description.
struct Document(Value);

impl Document {
    fn operation(&self, call: Call) -> &Value {
        let described = &self.0["paths"][call.path][call.method.to_lowercase()];
        assert!(described.is_object(), "{} {} is not described", call.method, call.path);
        described
    }

    /// There is such a request, and its query may hold that.
    fn has(&self, call: Call) {
        let parameters = self.operation(call)["parameters"].as_array().unwrap();
        let named = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
        for name in call.query {
            assert!(named(name), "{} takes no `{name}`", call.path);
        }
        for parameter in parameters.iter().filter(|parameter| parameter["required"] == true) {
            let name = parameter["name"].as_str().unwrap();
            let is_sent = call.path.contains(&format!("{{{name}}}")) || call.query.contains(&name);
            assert!(is_sent, "{} needs `{name}`", call.path);
        }
    }

    /// Its body may be this: nothing that is needed lacks, and nothing is unknown.
    fn takes(&self, call: Call, body: &impl Serialize) {
        let schema = &self.operation(call)["requestBody"]["content"]["application/json"]["schema"];
        let body = json!(body);
        self.known(call.path, schema, &body);
        self.complete(call.path, schema, &body);
    }

    /// Its answer has what is read of it, and always has what cannot lack.
    fn tells<T: Serialize + DeserializeOwned>(&self, call: Call, data: &Value) {
        let answer = &self.operation(call)["responses"]["200"]["content"]["application/json"]["schema"];
        self.fits::<T>(call.path, &answer["properties"]["data"], data);
    }

    fn fits<T: Serialize + DeserializeOwned>(&self, place: &str, schema: &Value, data: &Value) {
        let read = json!(serde_json::from_value::<T>(data.clone()).unwrap());
        self.known(place, schema, &read);
        // What it cannot do without.
        for path in paths(&read, "") {
            let mut without = data.clone();
            let Some((parent, name)) = path.rsplit_once('/') else {
                continue;
            };
            without.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(name).unwrap();
            if serde_json::from_value::<T>(without).is_err() {
                let within = self.at(schema, parent);
                let needed = within.iter().flat_map(|schema| schema["required"].as_array()).flatten();
                assert!(needed.into_iter().any(|known| known == name), "{place}: {path} may lack");
            }
        }
    }

    /// Every field is described.
    fn known(&self, place: &str, schema: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let found = self.field(schema, name);
                    assert!(!found.is_empty(), "{place}: there is no `{name}`");
                    if !value.is_null() {
                        assert!(
                            found.iter().any(|schema| self.is_known(schema, value)),
                            "{place}: `{name}` is none of {found:?}"
                        );
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    let found: Vec<_> =
                        self.parts(schema).into_iter().map(|schema| &schema["items"]).collect();
                    assert!(found.iter().any(|schema| self.is_known(schema, item)), "{place}: {item}");
                }
            }
            _ => {}
        }
    }

    fn is_known(&self, schema: &Value, value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().all(|(name, value)| {
                let found = self.field(schema, name);
                !found.is_empty()
                    && (value.is_null() || found.iter().any(|schema| self.is_known(schema, value)))
            }),
            Value::Array(items) => items
                .iter()
                .all(|item| self.parts(schema).iter().any(|schema| self.is_known(&schema["items"], item))),
            other => self.parts(schema).iter().any(|schema| is_type(schema, other)),
        }
    }

    /// Nothing that is needed lacks.
    fn complete(&self, place: &str, schema: &Value, value: &Value) {
        let Value::Object(fields) = value else { return };
        for part in self.parts(schema).iter().filter(|part| part["properties"].is_object()) {
            for name in part["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().unwrap()), "{place} needs {name}");
            }
        }
    }

    /// What is described of a field.
    fn field<'a>(&'a self, schema: &'a Value, name: &str) -> Vec<&'a Value> {
        let parts = self.parts(schema).into_iter();
        parts.filter_map(|part| part["properties"].get(name)).collect()
    }

    /// What is described at a place within.
    fn at<'a>(&'a self, schema: &'a Value, path: &str) -> Vec<&'a Value> {
        let mut found = self.parts(schema);
        for name in path.split('/').skip(1) {
            let within = |part: &&'a Value| match name.parse::<usize>() {
                Ok(_) => Some(&part["items"]).filter(|items| items.is_object()),
                Err(_) => part["properties"].get(name),
            };
            found = found.iter().filter_map(within).flat_map(|schema| self.parts(schema)).collect();
        }
        found
    }

    /// A schema with those that it refers to, and those of which it is any, one or all.
    fn parts<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let mut parts = vec![schema];
        if let Some(name) = schema["$ref"].as_str() {
            parts.extend(self.parts(self.0.pointer(name.trim_start_matches('#')).unwrap()));
        }
        for kind in ["anyOf", "oneOf", "allOf"] {
            for part in schema[kind].as_array().into_iter().flatten() {
                parts.extend(self.parts(part));
            }
        }
        parts
    }
}

fn is_type(schema: &Value, value: &Value) -> bool {
    let name = match value {
        Value::Bool(_) => "boolean",
        Value::String(_) => "string",
        Value::Number(_) => "integer",
        _ => return false,
    };
    let told = &schema["type"];
    told == name
        || told.as_array().is_some_and(|types| types.iter().any(|told| told == name))
        || schema["const"] == *value
        || schema["enum"].as_array().is_some_and(|values| values.contains(value))
}

/// Where something stands within a value, deep ones too.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let each: Vec<(String, &Value)> = match value {
        Value::Object(fields) => named(fields),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let mut paths = Vec::new();
    for (name, value) in each {
        let path = format!("{at}/{name}");
        paths.extend(paths_below(value, &path));
        if at.is_empty() || !name.chars().all(|c| c.is_ascii_digit()) {
            paths.push(path);
        }
    }
    paths
}

fn paths_below(value: &Value, at: &str) -> Vec<String> {
    if value.is_object() || value.is_array() { paths(value, at) } else { Vec::new() }
}

fn named(fields: &Map<String, Value>) -> Vec<(String, &Value)> {
    fields.iter().map(|(name, value)| (name.clone(), value)).collect()
}
