//! The flows.

mod asker;

use std::{fmt, sync::Arc, time::Duration};

use http::{Request, StatusCode, header};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, DeviceAuthorizationUrl, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardDeviceAuthorizationResponse, TokenUrl,
};
use posthaste_core::{Clock, Egress, Payload, Secret, Timestamp, Transport};
use serde_json::json;
use tokio::sync::mpsc;
use url::Url;

use self::asker::{Watched, read_device_error, read_error, requester, stored};
use super::{
    LoginTicket, OAuthClient, OAuthClients, OAuthError, OAuthProvider, TokenBody,
    error::{CODE_FLOW, DEVICE_FLOW},
    exchange::{self, Exchange},
    pasted::{self, Pasted},
    provider::ENTRA,
    ticket::{self, CodeTicket, DeviceTicket},
};
use crate::{StoredEntra, StoredToken, Vault};

/// Logs in and refreshes. Cheap to clone.
#[derive(Clone)]
pub struct OAuthFlows {
    clients: Arc<OAuthClients>,
    vault: Arc<Vault>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

/// A sign-in by code that was begun: send a person to `url` with their browser.
#[derive(Clone, Debug)]
pub struct CodeStart {
    /// The vendor.
    pub provider: &'static OAuthProvider,
    /// Where the person goes.
    pub url: Url,
    /// Where the browser will be sent with the code.
    pub redirect_uri: Url,
    /// What the answer must carry; for [`Loopback::wait`](super::Loopback::wait).
    pub state: String,
    /// Goes back into [`finish_code`](OAuthFlows::finish_code).
    pub ticket: LoginTicket,
    /// When the ticket ends.
    pub expires_at: Timestamp,
}

/// A sign-in by device code that was begun: tell a person the address and the code.
#[derive(Clone, Debug)]
pub struct DeviceStart {
    /// The vendor.
    pub provider: &'static OAuthProvider,
    /// Where the person goes, on any device.
    pub verification_uri: String,
    /// The same with the code in it, if the vendor gives that.
    pub verification_uri_complete: Option<String>,
    /// What the person enters there.
    pub user_code: String,
    /// How long to wait before each [`poll_device`](OAuthFlows::poll_device).
    pub interval: Duration,
    /// Goes into [`poll_device`](OAuthFlows::poll_device).
    pub ticket: LoginTicket,
    /// When the code ends.
    pub expires_at: Timestamp,
}

/// What came of asking whether the person is done.
#[derive(Clone, Debug)]
pub enum DevicePoll {
    /// Not yet: ask again with this ticket after `wait`.
    Pending {
        /// Stands in for the one before.
        ticket: LoginTicket,
        /// How long to wait.
        wait: Duration,
    },
    /// The same, but the vendor was asked too often.
    SlowDown {
        /// Stands in for the one before.
        ticket: LoginTicket,
        /// How long to wait.
        wait: Duration,
    },
    /// The same, but no answer came.
    Unanswered {
        /// Stands in for the one before.
        ticket: LoginTicket,
        /// How long to wait.
        wait: Duration,
        /// What happened.
        error: OAuthError,
    },
    /// Logged in.
    Done(StoredToken),
}

impl OAuthFlows {
    /// Flows of these clients.
    pub fn new(
        clients: Arc<OAuthClients>,
        vault: Arc<Vault>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { clients, vault, transport, clock }
    }

    /// The operator's clients.
    pub fn clients(&self) -> &OAuthClients {
        &self.clients
    }

    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Begins a sign-in by code. `redirect_uri` stands in for the configured one, for a listener on another port.
    ///
    /// # Errors
    /// [`OAuthError::NotConfigured`], [`OAuthError::NotOffered`], [`OAuthError::Vault`].
    pub fn start_code(&self, provider: &str, redirect_uri: Option<&Url>) -> Result<CodeStart, OAuthError> {
        let client = self.clients.client(provider)?;
        let not_offered = || OAuthError::NotOffered { provider: client.provider.name, flow: CODE_FLOW };
        let authorize_url = client.authorize_url.clone().ok_or_else(not_offered)?;
        let redirect_uri = redirect_uri.or(client.redirect_uri.as_ref()).cloned().ok_or_else(not_offered)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let authorizer = oauth2::basic::BasicClient::new(ClientId::new(client.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(authorize_url))
            .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()));
        let mut request = authorizer
            .authorize_url(|| CsrfToken::new_random_len(STATE_BYTES))
            .add_scopes(client.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        for (name, value) in client.provider.authorize_extra {
            request = request.add_extra_param(*name, *value);
        }
        let (url, state) = request.url();
        let expires_at = self.clock.now().plus(CODE_LIFE);
        let ticket = CodeTicket {
            provider: client.provider.name.to_owned(),
            redirect_uri: redirect_uri.to_string(),
            state: state.secret().clone(),
            verifier: verifier.into_secret(),
            expires_at,
        };
        let ticket = ticket::seal(&self.vault, &ticket)?;
        let state = state.into_secret();
        Ok(CodeStart { provider: client.provider, url, redirect_uri, state, ticket, expires_at })
    }

