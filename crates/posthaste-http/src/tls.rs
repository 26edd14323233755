//! TLS on the relay's own address: a certificate that can be replaced while connections are served.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A certificate with its key. Clones share it; connections that are open keep the one that they began with.
#[derive(Clone)]
pub struct ServerTls(Arc<ArcSwap<ServerConfig>>);

/// Why a certificate cannot be served with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file has no certificate in it.
    #[error("there is no certificate in it: PEM with `-----BEGIN CERTIFICATE-----` is wanted")]
    NoCertificate,
    /// The file has no private key in it, or one behind a passphrase.
    #[error("there is no private key in it that can be used: PEM without a passphrase is wanted")]
    NoKey,
    /// They do not belong together, or are not to be used.
    #[error("certificate and key cannot be used together")]
    Unfit(#[source] rustls::Error),
}

impl ServerTls {
    /// A chain of certificates, the server's own first, and its key, both as PEM.
    ///
    /// # Errors
    /// When one of them is none, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(ArcSwap::new(read(chain, key)?))))
    }

    /// Serves new connections with what another one has.
    pub fn take(&self, other: &Self) {
        self.0.store(other.now());
    }

    pub(crate) fn now(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

fn read(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A note among a request's extensions: it came over TLS of the relay's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;
