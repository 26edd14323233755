//! Looking for what is in the way of log-ins at a provider, as far as that shows without a browser.

use openidconnect::{
    HttpRequest, PkceCodeChallenge,
    core::{CoreJsonWebKeySet, CoreProviderMetadata},
};
use posthaste_admin::{DirectoryError, ProviderError, ReturnedLogin, SignInFinding, SignInStep as Step};
use posthaste_core::Secret;
use serde_json::Value;
use url::Url;

use super::{
    ALGORITHMS, CLIENT_NOT_TAKEN, CODE_NOT_TAKEN, OidcProvider, known::Known, options::is_this_machine, short,
};
use crate::findings::{Findings, line, some_of, words};

impl OidcProvider {
    pub(super) async fn look_for_trouble(&self) -> Vec<SignInFinding> {
        let mut seen = Findings::beginning_with(Step::Description);
        if let Some((said, metadata)) = self.description(&mut seen).await {
            self.look_at_description(&mut seen, &said);
            if self.keys(&mut seen, &said).await {
                self.try_client(&mut seen, metadata).await;
            }
        }
        self.tell_redirect(&mut seen);
        seen.all
    }

    /// What the provider says of itself, where that is its own and leads nowhere in the clear.
    async fn description(&self, seen: &mut Findings) -> Option<(Value, CoreProviderMetadata)> {
        let advice = "look at `oidc.issuer`: the provider describes itself below it, at /.well-known/openid-configuration";
        let url = match self.provider.description_url() {
            Ok(url) => url,
            Err(error) => {
                seen.failed(Step::Description, &error, advice);
                return None;
            }
        };
        let said = match self.read(&url).await {
            Ok(said) => said,
            Err(error) => {
                seen.failed(Step::Description, &error, advice);
                return None;
            }
        };
        let metadata = match serde_json::from_value::<CoreProviderMetadata>(said.clone()) {
            Ok(metadata) => metadata,
            Err(error) => {
                seen.bad(
                    Step::Description,
                    format!("it cannot be used: {}", short(&error.to_string())),
                    advice,
                );
                return None;
            }
        };
        seen.good(Step::Description, line(url.as_str()));
        if !self.is_own(seen, &said) || !self.leads_nowhere_in_the_clear(seen, &said) {
            return None;
        }
        Some((said, metadata))
    }

    fn is_own(&self, seen: &mut Findings, said: &Value) -> bool {
        let named = said["issuer"].as_str().unwrap_or_default();
        let is_own = named == self.options.issuer;
        if is_own {
            seen.good(Step::Issuer, line(named));
        } else {
            seen.bad(
                Step::Issuer,
                format!("it calls itself `{}`, and `oidc.issuer` is `{}`", line(named), self.options.issuer),
                "set `oidc.issuer` to what it calls itself, letter by letter",
            );
        }
        is_own
    }