    /// Exchanges what the person brought back: a code, `CODE#STATE`, or the whole address that the browser was sent to.
    ///
    /// The token's generation is 0: whoever stores it over another one sets it past that one's.
    ///
    /// # Errors
    /// Any [`OAuthError`].
    pub async fn finish_code(
        &self,
        ticket: &LoginTicket,
        pasted: &str,
        egress: &Egress,
    ) -> Result<StoredToken, OAuthError> {
        let ticket: CodeTicket = ticket::open(&self.vault, ticket)?;
        let client = self.clients.client(&ticket.provider)?;
        let provider = client.provider.name;
        let answer = pasted::read(pasted).ok_or(OAuthError::NoCode)?;
        let (Pasted::Code { state, .. } | Pasted::Error { state, .. }) = &answer;
        if state.as_ref().is_some_and(|state| *state != ticket.state) {
            return Err(OAuthError::StateMismatch);
        }
        let code = match answer {
            Pasted::Code { code, .. } => code,
            Pasted::Error { error, .. } if error == "access_denied" => {
                return Err(OAuthError::Denied { provider });
            }
            Pasted::Error { error, why, .. } => return Err(OAuthError::Refused { provider, error, why }),
        };
        if self.clock.now() >= ticket.expires_at {
            return Err(OAuthError::ExpiredCode { provider });
        }
        let redirect = RedirectUrl::new(ticket.redirect_uri).map_err(|_| OAuthError::BadTicket)?;
        let state = client.provider.state_at_token.then_some(ticket.state.as_str());
        let grant = Grant::Code { code: &code, verifier: &ticket.verifier, redirect, state };
        self.tokens(&client, &grant, egress).await
    }

    /// Begins a sign-in by device code.
    ///
    /// # Errors
    /// Any [`OAuthError`].
    pub async fn start_device(&self, provider: &str, egress: &Egress) -> Result<DeviceStart, OAuthError> {
        let client = self.clients.client(provider)?;
        let not_offered = || OAuthError::NotOffered { provider: client.provider.name, flow: DEVICE_FLOW };
        let url = client.device_url.clone().ok_or_else(not_offered)?;
        let exchange = Exchange::new(&*self.transport, egress, &url, TokenBody::Form);
        let asked_at = self.clock.now();
        let asker =
            requester(&client).set_device_authorization_url(DeviceAuthorizationUrl::from_url(url.clone()));
        let mut request =
            asker.exchange_device_code().add_scopes(client.scopes.iter().cloned().map(Scope::new));
        let mut verifier = None;
        if client.provider.device_pkce {
            let (challenge, secret) = PkceCodeChallenge::new_random_sha256();
            request = request
                .add_extra_param("code_challenge", challenge.as_str().to_owned())
                .add_extra_param("code_challenge_method", "S256");
            verifier = Some(secret.into_secret());
        }
        let asked = request.request_async(&exchange).await;
        let told: StandardDeviceAuthorizationResponse =
            asked.map_err(|error| read_error(&client, &url, error))?;
        let interval = told.interval().max(SHORTEST_INTERVAL);
        let expires_at = asked_at.plus(told.expires_in());
        let ticket = DeviceTicket {
            provider: client.provider.name.to_owned(),
            device_code: told.device_code().secret().clone(),
            verifier,
            interval: interval.as_secs(),
            expires_at,
        };
        Ok(DeviceStart {
            provider: client.provider,
            verification_uri: told.verification_uri().to_string(),
            verification_uri_complete: told.verification_uri_complete().map(|uri| uri.secret().clone()),
            user_code: told.user_code().secret().clone(),
            interval,
            ticket: ticket::seal(&self.vault, &ticket)?,
            expires_at,
        })
    }

    /// Asks once whether the person is done.
    ///
    /// # Errors
    /// [`OAuthError::Denied`] and [`OAuthError::ExpiredCode`] end the sign-in; so do all others.
    pub async fn poll_device(&self, ticket: &LoginTicket, egress: &Egress) -> Result<DevicePoll, OAuthError> {
        let mut ticket: DeviceTicket = ticket::open(&self.vault, ticket)?;
        let client = self.clients.client(&ticket.provider)?;
        if self.clock.now() >= ticket.expires_at {
            return Err(OAuthError::ExpiredCode { provider: client.provider.name });
        }
        match self.poll_once(&client, &ticket, egress).await? {
            Polled::Done(token) => Ok(DevicePoll::Done(token)),
            Polled::Again { wait, unanswered } => {
                let slower = wait > Duration::from_secs(ticket.interval);
                ticket.interval = wait.as_secs();
                let ticket = ticket::seal(&self.vault, &ticket)?;
                Ok(match unanswered {
                    Some(error) => DevicePoll::Unanswered { ticket, wait, error },
                    None if slower => DevicePoll::SlowDown { ticket, wait },
                    None => DevicePoll::Pending { ticket, wait },
                })
            }
        }
    }

