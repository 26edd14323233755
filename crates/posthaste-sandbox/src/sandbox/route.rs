//! Which endpoint a path is.

use http::{HeaderMap, Method, Request};

use crate::{bedrock, dialect::Dialect, gemini};

/// An endpoint and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) dialect: Dialect,
    pub(super) endpoint: Endpoint<'a>,
    /// What stands before the API's own path.
    pub(super) prefix: &'a str,
}

/// An endpoint of one of the APIs. Azure's may have a deployment in the path, in the model's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    Messages,
    CountTokens,
    Models,
    Model(&'a str),
    Chat(Option<&'a str>),
    Completions(Option<&'a str>),
    Embeddings(Option<&'a str>),
    Images(Option<&'a str>),
    Responses,
    Compact,
    InputTokens,
    /// A response that may be remembered.
    Response(&'a str),
    Forget(&'a str),
    Gemini(&'a str, gemini::Method),
    CodeAssist(gemini::CodeAssistMethod),
    Bedrock(String, bedrock::Operation),
}

/// Reads method, path and what else tells the dialects apart. The error is the dialect in which to say that there is
/// no such endpoint.
pub(super) fn route<T>(request: &Request<T>) -> Result<Route<'_>, Dialect> {
    let (method, path) = (request.method(), request.uri().path());
    if let Some((prefix, rest)) = azure_path(path) {
        return azure(method, prefix, rest).ok_or(Dialect::Azure);
    }
    let sse = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    if let Some((prefix, method_name)) = path.rsplit_once("/v1internal:") {
        return code_assist(method, prefix, method_name, sse);
    }
    if let Some((prefix, rest)) = path.rsplit_once("/model/") {
        return bedrock(method, prefix, rest).ok_or(Dialect::Bedrock);
    }
    if let Some((prefix, rest)) = gemini_path(path) {
        return gemini(method, prefix, rest, sse);
    }
    let Some((prefix, rest)) = path.rsplit_once("/v1/") else { return Err(Dialect::Messages) };
    anthropic(method, rest, request.headers())
        .map(|endpoint| Route { dialect: Dialect::Messages, endpoint, prefix })
        .or_else(|| {
            let endpoint = openai(method, rest)?;
            Some(Route { dialect: Dialect::OpenAi, endpoint, prefix })
        })
        .ok_or(Dialect::Messages)
}

fn anthropic<'a>(method: &Method, rest: &'a str, headers: &HeaderMap) -> Option<Endpoint<'a>> {
    // The one path that Anthropic and OpenAI share.
    let models = method == Method::GET && headers.contains_key("anthropic-version");
    match rest {
        "messages" if method == Method::POST => Some(Endpoint::Messages),
        "messages/count_tokens" if method == Method::POST => Some(Endpoint::CountTokens),
        "models" if models => Some(Endpoint::Models),
        other if models => Some(Endpoint::Model(other.strip_prefix("models/")?)),
        _ => None,
    }
}

fn openai<'a>(method: &Method, rest: &'a str) -> Option<Endpoint<'a>> {
    match *method {
        Method::GET => match rest.split_once('/') {
            None if rest == "models" => Some(Endpoint::Models),
            Some(("models", id)) => Some(Endpoint::Model(id)),
            Some(("responses", id)) => Some(Endpoint::Response(id)),
            _ => None,
        },
        Method::DELETE => Some(Endpoint::Forget(rest.strip_prefix("responses/")?)),
        _ => match rest {
            "responses" if method == Method::POST => Some(Endpoint::Responses),
            "responses/compact" if method == Method::POST => Some(Endpoint::Compact),
            "responses/input_tokens" if method == Method::POST => Some(Endpoint::InputTokens),
            _ => posted(method, rest, None),
        },
    }
}

/// `/v1beta/…`, and `/v1/` with a model and its method behind it.
fn gemini_path(path: &str) -> Option<(&str, &str)> {
    let with_method = |rest: &str| rest.rsplit_once("models/").is_some_and(|(_, model)| model.contains(':'));
    path.rsplit_once("/v1beta/").or_else(|| path.rsplit_once("/v1/").filter(|(_, rest)| with_method(rest)))
}

fn gemini<'a>(method: &Method, prefix: &'a str, rest: &'a str, sse: bool) -> Result<Route<'a>, Dialect> {
    let none = Dialect::Gemini { array: false };
    let found = |dialect, endpoint| Ok(Route { dialect, endpoint, prefix });
    if rest == "models" && method == Method::GET {
        return found(none, Endpoint::Models);
    }
    // Vertex has projects and places before it.
    let Some((_, model)) = rest.rsplit_once("models/") else { return Err(none) };
    match model.split_once(':') {
        None if method == Method::GET => found(none, Endpoint::Model(model)),
        Some((model, name)) if method == Method::POST => {
            let method = gemini::Method::named(name, sse).ok_or(none)?;
            found(Dialect::Gemini { array: method.is_array() }, Endpoint::Gemini(model, method))
        }
        _ => Err(none),
    }
}

fn code_assist<'a>(method: &Method, prefix: &'a str, name: &str, sse: bool) -> Result<Route<'a>, Dialect> {
    let named = gemini::CodeAssistMethod::named(name, sse).filter(|_| method == Method::POST);
    let method = named.ok_or(Dialect::CodeAssist { array: false })?;
    let dialect = Dialect::CodeAssist { array: method.is_array() };
    Ok(Route { dialect, endpoint: Endpoint::CodeAssist(method), prefix })
}

