//! What a listener encrypts connections with.

use std::sync::Arc;

use rustls::server::ResolvesServerCert;
use rustls::{ServerConfig, crypto};
use tokio_rustls::TlsAcceptor;

/// Encrypts with whatever certificate there is when a client comes, TLS 1.2 or 1.3; of these protocols
/// the first that the client speaks, too, is spoken.
///
/// # Errors
/// Never with the ciphers that are built in.
pub fn acceptor(
    certificates: Arc<dyn ResolvesServerCert>,
    protocols: &[&[u8]],
) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}