    /// Asks until the person is done, has refused, or the code has ended.
    ///
    /// # Errors
    /// As [`poll_device`](Self::poll_device).
    pub async fn wait_device(&self, start: &DeviceStart, egress: &Egress) -> Result<StoredToken, OAuthError> {
        let mut ticket = start.ticket.clone();
        let mut pause = start.interval;
        loop {
            tokio::time::sleep(pause).await;
            match self.poll_device(&ticket, egress).await? {
                DevicePoll::Done(token) => return Ok(token),
                DevicePoll::Pending { ticket: next, wait }
                | DevicePoll::SlowDown { ticket: next, wait }
                | DevicePoll::Unanswered { ticket: next, wait, .. } => (ticket, pause) = (next, wait),
            }
        }
    }

    /// Exchanges the refresh token for new tokens. What the answer leaves out is kept; the generation grows by one.
    ///
    /// The old refresh token may be dead afterwards, so that the new one must be made durable before it is used.
    ///
    /// # Errors
    /// Any [`OAuthError`]; of them only those that [need another login](OAuthError::needs_login) are for good.
    pub async fn refresh(&self, token: &StoredToken, egress: &Egress) -> Result<StoredToken, OAuthError> {
        let client = self.clients.client(&token.provider)?;
        let provider = client.provider.name;
        let refresh_token = token.refresh_token.as_ref().ok_or(OAuthError::NoRefreshToken { provider })?;
        let fresh = self.tokens(&client, &Grant::Refresh { refresh_token }, egress).await?;
        let facts = posthaste_core::TokenFacts {
            base_url: fresh.facts.base_url.or_else(|| token.facts.base_url.clone()),
            account: fresh.facts.account.or_else(|| token.facts.account.clone()),
            identity: fresh.facts.identity.or_else(|| token.facts.identity.clone()),
        };
        Ok(StoredToken {
            refresh_token: fresh.refresh_token.or_else(|| token.refresh_token.clone()),
            facts,
            generation: token.generation.saturating_add(1),
            ..fresh
        })
    }

    /// Gets a token for an application that presents its own secret (RFC 6749 §4.4).
    pub(crate) async fn client_credentials(
        &self,
        url: &Url,
        application: &StoredEntra,
        scope: &str,
        egress: &Egress,
    ) -> Result<StoredToken, OAuthError> {
        let client = OAuthClient {
            provider: &ENTRA,
            client_id: application.client_id.clone(),
            client_secret: Some(application.client_secret.clone()),
            scopes: vec![scope.to_owned()],
            redirect_uri: None,
            authorize_url: None,
            token_urls: vec![url.clone()],
            device_url: None,
            refresh_window: ENTRA.refresh_window,
        };
        self.tokens(&client, &Grant::OwnSecret, egress).await
    }

    /// Tries a token out where the vendor has a request for that which costs nothing; `false` when it has none.
    ///
    /// # Errors
    /// [`OAuthError::InvalidGrant`] when the token is refused; otherwise when no answer came.
    pub async fn check(&self, token: &StoredToken, egress: &Egress) -> Result<bool, OAuthError> {
        let client = self.clients.client(&token.provider)?;
        let Some(check) = client.provider.check else { return Ok(false) };
        let url = Url::parse(check.url).expect("the rows' URLs are valid");
        let mut request = Request::get(check.url)
            .header(header::AUTHORIZATION, format!("Bearer {}", token.access_token.expose()))
            .header(header::ACCEPT, "application/json");
        for (name, value) in check.headers {
            request = request.header(*name, *value);
        }
        let host = url.host_str().unwrap_or_default();
        let unfit = |_| OAuthError::BadAnswer {
            host: host.to_owned(),
            what: "a token that does not fit into a header".to_owned(),
        };
        let request = request.body(Payload::default()).map_err(unfit)?;
        let status = exchange::status(&*self.transport, request, &exchange::towards(&url, egress)).await?;
        match status {
            StatusCode::UNAUTHORIZED => Err(OAuthError::InvalidGrant {
                provider: client.provider.name,
                why: "the token is refused where it was tried out".to_owned(),
            }),
            status if status.is_server_error() => {
                Err(OAuthError::Busy { host: host.to_owned(), status: status.as_u16(), retry_after: None })
            }
            _ => Ok(true),
        }
    }

