//! The parameters of a request: out of a query, a form or a JSON object.

use http::{Request, header};
use posthaste_core::Payload;
use serde_json::Value;
use url::form_urlencoded;

use super::refusal::Refusal;

/// Parameters by name. Empty ones count as left out (RFC 6749 §3.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
    /// How the body was written.
    pub(super) is_json: bool,
}

impl Params {
    pub(super) fn of_query(request: &Request<Payload>) -> Result<Self, Refusal> {
        Self::of_form(request.uri().query().unwrap_or_default().as_bytes())
    }

    /// Out of the body, which says by its content type how it is written.
    pub(super) fn of_body(request: &Request<Payload>) -> Result<Self, Refusal> {
        if request.body().len() > MAX_BODY {
            return Err(Refusal::invalid_request("the body is too large"));
        }
        let body = request.body().to_bytes();
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match content_type.map(|value| value.split(';').next().unwrap_or_default().trim()) {
            Some("application/x-www-form-urlencoded") => Self::of_form(&body),
            Some("application/json") => Self::of_json(&body),
            _ => Err(Refusal::invalid_request(
                "the content type must be application/x-www-form-urlencoded or application/json",
            )),
        }
    }

    /// The parameters of a page: its form's when it was sent, else its address's.
    pub(super) fn of_page(request: &Request<Payload>) -> Result<Self, Refusal> {
        if request.method() == http::Method::POST { Self::of_body(request) } else { Self::of_query(request) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::invalid_request(format!("{name} is missing")))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn of_form(form: &[u8]) -> Result<Self, Refusal> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(form) {
            // RFC 6749 §3.1 and §3.2.
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::invalid_request(format!("{name} is given twice")));
            }
            if pairs.len() == MOST {
                return Err(Refusal::invalid_request("there are too many parameters"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { pairs, is_json: false })
    }

    fn of_json(body: &[u8]) -> Result<Self, Refusal> {
        let refuse = || Refusal::invalid_request("the body is no JSON object of texts");
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return Err(refuse()) };
        let text = |(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Null => Ok((name, String::new())),
            _ => Err(refuse()),
        };
        Ok(Self { pairs: fields.into_iter().map(text).collect::<Result<_, _>>()?, is_json: true })
    }
}

const MAX_BODY: usize = 64 << 10;
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(content_type: &str, body: &'static str) -> Result<Params, Refusal> {
        let request = Request::post("/oauth/token").header("content-type", content_type);
        Params::of_body(&request.body(Payload::from(Bytes::from(body))).unwrap())
    }

    #[test]
    fn forms_and_objects_read_alike() {
        let form = read("application/x-www-form-urlencoded;charset=utf-8", "a=1+2&b=%26&c=").unwrap();
        let json = read("application/json", r#"{"a":"1 2","b":"&","c":null}"#).unwrap();
        for params in [&form, &json] {
            assert_eq!((params.get("a"), params.get("b"), params.get("c")), (Some("1 2"), Some("&"), None));
            assert!(params.required("c").is_err());
        }
        assert!(json.is_json && !form.is_json);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (content_type, body) in [
            ("text/plain", "a=1"),
            ("application/x-www-form-urlencoded", "a=1&a=2"),
            ("application/json", "[1]"),
            ("application/json", r#"{"a":1}"#),
            ("application/json", "{"),
        ] {
            assert_eq!(read(content_type, body).unwrap_err().error, "invalid_request", "{body}");
        }
        let long: &'static str = Box::leak(vec!["a"; MAX_BODY + 1].concat().into_boxed_str());
        assert!(read("application/x-www-form-urlencoded", long).is_err());
    }
}
