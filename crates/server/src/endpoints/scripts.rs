//! `/static/…`: the scripts of posthog-js, which this server brings along.
//!
//! A page loads `array.js`, and that loads what its features need from the same host. The version in
//! an address is the one of the script that asks, not a demand: scripts of neighbouring versions work
//! together, and a page with a pinned version must not be left without.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sdk_assets::Asset;

use crate::cached::{Compressed, Keep};

pub(crate) const SCRIPT: &str = "application/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /static/:file`.
pub(crate) async fn newest(Path(file): Path<String>, headers: HeaderMap) -> Response {
    respond(&file, Keep::Minutes, &headers)
}

/// `GET /static/:version/:file`.
pub(crate) async fn of_version(
    Path((version, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let keep = match version == sdk_assets::version() {
        true => Keep::Forever,
        false => Keep::Minutes,
    };
    respond(&file, keep, &headers)
}

fn respond(file: &str, keep: Keep, asked: &HeaderMap) -> Response {
    let Some((asset, media_type)) = find(file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let compressed = Compressed { media_type, etag: asset.etag, keep };
    compressed.answer(asked, || Bytes::from_static(asset.gzip), || asset.inflated())
}

fn find(file: &str) -> Option<(&'static Asset, &'static str)> {
    match file.strip_suffix(".js") {
        Some(kind) => Some((sdk_assets::get(kind)?, SCRIPT)),
        None if file == "LICENSE.txt" => Some((sdk_assets::license()?, TEXT)),
        None => None,
    }
}
