//! Asking an authority for a certificate.

use std::fmt::Display;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use instant_acme::{
    Account, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error, HttpClient,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tracing::warn;

use crate::acme::Answers;
use crate::folder::Folder;
use crate::pair::Unusable;

/// How long the authority may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// How long it may take to look whether a name is ours, or to make a certificate.
const PATIENCE: Duration = Duration::from_secs(180);

/// What an authority says of an account that it has forgotten.
const FORGOTTEN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Who gives certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The URL of its directory.
    pub directory: String,
    /// Where it writes to when something is wrong.
    pub contact: Option<String>,
    /// A file with certificates that vouch for it, beside the public ones.
    pub root: Option<PathBuf>,
}

/// What asks an authority.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    authority: Authority,
    http: Https,
}

impl Client {
    /// # Errors
    /// When the authority's root cannot be read.
    pub(crate) fn new(authority: Authority) -> Result<Self, Unusable> {
        let http = Https::new(authority.root.as_deref())?;
        Ok(Self { authority, http })
    }

    pub(crate) fn directory(&self) -> &str {
        &self.authority.directory
    }

    /// Gets a certificate for these names: its key, itself, and those that vouch for it, in PEM.
    pub(crate) async fn order(
        &self,
        names: &[String],
        folder: &Folder,
        answers: &Answers,
    ) -> Result<String, String> {
        let account = self.account(folder).await?;
        let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
        let order = account.new_order(&NewOrder::new(&identifiers)).await;
        let mut order = match order {
            Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(FORGOTTEN) => {
                folder.forget_account(self.directory(), self.authority.contact.as_deref());
                return Err("the authority has forgotten the account, another is made".to_owned());
            }
            order => order.map_err(said)?,
        };
        show(&mut order, answers).await?;
        let patience = RetryPolicy::default().timeout(PATIENCE);
        match order.poll_ready(&patience).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) | Err(Error::Api(_)) => return Err(why_refused(&mut order).await),
            Err(error) => return Err(said(error)),
        }
        let key = order.finalize().await.map_err(said)?;
        let chain = order.poll_certificate(&patience).await.map_err(said)?;
        Ok(format!("{key}\n{chain}"))
    }

    /// The account of last time, or another.
    async fn account(&self, folder: &Folder) -> Result<Account, String> {
        let contact = self.authority.contact.as_deref();
        let builder = || Account::builder_with_http(Box::new(self.http.clone()));
        let kept = folder.account(self.directory(), contact).map_err(said)?;
        if let Some(kept) = kept.and_then(|text| serde_json::from_slice(&text).ok()) {
            return builder().from_credentials(kept).await.map_err(said);
        }
        let contact: Option<String> = contact.map(|address| format!("mailto:{address}"));
        let wanted = NewAccount {
            contact: &contact.iter().map(String::as_str).collect::<Vec<_>>(),
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let made = builder().create(&wanted, self.directory().to_owned(), None).await;
        let (account, credentials) = made.map_err(said)?;
        let text = serde_json::to_vec(&credentials).map_err(said)?;
        let contact = self.authority.contact.as_deref();
        if let Err(error) = folder.keep_account(self.directory(), contact, &text) {
            warn!(%error, "the account with the authority cannot be kept, the next start makes another");
        }
        Ok(account)
    }
}

/// Has the answers ready with which the authority finds each name ours, and tells it to look.
async fn show(order: &mut Order, answers: &Answers) -> Result<(), String> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(said)?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => return Err(format!("an authorization is {other:?}")),
        }
        let mut challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .ok_or("the authority does not look by tls-alpn-01")?;
        let name = challenge.identifier().to_string();
        let digest = challenge.key_authorization().digest();
        have_ready(answers, &name, answer(&name, digest.as_ref())?);
        challenge.set_ready().await.map_err(said)?;
    }
    Ok(())
}

fn have_ready(answers: &Answers, name: &str, key: CertifiedKey) {
    let mut ready = answers.write().unwrap_or_else(PoisonError::into_inner);
    ready.insert(name.to_lowercase(), Arc::new(key));
}

/// A certificate that says that whoever made it has the account.
fn answer(name: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    let mut wanted = CertificateParams::new([name.to_owned()]).map_err(said)?;
    wanted.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(said)?;
    let made = wanted.self_signed(&key).map_err(said)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Not compared with the certificate, which has an extension that nobody else may accept.
    let key = ring::default_provider().key_provider.load_private_key(key).map_err(said)?;
    Ok(CertifiedKey::new(vec![made.der().clone()], key))
}

/// What the authority found when it looked.
async fn why_refused(order: &mut Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return format!("{}: {problem}", state.identifier());
        }
    }
    "the authority refused, and does not say why".to_owned()
}

/// What went wrong, with what lies below it.
fn said(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        below = cause.source();
    }
    text
}

/// The HTTP client of the rest of the program.
#[derive(Clone, Debug)]
struct Https(reqwest::Client);

impl Https {
    fn new(root: Option<&Path>) -> Result<Self, Unusable> {
        let unusable = |error: &dyn Display| {
            Unusable::new(root.unwrap_or(Path::new("the HTTP client")), error)
        };
        let mut builder = reqwest::Client::builder().https_only(true).timeout(ANSWER);
        if let Some(path) = root {
            let text = std::fs::read(path).map_err(|error| unusable(&error))?;
            let roots =
                reqwest::Certificate::from_pem_bundle(&text).map_err(|error| unusable(&error))?;
            if roots.is_empty() {
                return Err(unusable(&"there is no certificate in it"));
            }
            builder = roots.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        builder.build().map(Self).map_err(|error| unusable(&said(error)))
    }
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let other = |error: reqwest::Error| Error::Other(Box::new(error));
            let (parts, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let request = reqwest::Request::try_from(Request::from_parts(parts, body));
            let response = client.execute(request.map_err(other)?).await.map_err(other)?;
            Ok(BytesResponse::from(http::Response::<reqwest::Body>::from(response)))
        })
    }
}
