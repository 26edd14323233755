//! The vectors that AWS publishes for signers
//! (<https://github.com/awslabs/aws-c-auth/tree/v0.9.0/tests/aws-signing-test-suite/v4>; the one with an ARN in its path and
//! `post-x-www-form-urlencoded` without further headers are of its older form, `aws-sig-v4-test-suite`).

use bytes::Bytes;
use posthaste_core::Secret;
use rstest::rstest;

use super::*;

fn keys(session_token: Option<&str>) -> AwsKeys {
    AwsKeys {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: session_token.map(Secret::new),
        expires_at: None,
    }
}

fn request(method: &str, address: &str) -> http::Request<Payload> {
    http::Request::builder().method(method).uri(address).body(Payload::default()).unwrap()
}

fn signed(mut request: http::Request<Payload>, session_token: Option<&str>) -> http::Request<Payload> {
    let keys = keys(session_token);
    let now = "2015-08-30T12:36:00Z".parse().unwrap();
    sign_request(&mut request, &Scope { keys: &keys, region: "us-east-1", service: "service", now }).unwrap();
    request
}

fn authorization(headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={headers}, Signature={signature}"
    )
}

#[rstest]
#[case::get_vanilla("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
#[case::post_vanilla("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
#[case::post_vanilla_query(
    "POST",
    "/?Param1=value1",
    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
)]
#[case::get_vanilla_query_order_key_case(
    "GET",
    "/?Param2=value2&Param1=value1",
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
)]
#[case::get_vanilla_query_order_encoded(
    "GET",
    "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"
)]
#[case::get_unreserved(
    "GET",
    "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
)]
#[case::get_relative_normalized(
    "GET",
    "/example/..",
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
)]
#[case::get_slashes_normalized(
    "GET",
    "//example//",
    "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"
)]
fn published_vectors_hold(#[case] method: &str, #[case] target: &str, #[case] signature: &str) {
    let signed = signed(request(method, &format!("https://example.amazonaws.com{target}")), None);
    assert_eq!(signed.headers()["authorization"], authorization("host;x-amz-date", signature));
    assert_eq!(signed.headers()["x-amz-date"], "20150830T123600Z");
    assert_eq!(signed.headers().len(), 2);
}

#[rstest]
#[case::get_vanilla_with_session_token(
    "GET",
    "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
    "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
)]
#[case::post_sts_header_before(
    "POST",
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
)]
fn a_session_token_is_sent_and_signed(#[case] method: &str, #[case] token: &str, #[case] signature: &str) {
    let signed = signed(request(method, "https://example.amazonaws.com/"), Some(token));
    assert_eq!(
        signed.headers()["authorization"],
        authorization("host;x-amz-date;x-amz-security-token", signature)
    );
    assert_eq!(signed.headers()["x-amz-security-token"], token);
    assert!(signed.headers()["x-amz-security-token"].is_sensitive());
    assert!(signed.headers()["authorization"].is_sensitive());
}

#[test]
fn a_body_in_slices_is_hashed_as_one() {
    let mut request = request("POST", "https://example.amazonaws.com/");
    *request.body_mut() = Payload::from_parts([Bytes::from("Param1"), Bytes::from("=value1")]);
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    let signed = signed(request, None);
    let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    assert_eq!(signed.headers()["authorization"], authorization("content-type;host;x-amz-date", signature));
}

/// The path is sent encoded once and signed encoded twice: Bedrock's model ids need that too.
#[test]
fn an_arn_in_the_path_is_encoded_twice() {
    let address = "https://lambda.us-east-2.amazonaws.com/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations";
    let mut request = request("POST", address);
    let keys = keys(None);
    let now = "2021-05-11T15:40:45Z".parse().unwrap();
    sign_request(&mut request, &Scope { keys: &keys, region: "us-east-2", service: "lambda", now }).unwrap();
    assert_eq!(
        request.headers()["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20210511/us-east-2/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=4b93abbcc68be32bd64c18e2c71150660ab4c29bbd6c32a383a7517a88fc1804"
    );
    assert_eq!(request.uri(), address, "what is sent stays");
}

#[test]
fn what_proxies_may_change_is_not_signed() {
    let plain = signed(request("POST", "https://example.amazonaws.com/"), None);
    let mut request = request("POST", "https://example.amazonaws.com/");
    for name in ["user-agent", "accept", "accept-encoding", "x-forwarded-for", "connection"] {
        request.headers_mut().insert(name, HeaderValue::from_static("x"));
    }
    assert_eq!(signed(request, None).headers()["authorization"], plain.headers()["authorization"]);
}

#[test]
fn keys_that_no_header_may_carry_are_refused() {
    let mut request = request("POST", "https://example.amazonaws.com/");
    let now = Timestamp::EPOCH;
    let keys = keys(Some("line\nbreak"));
    let scope = Scope { keys: &keys, region: "us-east-1", service: "service", now };
    assert!(sign_request(&mut request, &scope).is_err());
    assert!(request.headers().is_empty());
}
