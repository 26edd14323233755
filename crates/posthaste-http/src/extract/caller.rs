//! Step 2, authenticate: from a request's headers to its caller.

use http::{HeaderMap, header};
use posthaste_core::{Fault, FaultKind};
use posthaste_gateway::{Caller, Relay};

/// Finds the caller by whatever the request presents.
///
/// Some clients send two different secrets at once (Claude Code with both of its variables set); the first one that is
/// known counts.
pub(crate) async fn authenticate(
    relay: &Relay,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Caller, Fault> {
    let mut refusal = None;
    let mut tried: Option<&str> = None;
    for presented in presented_keys(headers, query) {
        if tried == Some(presented) {
            continue;
        }
        tried = Some(presented);
        match relay.authenticate(Some(presented)).await {
            Err(fault) if fault.kind == FaultKind::Unauthenticated => refusal = Some(fault),
            outcome => return outcome,
        }
    }
    match refusal {
        Some(fault) => Err(fault),
        None => relay.authenticate(None).await,
    }
}

/// Every secret that the request presents, the likeliest first. There are at most five places to look.
fn presented_keys<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let in_query = query
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")))
        // A client key has no character that would be escaped in a query.
        .filter(|key| !key.contains('%'));
    [
        header("x-api-key"),
        header(header::AUTHORIZATION.as_str()).and_then(bearer),
        header("x-goog-api-key"),
        header("api-key"),
        in_query,
    ]
    .into_iter()
    .flatten()
    .filter(|key| !key.is_empty())
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(pairs: &[(&'static str, &str)], query: Option<&str>) -> Vec<String> {
        let headers: HeaderMap =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        presented_keys(&headers, query).map(str::to_owned).collect()
    }

    #[test]
    fn a_key_is_found_in_each_of_its_places() {
        for (name, value) in [
            ("authorization", "Bearer cr_0"),
            ("authorization", "bearer  cr_0"),
            ("x-api-key", "cr_0"),
            ("x-goog-api-key", "cr_0"),
            ("api-key", " cr_0 "),
        ] {
            assert_eq!(presented(&[(name, value)], None), ["cr_0"], "{name}: {value}");
        }
        assert_eq!(presented(&[], Some("beta=true&key=cr_0")), ["cr_0"]);
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        assert!(presented(&[("authorization", "Basic dXNlcg==")], Some("monkey=cr_0&key=")).is_empty());
        assert!(presented(&[("x-api-key", "")], None).is_empty());
    }
}
