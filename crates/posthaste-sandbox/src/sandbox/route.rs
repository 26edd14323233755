//! Which endpoint a path is.

use http::Method;

use crate::error::{ApiError, ErrorKind};

/// An endpoint of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Messages,
    CountTokens,
    Models,
    Model(&'a str),
}

/// Reads method and path; what stands before `/v1/` is given back, as it tells accounts apart.
pub(super) fn route<'a>(method: &Method, path: &'a str) -> Result<(Route<'a>, &'a str), ApiError> {
    let (prefix, rest) = path.rsplit_once("/v1/").ok_or_else(not_found)?;
    let (route, expected) = match rest {
        "messages" => (Route::Messages, Method::POST),
        "messages/count_tokens" => (Route::CountTokens, Method::POST),
        "models" => (Route::Models, Method::GET),
        other => match other.strip_prefix("models/") {
            Some(id) => (Route::Model(id), Method::GET),
            None => return Err(not_found()),
        },
    };
    if *method == expected { Ok((route, prefix)) } else { Err(not_found()) }
}

fn not_found() -> ApiError {
    ApiError::new(ErrorKind::NotFound, "Not Found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_have_a_prefix() {
        assert_eq!(route(&Method::POST, "/v1/messages"), Ok((Route::Messages, "")));
        assert_eq!(route(&Method::POST, "/a/b/v1/messages/count_tokens"), Ok((Route::CountTokens, "/a/b")));
        assert_eq!(route(&Method::GET, "/v1/models/claude-x"), Ok((Route::Model("claude-x"), "")));
        assert_eq!(route(&Method::GET, "/v1/messages"), Err(not_found()));
        assert_eq!(route(&Method::POST, "/v1/complete"), Err(not_found()));
        assert_eq!(route(&Method::GET, "/"), Err(not_found()));
    }
}
