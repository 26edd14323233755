//! What an account presents, as operators enter it.

use posthaste_core::{AccountId, AuthForm, Sealed, Secret};
use posthaste_vault::{StoredAwsKeys, StoredCredential, StoredEntra, Vault, account_credential_place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AdminError,
    input::{self, Disclosed},
};

/// AWS keys.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsKeysInput {
    /// `AKIA…`, or `ASIA…` for temporary ones.
    pub access_key_id: String,
    /// What signs.
    pub secret_access_key: Disclosed,
    /// Goes with temporary keys.
    #[serde(default)]
    pub session_token: Option<Disclosed>,
}

/// An application of Microsoft Entra.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntraInput {
    /// The directory: its id or a domain of it.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Disclosed,
}

/// What was entered, of whatever kind.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) api_key: Option<&'a Disclosed>,
    pub(super) aws: Option<&'a AwsKeysInput>,
    pub(super) entra: Option<&'a EntraInput>,
}

/// The kinds of what is kept. One is no use where another is presented.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    Aws,
    Entra,
    Login,
    Nothing,
}

impl Given<'_> {
    /// How it is presented where nobody said how: keys of AWS sign, and so on.
    pub(super) const fn form(&self) -> Option<AuthForm> {
        match (self.aws, self.entra) {
            (Some(_), _) => Some(AuthForm::AwsKeys),
            (None, Some(_)) => Some(AuthForm::Entra),
            (None, None) => None,
        }
    }

    /// The credential as it is to be kept: what was entered, sealed; else what is there, if that is presented still.
    pub(super) fn seal(
        self,
        vault: &Vault,
        id: AccountId,
        auth: AuthForm,
        kept: Option<(AuthForm, Sealed)>,
    ) -> Result<Option<Sealed>, AdminError> {
        let kind = Kind::of(auth);
        self.refuse_others(kind, auth)?;
        let kept = kept.filter(|(form, _)| Kind::of(*form) == kind).map(|(_, sealed)| sealed);
        match kind {
            Kind::Nothing => Ok(None),
            Kind::Login => kept.map(Some).ok_or_else(|| {
                let message =
                    "such an account has to be logged in: posthaste accounts login --preset PRESET --name NAME";
                AdminError::invalid("auth", message)
            }),
            Kind::Key => match self.api_key {
                Some(key) => {
                    let secret = input::secret("api_key", key)?;
                    Ok(Some(vault.seal(&account_credential_place(id), &secret)?))
                }
                None => needed(kept, "api_key", "is needed; give the key (--api-key -), or say that none is presented (--auth none)"),
            },
            Kind::Aws => match self.aws {
                Some(keys) => Ok(Some(aws(keys)?.seal(vault, id)?)),
                None => needed(kept, "aws_access_key_id", "is needed, with its secret: --aws-access-key-id ID --aws-secret-access-key -"),
            },
            Kind::Entra => match self.entra {
                Some(application) => Ok(Some(entra(application)?.seal(vault, id)?)),
                None => needed(kept, "entra_client_id", "is needed, with tenant and secret: --entra-tenant TENANT --entra-client-id ID --entra-client-secret -"),
            },
        }
    }

    /// A credential that would not be presented is a mistake.
    fn refuse_others(self, kind: Kind, auth: AuthForm) -> Result<(), AdminError> {
        let others = [
            ("api_key", self.api_key.is_some() && kind != Kind::Key),
            ("aws_access_key_id", self.aws.is_some() && kind != Kind::Aws),
            ("entra_client_id", self.entra.is_some() && kind != Kind::Entra),
        ];
        let Some((field, _)) = others.into_iter().find(|(_, wrong)| *wrong) else { return Ok(()) };
        let message = match auth {
            AuthForm::None => "is not used, since this account presents none; leave it out",
            AuthForm::OAuth => {
                "is not used by an account that is logged in: posthaste accounts login gives it a token"
            }
            AuthForm::AwsChain => {
                "is not used, since this account presents the machine's own AWS keys; leave it out"
            }
            _ => "is not what this account presents; leave it out, or say with --auth how it is presented",
        };
        Err(AdminError::invalid(field, message))
    }
}

impl Kind {
    const fn of(auth: AuthForm) -> Self {
        match auth {
            AuthForm::XApiKey | AuthForm::Bearer | AuthForm::XGoogApiKey | AuthForm::ApiKey => Self::Key,
            AuthForm::AwsKeys => Self::Aws,
            AuthForm::Entra => Self::Entra,
            AuthForm::OAuth => Self::Login,
            AuthForm::AwsChain | AuthForm::None => Self::Nothing,
        }
    }
}

fn needed(kept: Option<Sealed>, field: &'static str, message: &str) -> Result<Option<Sealed>, AdminError> {
    kept.map(Some).ok_or_else(|| AdminError::invalid(field, message))
}