    async fn poll_once(
        &self,
        client: &OAuthClient,
        ticket: &DeviceTicket,
        egress: &Egress,
    ) -> Result<Polled, OAuthError> {
        let url = &client.token_urls[0];
        let exchange = Exchange::new(&*self.transport, egress, url, TokenBody::Form);
        // Only these two parts of the vendor's answer matter for polling.
        let authorized: StandardDeviceAuthorizationResponse = serde_json::from_value(json!({
            "device_code": ticket.device_code,
            "user_code": "",
            "verification_uri": url,
            "expires_in": DEVICE_LIFE.as_secs(),
            "interval": ticket.interval,
        }))
        .map_err(|_| OAuthError::BadTicket)?;
        let asker = requester(client).set_token_uri(TokenUrl::from_url(url.clone()));
        let mut request =
            asker.exchange_device_access_token(&authorized).set_max_backoff_interval(LONGEST_INTERVAL);
        if let Some(verifier) = &ticket.verifier {
            request = request.add_extra_param("code_verifier", verifier.clone());
        }
        // The crate would poll to the end. Its first pause hands out how long it is, and never ends.
        let (paused, mut pauses) = mpsc::unbounded_channel();
        let pause = |wait: Duration| {
            // The receiver lives as long as the future that pauses.
            let _ = paused.send(wait);
            std::future::pending::<()>()
        };
        let unanswered = parking_lot::Mutex::new(None);
        let watched = Watched { exchange: &exchange, failure: &unanswered };
        let asked_at = self.clock.now();
        let asking = request.request_async(&watched, pause, None);
        tokio::select! {
            answer = asking => match answer {
                Ok(answer) => Ok(Polled::Done(stored(client, &answer, asked_at))),
                Err(error) => Err(read_device_error(client, url, error)),
            },
            Some(wait) = pauses.recv() => Ok(Polled::Again { wait, unanswered: unanswered.lock().take() }),
        }
    }

    /// Asks one token server after another, as long as it is certain that none did anything with the grant.
    async fn tokens(
        &self,
        client: &OAuthClient,
        grant: &Grant<'_>,
        egress: &Egress,
    ) -> Result<StoredToken, OAuthError> {
        let mut urls = client.token_urls.iter().peekable();
        loop {
            let url = urls.next().expect("a client has a token server");
            match self.token_from(client, url, grant, egress).await {
                Err(error) if error.did_nothing() && urls.peek().is_some() => {
                    tracing::warn!(provider = client.provider.name, %error, "another token server is asked");
                }
                result => return result,
            }
        }
    }

    async fn token_from(
        &self,
        client: &OAuthClient,
        url: &Url,
        grant: &Grant<'_>,
        egress: &Egress,
    ) -> Result<StoredToken, OAuthError> {
        let mut exchange = Exchange::new(&*self.transport, egress, url, client.provider.token_body);
        let asker = requester(client).set_token_uri(TokenUrl::from_url(url.clone()));
        let asked_at = self.clock.now();
        let answer = match grant {
            Grant::Code { code, verifier, redirect, state } => {
                exchange.state = *state;
                let code = AuthorizationCode::new((*code).to_owned());
                let request = asker
                    .exchange_code(code)
                    .set_pkce_verifier(PkceCodeVerifier::new((*verifier).to_owned()))
                    .set_redirect_uri(std::borrow::Cow::Borrowed(redirect));
                request.request_async(&exchange).await
            }
            Grant::Refresh { refresh_token } => {
                let refresh_token = RefreshToken::new(refresh_token.expose().to_owned());
                let scopes =
                    client.provider.refresh_scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
                asker.exchange_refresh_token(&refresh_token).add_scopes(scopes).request_async(&exchange).await
            }
            Grant::OwnSecret => {
                let scopes = client.scopes.iter().cloned().map(Scope::new);
                asker.exchange_client_credentials().add_scopes(scopes).request_async(&exchange).await
            }
        };
        answer.map(|answer| stored(client, &answer, asked_at)).map_err(|error| read_error(client, url, error))
    }
}

impl fmt::Debug for OAuthFlows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuthFlows(…)")
    }
}

/// What is exchanged for tokens.
enum Grant<'a> {
    Code { code: &'a str, verifier: &'a str, redirect: RedirectUrl, state: Option<&'a str> },
    Refresh { refresh_token: &'a Secret },
    OwnSecret,
}

enum Polled {
    Done(StoredToken),
    Again { wait: Duration, unanswered: Option<OAuthError> },
}

/// How long a person may take in the browser.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// Only bounds one poll; the vendor's own word bounds the sign-in.
const DEVICE_LIFE: Duration = Duration::from_secs(600);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
const STATE_BYTES: u32 = 24;
