//! The files beside the pages. They stand below a folder that is named for what is in them all, so that a browser may keep
//! them for good and modules find each other by plain relative names.

use std::{io::Write, sync::LazyLock};

use axum::response::Response;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::answer;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

struct Asset {
    name: String,
    kind: &'static str,
    plain: Bytes,
    packed: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> =
    LazyLock::new(|| Files::iter().filter_map(|name| asset(&name)).collect());

/// The folder's name.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS.iter() {
        hash.update(asset.name.as_bytes());
        hash.update(&asset.plain);
    }
    hex::encode(&hash.finalize()[..6])
});

/// Where a page finds a file.
pub(crate) fn href(name: &str) -> String {
    format!("{}/assets/{}/{name}", crate::BASE, *VERSION)
}

/// A file, if there is one of that name.
pub(crate) fn answer(version: &str, name: &str, headers: &HeaderMap) -> Option<Response> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let packed = answer::takes_gzip(headers);
    let body = if packed { &asset.packed } else { &asset.plain };
    let mut response = Response::new(axum::body::Body::from(body.clone()));
    *response.status_mut() = StatusCode::OK;
    let answered = response.headers_mut();
    answered.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    answered.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    answered.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if packed {
        answered.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Of an older page, or one of another release beside this one: answered, and not kept under the wrong name.
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Some(response)
}

fn asset(name: &str) -> Option<Asset> {
    let kind = match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    let plain = Bytes::from(Files::get(name)?.data.into_owned());
    let packed = gzip(&plain, Compression::best());
    Some(Asset { name: name.to_owned(), kind, plain, packed })
}

/// The same, packed.
pub(crate) fn gzip(plain: &[u8], level: Compression) -> Bytes {
    let mut writer = GzEncoder::new(Vec::with_capacity(plain.len() / 3), level);
    // Into memory, which does not fail.
    let _ = writer.write_all(plain);
    Bytes::from(writer.finish().unwrap_or_default())
}
