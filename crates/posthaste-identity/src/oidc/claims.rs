//! From what a believed identity token says to a person.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims};
use posthaste_admin::{DirectoryError, ProviderError, Vouched};
use posthaste_core::SignIn;
use serde_json::Value;

use super::{OidcOptions, UNREADABLE, refused};

/// The person of a token that was checked.
pub(super) fn vouched(
    options: &OidcOptions,
    claims: &CoreIdTokenClaims,
    token: &CoreIdToken,
) -> Result<Vouched, ProviderError> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
        return Err(refused(UNREADABLE, DirectoryError::unfit("the token's `sub` is empty or too long")));
    }
    let said =
        payload(token).ok_or_else(|| refused(UNREADABLE, DirectoryError::unfit("the token is none")))?;
    let Some(name) = text(&said, &options.claims.name) else {
        let why = format!("the token has no `{}`, which is to be the name", options.claims.name);
        return Err(refused(NO_NAME, DirectoryError::unfit(why)));
    };
    let groups = texts(&said, &options.claims.groups);
    let Some(role) = options.roles.of_exactly(&groups) else {
        let why = DirectoryError::unfit("the person is in no group that may log in here");
        return Err(refused(NO_GROUP, why));
    };
    // An address that somebody only says to have is nobody's.
    let unverified = claims.email_verified() == Some(false);
    let email = text(&said, &options.claims.email).filter(|_| !unverified);
    Ok(Vouched {
        sign_in: SignIn::Oidc { issuer: options.issuer.clone(), subject: subject.to_owned() },
        name,
        display_name: text(&said, &options.claims.display_name),
        email,
        role,
    })
}

/// All that the token says. The text is the one whose signature was checked: the crate keeps it as it came.
fn payload(token: &CoreIdToken) -> Option<Value> {
    let text = token.to_string();
    let said = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&said).ok()
}

fn found<'a>(said: &'a Value, claim: &str) -> Option<&'a Value> {
    if claim.starts_with('/') { said.pointer(claim) } else { said.get(claim) }
}

fn text(said: &Value, claim: &str) -> Option<String> {
    found(said, claim)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Some providers send one group as a text.
fn texts(said: &Value, claim: &str) -> Vec<String> {
    match found(said, claim) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// OpenID Connect Core 1.0, section 2.
const LONGEST_SUBJECT: usize = 255;

const NO_NAME: &str =
    "the identity provider tells no name for you; an operator has to look at `oidc.name_claim`";
const NO_GROUP: &str = "you are in no group that may log in here";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_are_found_by_name_or_by_the_way_to_them() {
        let said = json!({ "groups": "ops", "realm": { "roles": ["a", 1, "b"] }, "name": " ", "a/b": "c" });
        assert_eq!(texts(&said, "groups"), ["ops"]);
        assert_eq!(texts(&said, "/realm/roles"), ["a", "b"]);
        assert_eq!(texts(&said, "realm"), Vec::<String>::new());
        assert_eq!(text(&said, "name"), None);
        assert_eq!(text(&said, "a/b").as_deref(), Some("c"));
    }
}
