//! Compresses the pages that Vite has built into `web/dist`, for `src/lib.rs` to embed.
//!
//! Where nothing has been built there is nothing to embed, and the server says so: it builds without
//! Node. `HOGFLARE_WEB_DIST` names another folder; `none` embeds nothing.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// Where Vite builds into.
const DIST: &str = "../../web/dist";
/// What stands there before anything was built.
const WEB: &str = "../../web";

/// Media types by extension, and whether such files get smaller.
const TYPES: [(&str, &str, bool); 12] = [
    ("css", "text/css; charset=utf-8", true),
    ("html", "text/html; charset=utf-8", true),
    ("ico", "image/x-icon", true),
    ("jpg", "image/jpeg", false),
    ("js", "text/javascript; charset=utf-8", true),
    ("json", "application/json", true),
    ("png", "image/png", false),
    ("svg", "image/svg+xml", true),
    ("txt", "text/plain; charset=utf-8", true),
    ("webmanifest", "application/manifest+json", true),
    ("webp", "image/webp", false),
    ("woff2", "font/woff2", false),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HOGFLARE_WEB_DIST");
    if let Err(error) = generate() {
        println!("cargo::error=the web pages cannot be embedded: {error}");
    }
}

fn generate() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let folder = match std::env::var("HOGFLARE_WEB_DIST").unwrap_or_default().as_str() {
        "none" => None,
        "" => Some(PathBuf::from(DIST)),
        other => Some(PathBuf::from(other)),
    };
    let mut files = Vec::new();
    if let Some(folder) = &folder {
        match folder.join("index.html").exists() {
            true => {
                println!("cargo::rerun-if-changed={}", folder.display());
                collect(folder, folder, &mut files)?;
            }
            // A path that is not there would have this run each time.
            false if Path::new(WEB).exists() => println!("cargo::rerun-if-changed={WEB}"),
            false => {}
        }
    }
    files.sort();
    let mut table = String::from("pub(crate) static FILES: &[(&str, Asset)] = &[\n");
    for (number, (name, path)) in files.iter().enumerate() {
        if let Some(asset) = embed(path, &out, number)? {
            writeln!(table, "    ({name:?}, {asset}),").expect("a String grows");
        }
    }
    table.push_str("];\n");
    fs::write(out.join("files.rs"), table)
}

/// All files below a folder, by their paths from the root.
fn collect(folder: &Path, root: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, root, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push((name.to_string_lossy().replace('\\', "/"), path));
        }
    }
    Ok(())
}

/// The expression that embeds a file; `None` for what no page asks for.
fn embed(path: &Path, out: &Path, number: usize) -> io::Result<Option<String>> {
    let extension = path.extension().map(|extension| extension.to_string_lossy());
    let known = TYPES.iter().find(|(name, ..)| extension.as_deref() == Some(name));
    let Some((_, media_type, gets_smaller)) = known else { return Ok(None) };
    let content = fs::read(path)?;
    let mut crc = Crc::new();
    crc.update(&content);
    let tag = format!("{:08x}-{:x}", crc.sum(), content.len());
    let stored = match gets_smaller {
        true => gzip(&content)?,
        false => content,
    };
    let file = format!("{number}.bin");
    fs::write(out.join(&file), stored)?;
    Ok(Some(format!(
        "Asset {{ media_type: {media_type:?}, etag: r#\"W/\"{tag}\"\"#, is_gzip: {gets_smaller}, \
         stored: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")) }}"
    )))
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