/// The model's id is percent-encoded.
fn bedrock<'a>(method: &Method, prefix: &'a str, rest: &str) -> Option<Route<'a>> {
    let (id, name) = rest.rsplit_once('/').filter(|_| method == Method::POST)?;
    let endpoint = Endpoint::Bedrock(decoded(id)?, bedrock::Operation::named(name)?);
    Some(Route { dialect: Dialect::Bedrock, endpoint, prefix })
}

/// A percent-encoded text; `None` when that is not UTF-8 or not encoded well.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_first_chunk::<2>()?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(digits[0])? * 16 + digit(digits[1])?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

/// `/openai/deployments/{d}/…` and `/openai/v1/…`.
fn azure_path(path: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = path.rsplit_once("/openai/")?;
    (rest.starts_with("deployments/") || rest.starts_with("v1/")).then_some((prefix, rest))
}

fn azure<'a>(method: &Method, prefix: &'a str, rest: &'a str) -> Option<Route<'a>> {
    let endpoint = match rest.strip_prefix("deployments/") {
        Some(rest) => {
            let (deployment, rest) = rest.split_once('/')?;
            posted(method, rest, Some(deployment))?
        }
        None => openai(method, rest.strip_prefix("v1/")?)?,
    };
    Some(Route { dialect: Dialect::Azure, endpoint, prefix })
}

fn posted<'a>(method: &Method, rest: &str, deployment: Option<&'a str>) -> Option<Endpoint<'a>> {
    if method != Method::POST {
        return None;
    }
    match rest {
        "chat/completions" => Some(Endpoint::Chat(deployment)),
        "completions" => Some(Endpoint::Completions(deployment)),
        "embeddings" => Some(Endpoint::Embeddings(deployment)),
        "images/generations" => Some(Endpoint::Images(deployment)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: Method, path: &str, headers: &[&str]) -> Result<(Dialect, String, String), Dialect> {
        let mut request = Request::builder().method(method).uri(path);
        for header in headers {
            request = request.header(*header, "2023-06-01");
        }
        let request = request.body(()).unwrap();
        route(&request).map(|route| (route.dialect, format!("{:?}", route.endpoint), route.prefix.to_owned()))
    }

    fn found(dialect: Dialect, endpoint: &str, prefix: &str) -> Result<(Dialect, String, String), Dialect> {
        Ok((dialect, endpoint.to_owned(), prefix.to_owned()))
    }

    #[test]
    fn paths_may_have_a_prefix() {
        let post = |path: &str| routed(Method::POST, path, &[]);
        let gemini = |array| Dialect::Gemini { array };
        for (path, expected) in [
            ("/v1/messages", found(Dialect::Messages, "Messages", "")),
            ("/a/b/v1/messages/count_tokens", found(Dialect::Messages, "CountTokens", "/a/b")),
            ("/a/v1/chat/completions", found(Dialect::OpenAi, "Chat(None)", "/a")),
            ("/v1/responses/compact", found(Dialect::OpenAi, "Compact", "")),
            ("/a/openai/v1/responses", found(Dialect::Azure, "Responses", "/a")),
            ("/openai/deployments/d/embeddings", found(Dialect::Azure, "Embeddings(Some(\"d\"))", "")),
            ("/a/v1beta/models/m:countTokens", found(gemini(false), "Gemini(\"m\", CountTokens)", "/a")),
            (
                "/v1/models/m:streamGenerateContent",
                found(gemini(true), "Gemini(\"m\", Stream { sse: false })", ""),
            ),
            (
                "/a/model/b%3A0%2Fc/invoke",
                found(Dialect::Bedrock, "Bedrock(\"b:0/c\", Invoke { streamed: false })", "/a"),
            ),
            (
                "/v1internal:loadCodeAssist",
                found(Dialect::CodeAssist { array: false }, "CodeAssist(Load)", ""),
            ),
        ] {
            assert_eq!(post(path), expected, "{path}");
        }
    }

    #[test]
    fn a_header_tells_whose_models_are_meant() {
        let get = |path: &str, headers: &[&str]| routed(Method::GET, path, headers);
        assert_eq!(get("/v1/models", &["anthropic-version"]), found(Dialect::Messages, "Models", ""));
        assert_eq!(get("/v1/models", &[]), found(Dialect::OpenAi, "Models", ""));
        assert_eq!(
            get("/v1/models/claude-x", &["anthropic-version"]),
            found(Dialect::Messages, "Model(\"claude-x\")", "")
        );
        assert_eq!(get("/v1beta/models/m", &[]), found(Dialect::Gemini { array: false }, "Model(\"m\")", ""));
    }

    #[test]
    fn what_is_no_endpoint_is_refused_in_the_dialect_that_it_looks_like() {
        let refused = |method, path: &str| routed(method, path, &[]).unwrap_err();
        assert_eq!(refused(Method::GET, "/v1/messages"), Dialect::Messages);
        assert_eq!(refused(Method::POST, "/v1/complete"), Dialect::Messages);
        assert_eq!(refused(Method::GET, "/"), Dialect::Messages);
        assert_eq!(refused(Method::POST, "/openai/v1/dreams"), Dialect::Azure);
        assert_eq!(refused(Method::POST, "/v1beta/models/m:dream"), Dialect::Gemini { array: false });
        assert_eq!(refused(Method::POST, "/model/m/dream"), Dialect::Bedrock);
        assert_eq!(refused(Method::POST, "/model/%f/converse"), Dialect::Bedrock);
    }
}
