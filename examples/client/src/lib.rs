//! A typed client of a part of the admin API: client keys and what they used.
//!
//! It knows nothing of the relay but what `/admin/openapi.json` tells; `tests/against_a_relay.rs` compares the two. Tokens for it are
//! made by `posthaste tokens create NAME --scope keys:write --scope usage:read`.
//!
//! ```no_run
//! # async fn run() -> Result<(), posthaste_example_client::Error> {
//! use posthaste_example_client::{Client, KeyChange, NewKey};
//!
//! let client = Client::new("http://127.0.0.1:3001", "pht_…")?;
//! let made = client.create_key(&NewKey { name: "laptop".to_owned(), limits: vec![] }).await?;
//! let read = client.key(&made.view.id).await?;
//! let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
//! match client.update_key(&read.value.id, &change, &read.version).await {
//!     Err(posthaste_example_client::Error::Stale { version, .. }) => println!("it is at version {version} by now"),
//!     done => println!("{:?}", done?.value.state),
//! }
//! # Ok(()) }
//! ```

mod types;

pub use types::{
    CreatedKey, Failure, Key, KeyChange, KeyState, Limit, Named, NewKey, Page, Totals, Usage, UsageRow,
    Window,
};

use reqwest::{
    Method, RequestBuilder, Response,
    header::{AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_MATCH},
};
use serde::{Deserialize, de::DeserializeOwned};

/// A request that the client makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its method.
    pub method: &'static str,
    /// Its path, as the description writes it.
    pub path: &'static str,
    /// What may stand in its query.
    pub query: &'static [&'static str],
}

/// Every request that the client makes.
pub mod calls {
    use super::Call;

    /// Client keys, page by page.
    pub const LIST_KEYS: Call =
        Call { method: "GET", path: "/admin/api-keys", query: &["page", "pageSize", "search"] };
    /// Make one.
    pub const CREATE_KEY: Call = Call { method: "POST", path: "/admin/api-keys", query: &[] };
    /// One.
    pub const SHOW_KEY: Call = Call { method: "GET", path: "/admin/api-keys/{key}", query: &[] };
    /// Change one.
    pub const UPDATE_KEY: Call = Call { method: "PUT", path: "/admin/api-keys/{key}", query: &[] };
    /// What was used.
    pub const USAGE: Call = Call { method: "GET", path: "/admin/usage", query: &["by"] };

    /// All of them.
    pub const ALL: [Call; 5] = [LIST_KEYS, CREATE_KEY, SHOW_KEY, UPDATE_KEY, USAGE];
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The relay cannot be reached, or its answer is none.
    #[error("the relay cannot be asked")]
    Transport(#[from] reqwest::Error),
    /// The token cannot stand in a header.
    #[error("the token is no token")]
    Token,
    /// The record was changed since it was read.
    #[error("the record is at version {version} by now; read it and decide anew")]
    Stale {
        /// Its version now.
        version: u64,
    },
    /// The relay refused.
    #[error("{}", .0.message)]
    Refused(Failure),
    /// The relay answered something else than its description says.
    #[error("the relay's answer has {0}")]
    Unexpected(&'static str),
}

/// A record with the version that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub value: T,
    /// What its change is to send as `If-Match`.
    pub version: String,
}

/// The admin API of a relay.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// At an address such as `http://127.0.0.1:3001`, with an API token. Over a network use `https://` and a feature of
    /// reqwest's for TLS.
    ///
    /// # Errors
    /// [`Error::Token`] for what cannot be sent.
    pub fn new(base: &str, token: &str) -> Result<Self, Error> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Token)?;
        // So that it is printed nowhere.
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let http = reqwest::Client::builder().default_headers(headers).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// A page of the client keys whose name, id or tags have this text; all for an empty one.
    ///
    /// # Errors
    /// [`Error::Refused`] where the token may not.
    pub async fn keys(&self, search: &str, page: u32, page_size: u32) -> Result<Page<Key>, Error> {
        let (page, page_size) = (page.to_string(), page_size.to_string());
        let query = [("search", search), ("page", &page), ("pageSize", &page_size)];
        answer(self.request(calls::LIST_KEYS, "").query(&query).send().await?).await.map(|read| read.0)
    }

    /// Makes a client key. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::Refused`] for an input that cannot be taken, or a name that is taken.
    pub async fn create_key(&self, new: &NewKey) -> Result<CreatedKey, Error> {
        answer(self.request(calls::CREATE_KEY, "").json(new).send().await?).await.map(|read| read.0)
    }

    /// One client key, by id or name.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    pub async fn key(&self, key: &str) -> Result<Versioned<Key>, Error> {
        versioned(answer(self.request(calls::SHOW_KEY, key).send().await?).await?)
    }

    /// Changes a client key while it has the version that was read.
    ///
    /// # Errors
    /// [`Error::Stale`] when it has another, [`Error::Refused`] for an input that cannot be taken.
    pub async fn update_key(
        &self,
        key: &str,
        change: &KeyChange,
        version: &str,
    ) -> Result<Versioned<Key>, Error> {
        let request = self.request(calls::UPDATE_KEY, key).header(IF_MATCH, version).json(change);
        versioned(answer(request.send().await?).await?)
    }

    /// What was used, told apart by `key`, `owner`, `account`, `model`, `day` and the like.
    ///
    /// # Errors
    /// [`Error::Refused`] for a question that cannot be asked.
    pub async fn usage(&self, by: &[&str]) -> Result<Usage, Error> {
        let request = self.request(calls::USAGE, "").query(&[("by", by.join(","))]);
        answer(request.send().await?).await.map(|read| read.0)
    }

    fn request(&self, call: Call, named: &str) -> RequestBuilder {
        let path = match call.path.split_once('{') {
            Some((before, _)) => format!("{before}{}", escaped(named)),
            None => call.path.to_owned(),
        };
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::GET);
        self.http.request(method, format!("{}{path}", self.base))
    }
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

async fn answer<T: DeserializeOwned>(response: Response) -> Result<(T, Option<String>), Error> {
    let is_done = response.status().is_success();
    let version = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    if is_done {
        return Ok((response.json::<Answer<T>>().await?.data, version));
    }
    let failure: Failure = response.json().await?;
    match failure.version {
        Some(version) => Err(Error::Stale { version }),
        None => Err(Error::Refused(failure)),
    }
}

fn versioned<T>((value, version): (T, Option<String>)) -> Result<Versioned<T>, Error> {
    Ok(Versioned { value, version: version.ok_or(Error::Unexpected("no ETag"))? })
}

/// A part of a path.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
