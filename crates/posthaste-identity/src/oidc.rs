//! People whom an OpenID provider knows.
//!
//! The authorization code flow with PKCE: <https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth>, RFC 7636. What is in an
//! identity token, and whether it can be believed, is the `openidconnect` crate's work; who is called and how is ours.

mod asking;
mod claims;
mod examine;
mod known;
mod options;

pub use options::{OidcClaims, OidcOptions, OidcSetupError};

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken,
        CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreTokenResponse,
    },
};
use posthaste_admin::{
    BegunLogin, DirectoryError, IdentityProvider, ProviderError, ReturnedLogin, SignInFinding, Vouched,
};
use posthaste_core::{Clock, Secret, Timestamp, Transport};
use tokio::sync::Semaphore;

use self::{
    asking::Asking,
    known::{Known, Provider},
};

/// An OpenID provider.
pub struct OidcProvider {
    options: OidcOptions,
    redirect: RedirectUrl,
    provider: Provider,
    clock: Arc<dyn Clock>,
    at_once: Semaphore,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl OidcProvider {
    /// Takes what is told of it. Nothing is called. The clock tells whether identity tokens have ended.
    ///
    /// # Errors
    /// For an address that cannot be used.
    pub fn new(
        options: OidcOptions,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OidcSetupError> {
        options.check()?;
        let issuer =
            IssuerUrl::new(options.issuer.clone()).map_err(|error| OidcSetupError(error.to_string()))?;
        let redirect = RedirectUrl::new(options.redirect.clone());
        let redirect = redirect.map_err(|error| OidcSetupError(error.to_string()))?;
        let asking = Asking::new(&options, transport)?;
        Ok(Self {
            options,
            redirect,
            provider: Provider::new(issuer, asking),
            clock,
            at_once: Semaphore::new(AT_ONCE),
        })
    }

    fn client(&self, known: &Known) -> Client {
        let secret =
            self.options.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let id = ClientId::new(self.options.client_id.clone());
        let client = CoreClient::from_provider_metadata(known.metadata.clone(), id, secret);
        let client = client.set_redirect_uri(self.redirect.clone());
        // HTTP Basic is what every provider takes that does not say otherwise (OpenID Connect Discovery 1.0, section 3).
        let methods = known.metadata.token_endpoint_auth_methods_supported();
        match methods {
            Some(methods) if !methods.contains(&CoreClientAuthMethod::ClientSecretBasic) => {
                client.set_auth_type(AuthType::RequestBody)
            }
            _ => client,
        }
    }

    /// The identity token that a code is good for.
    async fn token(&self, client: &Client, back: ReturnedLogin<'_>) -> Result<CoreIdToken, ProviderError> {
        let unfit = |what: &str| refused(UNREADABLE, DirectoryError::unfit(what));
        let request = client
            .exchange_code(AuthorizationCode::new(back.code.expose().to_owned()))
            .map_err(|error| refused(UNREADABLE, DirectoryError::new("the provider's description", error)))?
            .set_pkce_verifier(PkceCodeVerifier::new(back.verifier.expose().to_owned()));
        let answer: Result<CoreTokenResponse, _> =
            Box::pin(request.request_async(self.provider.asking())).await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::Request(error) => ProviderError::Away(error),
            RequestTokenError::ServerResponse(told) => {
                let what = match told.error() {
                    CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                        CLIENT_NOT_TAKEN
                    }
                    _ => CODE_NOT_TAKEN,
                };
                refused(what, DirectoryError::unfit(short(&told.to_string())))
            }
            // The parser's own words would repeat what it stumbled over.
            RequestTokenError::Parse(fault, _) => unfit(&format!(
                "the token endpoint's answer cannot be read at `{}`",
                short(&fault.path().to_string())
            )),
            RequestTokenError::Other(what) => unfit(&short(&what)),
        })?;
        answer.id_token().cloned().ok_or_else(|| unfit("the token endpoint's answer has no identity token"))
    }

    /// What an identity token says, once it is known to be the provider's, for this relay and for this log-in.
    async fn claims(
        &self,
        known: &Arc<Known>,
        token: &CoreIdToken,
        nonce: &Secret,
    ) -> Result<CoreIdTokenClaims, ProviderError> {
        let nonce = Nonce::new(nonce.expose().to_owned());
        let checked = self.checked(known, token, &nonce);
        let unknown =
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey);
        let checked = match checked {
            Err(error) if error == unknown => match self.provider.refreshed(known).await {
                Some(fresh) => self.checked(&fresh, token, &nonce),
                None => Err(error),
            },
            checked => checked,
        };
        let claims = checked
            .map_err(|error| refused(words(&error), DirectoryError::new("the identity token", error)))?;
        let party = claims.authorized_party();
        if party.is_some_and(|party| party.as_str() != self.options.client_id) {
            let why = DirectoryError::unfit("the identity token's `azp` is another client");
            return Err(refused(OTHER_AUDIENCE, why));
        }
        Ok(claims)
    }

    fn checked(
        &self,
        known: &Known,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let client = self.client(known);
        // Whatever the provider lists: none that needs no key, and none whose key is the client's secret.
        let now = self.clock.now();
        let (ends_after, made_until) = (instant(now.minus(CLOCKS_APART)), instant(now.plus(CLOCKS_APART)));
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let verifier = verifier.set_time_fn(move || ends_after).set_issue_time_verifier_fn(move |made| {
            if made <= made_until {
                Ok(())
            } else {
                Err(format!("it is made at {made}, which is yet to come"))
            }
        });
        token.claims(&verifier, nonce).cloned()
    }
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    fn label(&self) -> &str {
        &self.options.label
    }

    async fn begin(&self) -> Result<BegunLogin, DirectoryError> {
        let known = self.provider.known().await?;
        let client = self.client(&known);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        // `openid` is always asked for.
        for scope in self.options.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        Ok(BegunLogin {
            url: url.to_string(),
            state: Secret::new(state.secret().as_str()),
            nonce: Secret::new(nonce.secret().as_str()),
            verifier: Secret::new(verifier.secret().as_str()),
        })
    }

    async fn finish(&self, back: ReturnedLogin<'_>) -> Result<Vouched, ProviderError> {
        if back.issuer.is_some_and(|issuer| issuer != self.options.issuer) {
            let why = DirectoryError::unfit("the answer's `iss` is not `oidc.issuer`");
            return Err(refused(OTHER_ISSUER, why));
        }
        let turn = tokio::time::timeout(self.options.timeout, self.at_once.acquire()).await;
        let _turn = turn.map_err(|_| {
            ProviderError::Away(DirectoryError::unfit("too many log-ins wait for the provider already"))
        })?;
        let known = self.provider.known().await.map_err(ProviderError::Away)?;
        let token = self.token(&self.client(&known), back).await?;
        let claims = self.claims(&known, &token, back.nonce).await?;
        claims::vouched(&self.options, &claims, &token)
    }

    async fn examine(&self) -> Vec<SignInFinding> {
        Box::pin(self.look_for_trouble()).await
    }
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcProvider").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A moment as the `openidconnect` crate tells it. Beyond the years that it knows, everything has ended.
fn instant(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.as_micros()).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn refused(what: &'static str, why: DirectoryError) -> ProviderError {
    ProviderError::Refused { what, why }
}

