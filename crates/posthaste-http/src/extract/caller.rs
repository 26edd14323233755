//! Step 2, authenticate: from a request's headers to its caller.

use http::{HeaderMap, header};
use posthaste_core::{Fault, FaultKind};
use posthaste_gateway::{Caller, Visitor};

use super::address::{self, Peer};
use crate::routes::Front;

/// Finds the caller by whatever the request presents.
///
/// Some clients send two different secrets at once (Claude Code with both of its variables set); the first one that is
/// known counts.
pub(crate) async fn authenticate(
    front: &Front,
    headers: &HeaderMap,
    query: Option<&str>,
    peer: Peer,
) -> Result<Caller, Fault> {
    let visitor = Visitor {
        address: address::of_client(peer, headers, &front.options.now().trusted_proxies),
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()),
    };
    let mut refusal = None;
    let mut tried: Option<&str> = None;
    for presented in presented_keys(headers, query) {
        if tried == Some(presented) {
            continue;
        }
        tried = Some(presented);
        match front.relay.let_in(Some(presented), &visitor).await {
            Err(fault) if fault.kind == FaultKind::Unauthenticated => refusal = Some(fault),
            outcome => return outcome,
        }
    }
    match (refusal, tried) {
        (Some(fault), Some(presented)) => {
            front.relay.turned_away(&visitor, presented).await;
            Err(fault)
        }
        _ => front.relay.let_in(None, &visitor).await,
    }
}

/// The query without the client key that it may hold; `None` when nothing is left.
pub(crate) fn without_key(query: &str) -> Option<String> {
    let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("key=")).collect();
    Some(kept.join("&")).filter(|query| !query.is_empty())
}

/// Every secret that the request presents, the likeliest first. There are at most five places to look.
pub(crate) fn presented_keys<'a>(
    headers: &'a HeaderMap,
    query: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let in_query = query
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")))
        // A client key has no character that would be escaped in a query.
        .filter(|key| !key.contains('%'));
    [
        header("x-api-key"),
        header(header::AUTHORIZATION.as_str()).and_then(authorization),
        header("x-goog-api-key"),
        header("api-key"),
        in_query,
    ]
    .into_iter()
    .flatten()
    .filter(|key| !key.is_empty())
}

fn authorization(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(rest.trim())
    } else if scheme == "AWS4-HMAC-SHA256" {
        access_key_id(rest)
    } else {
        None
    }
}

/// The access key id of a request that is signed as AWS' SDKs do it
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>).
///
/// These refuse a bearer over plain HTTP, so that there a client key can only come as the key's id. It is the secret; the
/// signature, which any secret access key would do for, says nothing more and is not verified.
fn access_key_id(parts: &str) -> Option<&str> {
    let scope = parts.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    scope.split_once('/').map(|(id, _)| id)
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
            ("authorization", SIGNED),
            ("authorization", "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=cr_0/20261123/x"),
        ] {
            assert_eq!(presented(&[(name, value)], None), ["cr_0"], "{name}: {value}");
        }
        assert_eq!(presented(&[], Some("beta=true&key=cr_0")), ["cr_0"]);
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        assert!(presented(&[("authorization", "Basic dXNlcg==")], Some("monkey=cr_0&key=")).is_empty());
        assert!(presented(&[("x-api-key", "")], None).is_empty());
        for unsigned in
            ["Credential=cr_0", "Credential=/20261123", "SignedHeaders=host", "XCredential=cr_0/x", ""]
        {
            let value = format!("AWS4-HMAC-SHA256 {unsigned}");
            assert!(presented(&[("authorization", &value)], None).is_empty(), "{unsigned}");
        }
    }

    #[test]
    fn no_bytes_make_the_search_for_keys_fail_and_none_of_them_is_more_than_was_sent() {
        let pieces: [&[u8]; 24] = [
            b"cr_0",
            b"Bearer",
            b"bearer ",
            b" ",
            b"  ",
            b"\t",
            b",",
            b";",
            b"=",
            b"/",
            b"%",
            b"\"",
            b"\xff",
            b"\xc3\xa4",
            b"Credential=",
            b"Credential",
            b"AWS4-HMAC-SHA256",
            b"AWS4-HMAC-SHA256 ",
            b"Basic ",
            b"key=",
            b"&key=",
            b"?",
            b"#",
            b"",
        ];
        let names = ["x-api-key", "authorization", "x-goog-api-key", "api-key"];
        let mut random = 0x9e37_79b9_u32;
        let mut below = |limit: usize| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            usize::try_from(random >> 1).unwrap() % limit
        };
        let mut found = 0;
        for _ in 0..20_000 {
            let mut headers = HeaderMap::new();
            let mut sent = String::new();
            for _ in 0..=below(3) {
                let value: Vec<u8> =
                    (0..below(6)).flat_map(|_| pieces[below(pieces.len())].to_vec()).collect();
                if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                    sent.push_str(&String::from_utf8_lossy(value.as_bytes()));
                    sent.push('\n');
                    headers.append(names[below(names.len())], value);
                }
            }
            let query: Vec<u8> = (0..below(6)).flat_map(|_| pieces[below(pieces.len())].to_vec()).collect();
            let query = String::from_utf8_lossy(&query).into_owned();
            sent.push_str(&query);
            let keys: Vec<_> = presented_keys(&headers, Some(&query)).collect();
            assert!(keys.len() <= 5, "{keys:?}");
            for key in keys {
                assert!(!key.is_empty() && sent.contains(key), "{key:?} of {sent:?}");
                found += 1;
            }
            if let Some(rest) = without_key(&query) {
                assert!(!rest.split('&').any(|pair| pair.starts_with("key=")), "{rest}");
            }
        }
        assert!(found > 1_000, "{found}");
    }

    /// As boto3 writes it, with a region and a date of ours.
    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=cr_0/20261123/us-east-1/bedrock/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, Signature=00";

    #[test]
    fn the_key_stays_behind_and_the_rest_of_the_query_does_not() {
        for (query, rest) in [
            ("key=cr_0", None),
            ("key=cr_0&alt=sse", Some("alt=sse")),
            ("beta=true&key=cr_0&x=key=", Some("beta=true&x=key=")),
            ("monkey=1", Some("monkey=1")),
            ("key=&key=cr_0", None),
        ] {
            assert_eq!(without_key(query).as_deref(), rest, "{query}");
        }
    }
}
