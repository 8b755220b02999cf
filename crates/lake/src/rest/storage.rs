//! The objects of a table.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use iceberg_catalog_rest::LoadTableResult;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::path::Path;
use object_store::{ClientOptions, CredentialProvider, ObjectStore, ObjectStoreExt, RetryConfig};
use sink::Error;

use super::StaticStorage;
use super::config::is_near;

/// Timeout of one request, which may carry a file.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Tries beyond the first; the runner tries again anyway, and says so.
const RETRIES: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
/// Where nobody names a region: that of R2, and what others ignore.
const ANY_REGION: &str = "auto";

/// The bucket of a table, and how to reach it.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    place: Place,
    store: AmazonS3,
    credentials: Arc<Credentials>,
}

/// What a client is built for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    bucket: String,
    endpoint: Option<String>,
    region: String,
}

/// Credentials, the newest that the catalog gave.
struct Credentials(RwLock<Arc<AwsCredential>>);

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Storage {
    /// Reaches the storage of a table as the catalog says, or as the settings do where they say it.
    pub(super) fn of(loaded: &LoadTableResult, settings: &StaticStorage) -> Result<Self, Error> {
        let (place, credential) = find(loaded, settings)?;
        let credentials = Arc::new(Credentials(RwLock::new(Arc::new(credential))));
        let store = build(&place, credentials.clone())?;
        Ok(Self { place, store, credentials })
    }

    /// The storage as the catalog says it is now. Credentials do not last: whoever is at work with this
    /// one has the new ones too.
    pub(super) fn with_news(
        &self,
        loaded: &LoadTableResult,
        settings: &StaticStorage,
    ) -> Result<Self, Error> {
        let (place, credential) = find(loaded, settings)?;
        if place != self.place {
            return Self::of(loaded, settings);
        }
        let credential = Arc::new(credential);
        *self.credentials.0.write().unwrap_or_else(PoisonError::into_inner) = credential;
        Ok(self.clone())
    }

    /// The objects, for whoever reads them by their keys.
    pub(super) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(self.store.clone())
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.place == other.place
    }

    pub(super) async fn put(&self, uri: &str, bytes: Bytes) -> Result<(), Error> {
        let put = self.store.put(&self.path(uri)?, bytes.into()).await;
        put.map(drop).map_err(|error| failed("write", uri, &error))
    }

    pub(super) async fn get(&self, uri: &str) -> Result<Bytes, Error> {
        let get = || async { self.store.get(&self.path(uri).map_err(other)?).await?.bytes().await };
        get().await.map_err(|error| failed("read", uri, &error))
    }

    /// Deletes objects that nobody needs; what stays only takes space.
    pub(super) async fn delete(&self, uris: &[String]) {
        let paths: Vec<Path> = uris.iter().filter_map(|uri| self.path(uri).ok()).collect();
        let paths = futures::stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(paths);
        while let Some(result) = deleted.next().await {
            if let Err(error) = result {
                tracing::debug!(%error, "an object that nobody needs stays");
            }
        }
    }

    /// The place of an object in the bucket.
    pub(super) fn path(&self, uri: &str) -> Result<Path, Error> {
        let key = split(uri).filter(|(bucket, _)| *bucket == self.place.bucket);
        let path = key.and_then(|(_, key)| Path::parse(key).ok());
        path.ok_or_else(|| Error::paused(format!("{uri} is not in the bucket of its table")))
    }
}

fn other(error: Error) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: error.into() }
}

/// What a storage says may have the credentials in it: that is for whoever looks for a fault.
fn failed(action: &str, uri: &str, error: &object_store::Error) -> Error {
    tracing::debug!(%error, uri, "the storage refused");
    Error::transient(format!("cannot {action} {uri}: {}", reason(error)))
}

/// The kind of a failure of an object store, in words that have nothing of what it said.
pub fn reason(error: &object_store::Error) -> &'static str {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } => "the storage does not have it",
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
            "the storage refuses the credentials"
        }
        E::AlreadyExists { .. } | E::Precondition { .. } => "the storage has another one",
        E::InvalidPath { .. } => "it has no name that the storage takes",
        _ => "the storage does not answer, or fails",
    }
}

/// Bucket and key of an object.
fn split(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    matches!(scheme, "s3" | "s3a" | "s3n").then(|| rest.split_once('/').unwrap_or((rest, "")))
}

fn find(
    loaded: &LoadTableResult,
    settings: &StaticStorage,
) -> Result<(Place, AwsCredential), Error> {
    let location = loaded.metadata.location();
    let (bucket, _) = split(location).ok_or_else(|| {
        Error::paused(format!("a table lies at {location}, and only s3:// can be used"))
    })?;
    let said = said(loaded);
    let text = |name: &str| said.get(name).filter(|text| !text.is_empty()).cloned();
    let region = settings.region.clone().or_else(|| text("s3.region"));
    let region = region.or_else(|| text("client.region"));
    let place = Place {
        bucket: bucket.to_owned(),
        endpoint: settings.endpoint.clone().or_else(|| text("s3.endpoint")),
        region: region.unwrap_or_else(|| ANY_REGION.to_owned()),
    };
    let vended = || {
        let key_id = text("s3.access-key-id")?;
        Some((key_id, text("s3.secret-access-key")?, text("s3.session-token")))
    };
    let given = settings.keys.clone().map(|(key_id, secret_key)| (key_id, secret_key, None));
    let (key_id, secret_key, token) = given.or_else(vended).ok_or_else(|| {
        Error::paused(format!(
            "the catalog gives no credentials for {location}: set HOGFLARE_S3_ACCESS_KEY_ID and \
             HOGFLARE_S3_SECRET_ACCESS_KEY"
        ))
    })?;
    Ok((place, AwsCredential { key_id, secret_key, token }))
}

/// What the catalog says of the storage; what it says of the nearest prefix counts most.
fn said(loaded: &LoadTableResult) -> HashMap<String, String> {
    let location = loaded.metadata.location();
    let mut said = loaded.config.clone();
    let all = loaded.storage_credentials.iter().flatten();
    let fitting = all.filter(|credential| location.starts_with(&credential.prefix));
    if let Some(nearest) = fitting.max_by_key(|credential| credential.prefix.len()) {
        said.extend(nearest.config.clone());
    }
    said
}

fn build(place: &Place, credentials: Arc<Credentials>) -> Result<AmazonS3, Error> {
    let wrong = |endpoint: &str| {
        Error::paused(format!("the storage's endpoint {endpoint} is neither https nor nearby"))
    };
    let mut options =
        ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&place.bucket)
        .with_region(&place.region)
        .with_credentials(credentials)
        .with_retry(RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        });
    if let Some(endpoint) = &place.endpoint {
        let url: reqwest::Url = endpoint.parse().map_err(|_| wrong(endpoint))?;
        match url.scheme() {
            "https" => {}
            "http" if is_near(&url) => options = options.with_allow_http(true),
            _ => return Err(wrong(endpoint)),
        }
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    let built = builder.with_client_options(options).build();
    built.map_err(|error| Error::paused(format!("cannot reach the storage: {error}")))
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_a_bucket_and_a_key() {
        assert_eq!(split("s3://b/k/l.avro"), Some(("b", "k/l.avro")));
        assert_eq!(split("s3a://b"), Some(("b", "")));
        assert_eq!(split("file:///b/k"), None);
    }
}