    fn leads_nowhere_in_the_clear(&self, seen: &mut Findings, said: &Value) -> bool {
        let (mut hosts, mut unfit) = (Vec::new(), Vec::new());
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let url = said[name].as_str().and_then(|url| Url::parse(url).ok());
            match url.map(|url| self.provider.asking().check(&url).map(|()| url)) {
                None => unfit.push(format!("`{name}` is no address")),
                Some(Err(error)) => unfit.push(format!("`{name}`: {}", words(&error))),
                Some(Ok(url)) => hosts.push(url.host_str().unwrap_or_default().to_owned()),
            }
        }
        hosts.dedup();
        if unfit.is_empty() {
            seen.good(Step::Endpoints, format!("all are kept from others, at {}", some_of(&hosts)));
        } else {
            seen.bad(Step::Endpoints, some_of(&unfit), "the provider has to name `https://` addresses");
        }
        unfit.is_empty()
    }

    fn look_at_description(&self, seen: &mut Findings, said: &Value) {
        let known = ALGORITHMS.iter().filter_map(|one| serde_json::to_value(one).ok());
        let known: Vec<_> = known.filter_map(|one| one.as_str().map(str::to_owned)).collect();
        let signs = texts(&said["id_token_signing_alg_values_supported"]).unwrap_or_default();
        match signs.iter().any(|one| known.contains(one)) {
            true => seen.good(Step::Signatures, some_of(&signs)),
            false => seen.bad(
                Step::Signatures,
                format!("it signs with {} alone", some_of(&signs)),
                format!("have it sign with one of {}", some_of(&known)),
            ),
        }
        self.look_at_authentication(seen, said);
        match texts(&said["code_challenge_methods_supported"]) {
            Some(methods) if !methods.iter().any(|method| method == "S256") => seen.doubtful(
                Step::Pkce,
                format!("it tells {} alone", some_of(&methods)),
                "the relay binds codes by S256, and always does",
            ),
            Some(_) => seen.good(Step::Pkce, "by S256"),
            None => seen.good(Step::Pkce, "by S256; the provider does not tell which it takes"),
        }
        let asked = std::iter::once("openid".to_owned()).chain(self.options.scopes.iter().cloned());
        let asked: Vec<_> = asked.collect();
        let lacks = |told: &str, of: &[String]| match texts(&said[told]) {
            Some(told) => of.iter().filter(|one| !told.contains(one)).cloned().collect(),
            None => Vec::new(),
        };
        let missing = lacks("scopes_supported", &asked);
        if missing.is_empty() {
            seen.good(Step::Scopes, some_of(&asked));
        } else {
            let found = format!("it does not list {}", some_of(&missing));
            seen.doubtful(
                Step::Scopes,
                found,
                "look at `oidc.scopes`, or allow them to this client at the provider",
            );
        }
        let wanted = self.claims_wanted();
        let missing = lacks("claims_supported", &wanted);
        if missing.is_empty() {
            seen.good(Step::Claims, some_of(&wanted));
        } else {
            seen.doubtful(
                Step::Claims,
                format!("it does not list {}", some_of(&missing)),
                "providers may tell claims that they do not list; if it does not, look at `oidc.name_claim`, `oidc.groups_claim` and their like, and at `oidc.scopes`",
            );
        }
    }

    /// The claims that a log-in looks for, without what lies within them.
    fn claims_wanted(&self) -> Vec<String> {
        let claims = &self.options.claims;
        let groups = self.options.roles.asks_groups().then_some(&claims.groups);
        let all = [&claims.name, &claims.display_name, &claims.email].into_iter().chain(groups);
        let whole = |claim: &String| match claim.strip_prefix('/') {
            Some(way) => way.split('/').next().unwrap_or_default().to_owned(),
            None => claim.clone(),
        };
        all.map(whole).collect()
    }

    fn look_at_authentication(&self, seen: &mut Findings, said: &Value) {
        if self.options.client_secret.is_none() {
            return seen.good(Step::ClientAuthentication, "none: a public client, which has PKCE alone");
        }
        let methods = texts(&said["token_endpoint_auth_methods_supported"]);
        let takes = |method: &str| methods.as_ref().is_none_or(|all| all.iter().any(|one| one == method));
        if takes("client_secret_basic") {
            seen.good(Step::ClientAuthentication, "the secret, by HTTP Basic (`client_secret_basic`)");
        } else if takes("client_secret_post") {
            seen.good(Step::ClientAuthentication, "the secret, in the request (`client_secret_post`)");
        } else {
            seen.bad(
                Step::ClientAuthentication,
                format!("it takes {} alone", some_of(&methods.unwrap_or_default())),
                "let this client show its secret at the provider (`client_secret_basic`)",
            );
        }
    }

    /// Whether the keys can be read.
    async fn keys(&self, seen: &mut Findings, said: &Value) -> bool {
        seen.going = Step::Keys;
        let advice = "without the provider's keys no identity can be believed";
        let read = match said["jwks_uri"].as_str().and_then(|url| Url::parse(url).ok()) {
            Some(url) => self.read(&url).await,
            None => Err(DirectoryError::unfit("`jwks_uri` is no address")),
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                seen.failed(Step::Keys, &error, advice);
                return false;
            }
        };
        let usable = serde_json::from_value::<CoreJsonWebKeySet>(read.clone());
        let usable = usable.map(|keys| keys.keys().len()).unwrap_or_default();
        if usable == 0 {
            seen.bad(Step::Keys, "there is none that can be used", advice);
            return false;
        }
        let named = read["keys"].as_array().into_iter().flatten().map(|key| {
            let part = |name: &str| key[name].as_str().unwrap_or("–");
            format!("{} `{}`", part("kty"), part("kid"))
        });
        seen.good(Step::Keys, format!("{usable}: {}", some_of(&named.collect::<Vec<_>>())));
        true
    }

    /// Shows a code that nobody has given: a provider that knows the relay refuses that code alone.
    async fn try_client(&self, seen: &mut Findings, metadata: CoreProviderMetadata) {
        seen.going = Step::Client;
        let advice = "look at `oidc.client_id` and its secret";
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        let (code, nonce) = (Secret::new(NO_CODE), Secret::new(NO_CODE));
        let verifier = Secret::new(verifier.secret().as_str());
        let back = ReturnedLogin { code: &code, issuer: None, nonce: &nonce, verifier: &verifier };
        let client = self.client(&Known::of(metadata));
        match self.token(&client, back).await {
            Err(ProviderError::Refused { what: CODE_NOT_TAKEN, .. }) => {
                seen.good(
                    Step::Client,
                    "it takes the client, and refuses only the made-up code of this test",
                );
            }
            Err(ProviderError::Refused { what: CLIENT_NOT_TAKEN, why }) => {
                seen.failed(Step::Client, &why, advice);
            }
            Err(ProviderError::Refused { why, .. }) => {
                let found = format!("its answer to a made-up code tells nothing: {}", words(&why));
                seen.doubtful(Step::Client, found, advice);
            }
            Err(ProviderError::Away(error)) => {
                seen.failed(
                    Step::Client,
                    &error,
                    "the token endpoint has to answer, or no code is worth anything",
                );
            }
            Ok(_) => seen.bad(
                Step::Client,
                "it gives an identity for a made-up code",
                "do not believe this provider: anybody could be anybody",
            ),
        }
    }

    fn tell_redirect(&self, seen: &mut Findings) {
        let redirect = self.redirect.url();
        let found = format!("register {} at the provider", line(redirect.as_str()));
        if redirect.scheme() == "https" || is_this_machine(redirect) {
            seen.good(Step::Redirect, found);
        } else {
            let advice = "codes would come back in the clear: put TLS before the relay, and set `oidc.public_url` to its `https://` address";
            seen.doubtful(Step::Redirect, found, advice);
        }
    }

    /// A JSON document of the provider's, asked for as at a log-in.
    async fn read(&self, url: &Url) -> Result<Value, DirectoryError> {
        let request = http::Request::get(url.as_str()).header(http::header::ACCEPT, "application/json");
        let request: HttpRequest =
            request.body(Vec::new()).map_err(|error| DirectoryError::new("the provider's address", error))?;
        let answer = self.provider.asking().ask(request).await?;
        let place = format!("`{}{}`", url.host_str().unwrap_or_default(), url.path());
        if !answer.status().is_success() {
            return Err(DirectoryError::unfit(format!("{place} answers with {}", answer.status())));
        }
        serde_json::from_slice(answer.body())
            .map_err(|_| DirectoryError::unfit(format!("{place} answers with something that is no JSON")))
    }
}

/// The texts of a list; `None` where there is none.
fn texts(list: &Value) -> Option<Vec<String>> {
    Some(list.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What no provider has given.
const NO_CODE: &str = "posthaste-test-of-the-client";
