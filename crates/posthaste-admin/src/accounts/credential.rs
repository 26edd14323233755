//! What an account presents, as operators give it: a key, AWS keys, an Entra application.

use posthaste_core::{AccountId, AuthForm, Sealed, Secret};
use posthaste_vault::{StoredAwsKeys, StoredCredential, StoredEntra, Vault, account_credential_place};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AdminError,
    input::{self, Disclosed},
};

/// AWS access keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenAwsKeys {
    /// `AKIA…`, or `ASIA…` for temporary ones.
    pub access_key_id: String,
    /// Signs.
    pub secret_access_key: Disclosed,
    /// Goes with temporary keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Disclosed>,
}

/// An application of Microsoft Entra.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenEntra {
    /// The directory: its id or a domain of it.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret: its value, not its id.
    pub client_secret: Disclosed,
}

/// What was given of all that can be.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) api_key: Option<&'a Disclosed>,
    pub(super) aws_keys: Option<&'a GivenAwsKeys>,
    pub(super) entra: Option<&'a GivenEntra>,
}

/// The credential that is there.
pub(super) struct Kept {
    /// How it was presented.
    pub(super) auth: AuthForm,
    pub(super) sealed: Option<Sealed>,
}

impl Given<'_> {
    /// How such a credential is presented, where only one way is possible.
    pub(super) const fn own_form(self) -> Option<AuthForm> {
        match self {
            Self { aws_keys: Some(_), .. } => Some(AuthForm::AwsKeys),
            Self { entra: Some(_), .. } => Some(AuthForm::Entra),
            _ => None,
        }
    }

    /// The credential as it is to be kept: what was given, sealed; else what is there, if it is of the same kind.
    pub(super) fn seal(
        self,
        vault: &Vault,
        account: AccountId,
        auth: AuthForm,
        kept: Kept,
    ) -> Result<Option<Sealed>, AdminError> {
        let kind = Kind::of(auth);
        self.refuse_others(kind)?;
        let given = match self {
            Self { api_key: Some(key), .. } => {
                let place = account_credential_place(account);
                Some(vault.seal(&place, &input::secret("api_key", key)?)?)
            }
            Self { aws_keys: Some(keys), .. } => Some(aws_keys(keys)?.seal(vault, account)?),
            Self { entra: Some(entra), .. } => Some(entra_application(entra)?.seal(vault, account)?),
            _ => None,
        };
        let kept = kept.sealed.filter(|_| Kind::of(kept.auth) == kind);
        match (given.or(kept), kind.needed()) {
            (_, None) => Ok(None),
            (Some(sealed), Some(_)) => Ok(Some(sealed)),
            (None, Some((field, message))) => Err(AdminError::invalid(field, message)),
        }
    }

    /// Refuses what an account of this kind would not present.
    fn refuse_others(self, kind: Kind) -> Result<(), AdminError> {
        let given = [
            ("api_key", self.api_key.is_some(), Kind::Key),
            ("aws_keys", self.aws_keys.is_some(), Kind::AwsKeys),
            ("entra", self.entra.is_some(), Kind::Entra),
        ];
        match given.into_iter().find(|(_, is_given, own)| *is_given && *own != kind) {
            Some((field, ..)) => Err(AdminError::invalid(field, kind.refusal())),
            None => Ok(()),
        }
    }
}

/// The kinds of credentials; within one, another form needs no other credential.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing,
    Key,
    AwsKeys,
    Machine,
    Entra,
    Login,
}

impl Kind {
    const fn of(auth: AuthForm) -> Self {
        match auth {
            AuthForm::None => Self::Nothing,
            AuthForm::XApiKey | AuthForm::Bearer | AuthForm::XGoogApiKey | AuthForm::ApiKey => Self::Key,
            AuthForm::AwsKeys => Self::AwsKeys,
            AuthForm::AwsChain => Self::Machine,
            AuthForm::Entra => Self::Entra,
            AuthForm::OAuth => Self::Login,
        }
    }

