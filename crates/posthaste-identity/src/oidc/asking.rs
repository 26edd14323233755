//! The `openidconnect` crate's way out: the relay's own transport, which follows no redirect and checks addresses.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use posthaste_admin::DirectoryError;
use posthaste_core::{Egress, Payload, Transport, TransportError};
use url::Url;

use super::options::{OidcOptions, OidcSetupError, is_kept_from_others, is_this_machine};

/// How the provider is asked.
pub(super) struct Asking {
    transport: Arc<dyn Transport>,
    egress: Egress,
    /// Whether addresses without TLS may be called, which are this machine's own then.
    within_machine: bool,
    timeout: Duration,
}

impl Asking {
    pub(super) fn new(options: &OidcOptions, transport: Arc<dyn Transport>) -> Result<Self, OidcSetupError> {
        let issuer = Url::parse(&options.issuer).map_err(|error| OidcSetupError(error.to_string()))?;
        // A provider elsewhere may not name this machine's addresses: it would have the relay call them.
        let allow_private = options.allow_private || is_this_machine(&issuer);
        let egress =
            Egress { connect_timeout: Some(options.connect_timeout), ..Egress::direct(allow_private) };
        Ok(Self { transport, egress, within_machine: issuer.scheme() == "http", timeout: options.timeout })
    }

    /// Refuses an address to which nothing may be sent, whoever named it.
    pub(super) fn check(&self, url: &Url) -> Result<(), DirectoryError> {
        if is_kept_from_others(url, self.within_machine) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        Err(DirectoryError::unfit(format!("the provider names an address at `{host}` that has no TLS")))
    }

    /// One exchange, to an address that may be called, within the time that an answer may take.
    pub(super) async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, DirectoryError> {
        let text = request.uri().to_string();
        let url = Url::parse(&text).map_err(|error| DirectoryError::new("the provider's address", error))?;
        self.check(&url)?;
        let doing = || format!("asking `{}{}`", url.host_str().unwrap_or_default(), url.path());
        let (head, body) = request.into_parts();
        let request = http::Request::from_parts(head, Payload::from(Bytes::from(body)));
        let exchange = async {
            let (head, body) = self.transport.send(request, &self.egress).await?.into_parts();
            let body = Limited::new(body, MOST_ANSWER).collect().await.map_err(TransportError::Broken)?;
            Ok::<_, TransportError>(http::Response::from_parts(head, body.to_bytes().to_vec()))
        };
        let answer = tokio::time::timeout(self.timeout, exchange).await;
        let answer = answer.map_err(|error| DirectoryError::new(doing(), error))?;
        let answer = answer.map_err(|error| DirectoryError::new(doing(), error))?;
        let status = answer.status();
        if status.is_server_error() || status.is_redirection() {
            return Err(DirectoryError::new(doing(), format!("it answers with {status}")));
        }
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Asking {
    type Error = DirectoryError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, DirectoryError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("egress", &self.egress).finish_non_exhaustive()
    }
}

/// Descriptions, keys and tokens take some KiB.
const MOST_ANSWER: usize = 1 << 20;