/// Checks what can be told before AWS is asked. Nothing that was entered is repeated: one part may stand in another's place.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>, checked 2026-11-26.
fn aws(given: &AwsKeysInput) -> Result<StoredAwsKeys, AdminError> {
    let id = given.access_key_id.trim();
    let refuse = |field, message: &str| Err(AdminError::invalid(field, message));
    if !is_access_key_id(id) {
        return refuse(
            "aws_access_key_id",
            "is no access key id, which is 16 to 128 capital letters and digits, such as AKIAIOSFODNN7EXAMPLE",
        );
    }
    let secret = input::secret("aws_secret_access_key", &given.secret_access_key)?;
    if is_access_key_id(secret.expose()) {
        return refuse("aws_secret_access_key", "is an access key id; give the secret that belongs to it");
    }
    if !secret.expose().bytes().all(|letter| letter.is_ascii_graphic()) {
        return refuse(
            "aws_secret_access_key",
            "holds letters that no secret access key has; enter it again",
        );
    }
    let session_token = given.session_token.as_ref();
    let session_token = session_token.map(|token| input::secret("aws_session_token", token)).transpose()?;
    match (&session_token, id.get(..4)) {
        (None, Some("ASIA")) => {
            refuse("aws_session_token", "is needed: keys that begin with ASIA are temporary and have one")
        }
        (Some(_), Some("AKIA")) => refuse(
            "aws_session_token",
            "is not used: keys that begin with AKIA last and have none; leave it out",
        ),
        _ => Ok(StoredAwsKeys { access_key_id: id.to_owned(), secret_access_key: secret, session_token }),
    }
}

fn is_access_key_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && text.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
}

/// The tenant goes into the token server's address, and the id is a GUID
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>, checked 2026-11-26).
fn entra(given: &EntraInput) -> Result<StoredEntra, AdminError> {
    let tenant = given.tenant.trim();
    let in_tenant = |letter: u8| letter.is_ascii_alphanumeric() || b"-.".contains(&letter);
    if tenant.is_empty() || !tenant.bytes().all(in_tenant) {
        return Err(AdminError::invalid("entra_tenant", "is neither a directory's id nor a domain of it"));
    }
    let client_id = given.client_id.trim();
    if Uuid::try_parse(client_id).is_err() {
        let message = "is no application's id, such as 00000000-0000-0000-0000-000000000000";
        return Err(AdminError::invalid("entra_client_id", message));
    }
    let client_secret: Secret = input::secret("entra_client_secret", &given.client_secret)?;
    Ok(StoredEntra { tenant: tenant.to_owned(), client_id: client_id.to_owned(), client_secret })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn disclosed(text: &str) -> Disclosed {
        Disclosed::new(Secret::new(text))
    }

    const LASTING: &str = "AKIAIOSFODNN7EXAMPLE";
    const TEMPORARY: &str = "ASIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[rstest]
    #[case::lasting(LASTING, SECRET, None, None)]
    #[case::temporary(TEMPORARY, SECRET, Some("dummy-session-token"), None)]
    #[case::swapped(SECRET, LASTING, None, Some("aws_access_key_id"))]
    #[case::an_id_twice(LASTING, LASTING, None, Some("aws_secret_access_key"))]
    #[case::lower_case("akiaiosfodnn7example", SECRET, None, Some("aws_access_key_id"))]
    #[case::short("AKIA", SECRET, None, Some("aws_access_key_id"))]
    #[case::empty_secret(LASTING, " ", None, Some("aws_secret_access_key"))]
    #[case::broken_secret(LASTING, "wJalr\nXUtn", None, Some("aws_secret_access_key"))]
    #[case::foreign_letters(LASTING, "wJalrXUtnFÉMI", None, Some("aws_secret_access_key"))]
    #[case::no_token(TEMPORARY, SECRET, None, Some("aws_session_token"))]
    #[case::needless_token(LASTING, SECRET, Some("dummy"), Some("aws_session_token"))]
    fn malformed_aws_keys_name_the_part_and_repeat_nothing(
        #[case] id: &str,
        #[case] secret: &str,
        #[case] token: Option<&str>,
        #[case] wrong: Option<&str>,
    ) {
        let given = AwsKeysInput {
            access_key_id: id.to_owned(),
            secret_access_key: disclosed(secret),
            session_token: token.map(disclosed),
        };
        match (aws(&given), wrong) {
            (Ok(_), None) => {}
            (Err(AdminError::Invalid { field, message }), Some(wrong)) => {
                assert_eq!(field, wrong, "{message}");
                assert!(!message.contains(SECRET), "{message}");
            }
            (met, _) => panic!("{met:?}"),
        }
    }

    #[rstest]
    #[case("contoso.example", "not-a-guid", "entra_client_id")]
    #[case("../x", "00000000-0000-0000-0000-000000000001", "entra_tenant")]
    #[case("", "00000000-0000-0000-0000-000000000001", "entra_tenant")]
    fn a_malformed_application_names_the_part(#[case] tenant: &str, #[case] id: &str, #[case] wrong: &str) {
        let given = EntraInput {
            tenant: tenant.to_owned(),
            client_id: id.to_owned(),
            client_secret: disclosed("dummy"),
        };
        assert!(matches!(entra(&given), Err(AdminError::Invalid { field, .. }) if field == wrong));
    }
}