    /// Which input is needed, and how to give it; `None` where nothing is kept.
    const fn needed(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Nothing | Self::Machine => None,
            Self::Key => Some((
                "api_key",
                "is needed; give the key (--api-key -), or say that none is presented (--auth none)",
            )),
            Self::AwsKeys => Some((
                "aws_keys",
                "are needed; give them (--aws-access-key-id ID, then the secret is asked for), or use the machine's own \
                 (--auth aws-chain)",
            )),
            Self::Entra => Some((
                "entra",
                "is needed; give the application (--entra-tenant, --entra-client-id, then its secret is asked for), or a \
                 token of it (--auth bearer --api-key -)",
            )),
            Self::Login => Some(("auth", "needs a login; begin one with posthaste accounts login")),
        }
    }

    /// Why another kind of input is refused.
    const fn refusal(self) -> &'static str {
        match self {
            Self::Nothing => "is not used, since this account presents none; leave it out",
            Self::Key => {
                "is not used, since this account presents a key (--api-key); leave one of the two out"
            }
            Self::AwsKeys => {
                "is not used, since this account signs with AWS keys (--aws-access-key-id); leave one of the two out"
            }
            Self::Machine => {
                "is not used, since this account signs with the machine's AWS keys; leave it out"
            }
            Self::Entra => {
                "is not used, since this account presents an Entra application (--entra-client-id); leave one of the two \
                 out"
            }
            Self::Login => "is not used, since this account is logged in; leave it out",
        }
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>: the prefixes of
/// ids; <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>: 16 to 128 letters and digits.
fn aws_keys(given: &GivenAwsKeys) -> Result<StoredAwsKeys, AdminError> {
    let refuse = |message: &str| Err(AdminError::invalid("aws_keys", message));
    let id = given.access_key_id.trim();
    let secret = input::secret("aws_keys", &given.secret_access_key)?;
    let token = given.session_token.as_ref().map(|token| input::secret("aws_keys", token)).transpose()?;
    if is_secret(id) && is_id(secret.expose()) {
        return refuse("the access key's id and secret are swapped; the id begins with AKIA or ASIA");
    }
    if !is_id(id) {
        return refuse(match id.get(..4) {
            Some("ABSK") => {
                "that is a Bedrock API key and no access key; give it with --api-key - (--auth bearer)"
            }
            Some("AIDA" | "AROA" | "AGPA" | "ANPA") => {
                "the access key's id is that of a user, a role or a policy; give the id of an access key, which begins with \
                 AKIA or ASIA"
            }
            _ if is_secret(id) => {
                "the access key's id looks like its secret; the id begins with AKIA or ASIA"
            }
            _ => {
                "the access key's id has the wrong form; it begins with AKIA or ASIA, then capital letters and digits"
            }
        });
    }
    if is_id(secret.expose()) {
        return refuse("the access key's secret is an id; give the secret that belongs to it");
    }
    if !is_secret(secret.expose()) {
        return refuse("the access key's secret has the wrong form; it has 40 letters, digits, `/` and `+`");
    }
    match (id.starts_with("ASIA"), &token) {
        (true, None) => refuse(
            "keys that begin with ASIA are temporary and work only with their session token; give --aws-session-token -",
        ),
        (false, Some(_)) => {
            refuse("only temporary keys, which begin with ASIA, have a session token; leave it out")
        }
        _ => Ok(StoredAwsKeys {
            access_key_id: id.to_owned(),
            secret_access_key: secret,
            session_token: token,
        }),
    }
}

