//! Trust in upstreams' certificates.

use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, crypto::ring};

/// The machine's own trust store, so that operators can add an authority of theirs; Mozilla's list where the machine
/// has none.
pub(crate) fn client_config() -> Result<ClientConfig, rustls::Error> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
    };
    match builder()?.with_native_roots() {
        Ok(builder) => Ok(builder.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "this machine has no certificate authorities; using the built-in list");
            Ok(builder()?.with_webpki_roots().with_no_client_auth())
        }
    }
}