/// Why a token is not believed, for who wants to log in.
fn words(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => EXPIRED,
        ClaimsVerificationError::InvalidAudience(_) => OTHER_AUDIENCE,
        ClaimsVerificationError::InvalidIssuer(_) => OTHER_ISSUER,
        ClaimsVerificationError::InvalidNonce(_) => OTHER_NONCE,
        ClaimsVerificationError::SignatureVerification(_) => NOT_SIGNED,
        _ => NOT_BELIEVED,
    }
}

/// What the provider says, on one line and not long.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// So many log-ins ask the provider at once; others wait for their turn.
const AT_ONCE: usize = 8;

/// So far the provider's clock may be from this machine's, to either side.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// Signatures that nobody but the provider can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

const UNREADABLE: &str = "the identity provider's answer cannot be used; an operator finds why in the log";
const CODE_NOT_TAKEN: &str = "the identity provider does not take its own code any more; begin again";
const CLIENT_NOT_TAKEN: &str = "the identity provider does not know this relay; an operator has to look at `oidc.client_id` and its secret";
const OTHER_ISSUER: &str =
    "the identity was vouched for by another provider than the one that this relay believes";
const OTHER_AUDIENCE: &str = "the identity was vouched for to somebody else than this relay";
const OTHER_NONCE: &str = "the identity was vouched for in another log-in than this one; begin again";
const EXPIRED: &str =
    "what the identity provider vouched for has ended or is yet to come, by this relay's clock; begin again";
const NOT_SIGNED: &str = "the identity is not signed as the identity provider signs";
const NOT_BELIEVED: &str =
    "what the identity provider says of you cannot be believed; an operator finds why in the log";