fn is_id(text: &str) -> bool {
    (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_secret(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+'))
}

/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
fn entra_application(given: &GivenEntra) -> Result<StoredEntra, AdminError> {
    let refuse = |message: &str| Err(AdminError::invalid("entra", message));
    let (tenant, client_id) = (given.tenant.trim(), given.client_id.trim());
    let client_secret: Secret = input::secret("entra", &given.client_secret)?;
    if !is_tenant(tenant) {
        return refuse("the tenant is neither an id nor a domain; give one such as contoso.onmicrosoft.com");
    }
    if Uuid::try_parse(client_id).is_err() {
        return refuse("the client id has the wrong form; give the application (client) id, a UUID");
    }
    if Uuid::try_parse(client_secret.expose()).is_ok() {
        return refuse("the client secret looks like the secret's id; give its value, which is shown once");
    }
    Ok(StoredEntra { tenant: tenant.to_owned(), client_id: client_id.to_owned(), client_secret })
}

/// The tenant becomes a segment of an address.
fn is_tenant(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
        || text.contains('.')
            && text.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn disclosed(text: &str) -> Disclosed {
        Disclosed::new(Secret::new(text))
    }

    fn keys(id: &str, secret: &str, token: Option<&str>) -> Result<StoredAwsKeys, AdminError> {
        aws_keys(&GivenAwsKeys {
            access_key_id: id.to_owned(),
            secret_access_key: disclosed(secret),
            session_token: token.map(disclosed),
        })
    }

    #[test]
    fn good_keys_are_taken_and_trimmed() {
        let stored = keys(" AKIAIOSFODNN7EXAMPLE\n", &format!("{SECRET}\n"), None).unwrap();
        assert_eq!(stored.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(stored.secret_access_key.expose(), SECRET);
        let temporary = keys("ASIAIOSFODNN7EXAMPLE", SECRET, Some("IQoJb3JpZ2luX2VjEXAMPLE==")).unwrap();
        assert_eq!(temporary.session_token.unwrap().expose(), "IQoJb3JpZ2luX2VjEXAMPLE==");
    }

    #[rstest]
    #[case(SECRET, "AKIAIOSFODNN7EXAMPLE", None, "swapped")]
    #[case(SECRET, SECRET, None, "looks like its secret")]
    #[case("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", None, "is an id")]
    #[case("AIDAJQABLZS4A3QDU576Q", SECRET, None, "of a user")]
    #[case("ABSKdummy", SECRET, None, "--api-key")]
    #[case("akiaiosfodnn7example", SECRET, None, "wrong form")]
    #[case("", SECRET, None, "wrong form")]
    #[case("AKIAIOSFODNN7EXAMPLE", "short", None, "40")]
    #[case("AKIAIOSFODNN7EXAMPLE", "", None, "empty")]
    #[case("AKIAIOSFODNN7EXAMPLE", SECRET, Some("token"), "leave it out")]
    #[case("ASIAIOSFODNN7EXAMPLE", SECRET, None, "--aws-session-token")]
    #[case("ASIAIOSFODNN7EXAMPLE", SECRET, Some("to ken"), "space")]
    fn malformed_keys_are_refused_without_being_repeated(
        #[case] id: &str,
        #[case] secret: &str,
        #[case] token: Option<&str>,
        #[case] hint: &str,
    ) {
        let error = keys(id, secret, token).unwrap_err().to_string();
        assert!(error.starts_with("aws_keys: ") && error.contains(hint), "{error}");
        for given in [SECRET, "AKIAIOSFODNN7EXAMPLE", "to ken"] {
            assert!(!error.contains(given), "{error}");
        }
    }

    const ID: &str = "0b1f8a3c-0000-4000-8000-000000000001";

    #[rstest]
    #[case(ID, ID, "value~dummy", None)]
    #[case("contoso.onmicrosoft.com", ID, "value~dummy", None)]
    #[case("contoso", ID, "value~dummy", Some("tenant"))]
    #[case("a.b/../c", ID, "value~dummy", Some("tenant"))]
    #[case(ID, "my-app", "value~dummy", Some("UUID"))]
    #[case(ID, ID, ID, Some("secret's id"))]
    #[case(ID, ID, " ", Some("empty"))]
    fn entra_applications_are_checked(
        #[case] tenant: &str,
        #[case] client_id: &str,
        #[case] secret: &str,
        #[case] hint: Option<&str>,
    ) {
        let given = GivenEntra {
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: disclosed(secret),
        };
        match (entra_application(&given), hint) {
            (Ok(stored), None) => assert_eq!(stored.tenant, tenant),
            (Err(error), Some(hint)) => assert!(error.to_string().contains(hint), "{error}"),
            (other, _) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_given_is_not_shown() {
        let given = GivenAwsKeys {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: disclosed("canary"),
            session_token: Some(disclosed("canary")),
        };
        assert!(!format!("{given:?}").contains("canary"));
    }
}
