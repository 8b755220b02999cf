//! Takes the scripts of posthog-js from npm, in the version and with the checksums of the lock file,
//! and compresses them for `src/lib.rs` to embed.
//!
//! Nothing is written outside cargo's folder, and nothing is fetched again until the lock changes.
//! `HOGFLARE_SDK_ASSETS=none` builds without npm and without scripts.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// What tells npm which packages to install.
const NPM_FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The scripts that pages, and posthog-js once it runs, ask for by name.
const KINDS: [&str; 25] = [
    "all-external-dependencies",
    "array",
    "array.full",
    "array.full.es5",
    "array.no-external",
    "conversations",
    "crisp-chat-integration",
    "customizations.full",
    "dead-clicks-autocapture",
    "exception-autocapture",
    "intercom-integration",
    "lazy-recorder",
    "loader",
    "loader-bootstrap",
    "logs",
    "posthog-recorder",
    "product-tours",
    "recorder",
    "recorder-v2",
    "surveys",
    "tracing-headers",
    "web-vitals",
    "web-vitals-soft-navs",
    "web-vitals-with-attribution",
    "web-vitals-with-attribution-soft-navs",
];

fn main() {
    for file in NPM_FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HOGFLARE_SDK_ASSETS");
    if let Err(error) = generate() {
        // Cargo shows it, and fails the build.
        println!("cargo::error={error}");
    }
}

fn generate() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo gives no OUT_DIR")?);
    let wanted = std::env::var("HOGFLARE_SDK_ASSETS").unwrap_or_default();
    let table = match wanted.as_str() {
        "none" => empty_table(),
        "" => {
            let modules = install(&out)?;
            table(&modules, &out)
                .map_err(|error| format!("the scripts of posthog-js cannot be embedded: {error}"))?
        }
        other => return Err(format!("HOGFLARE_SDK_ASSETS={other}: expected none, or no value")),
    };
    fs::write(out.join("assets.rs"), table).map_err(|error| error.to_string())
}

/// Runs npm in a folder of cargo's and returns where the packages are.
fn install(out: &Path) -> Result<PathBuf, String> {
    let folder = out.join("npm");
    let copied = fs::create_dir_all(&folder).and_then(|()| {
        NPM_FILES.iter().try_for_each(|file| fs::copy(file, folder.join(file)).map(drop))
    });
    copied.map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
    let installed = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder)
        .output();
    let reason = match installed {
        Ok(ended) if ended.status.success() => return Ok(folder.join("node_modules")),
        Ok(ended) => {
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            let first = said.lines().find(|line| line.starts_with("npm error"));
            format!("`npm ci` failed ({})", first.unwrap_or("without a word"))
        }
        Err(error) => format!("npm cannot be run ({error})"),
    };
    Err(format!(
        "the browser SDK that Hogflare serves is taken from npm, and {reason}: install Node.js 20 or \
         newer and go online, or set HOGFLARE_SDK_ASSETS=none to build without it"
    ))
}

fn empty_table() -> String {
    "pub(crate) const VERSION: &str = \"\";\n\
     pub(crate) static LICENSE: Option<Asset> = None;\n\
     pub(crate) static SCRIPTS: &[(&str, Asset)] = &[];\n"
        .to_owned()
}

fn table(modules: &Path, out: &Path) -> std::io::Result<String> {
    let version = version(&modules.join("posthog-js/package.json"))?;
    let embed = |name: &str, content: &[u8]| embed(name, content, &version, out);
    let mut table = format!("pub(crate) const VERSION: &str = {version:?};\n");
    let license = embed("LICENSE.txt", &licenses(modules)?)?;
    writeln!(table, "pub(crate) static LICENSE: Option<Asset> = Some({license});")
        .expect("a String grows");
    table.push_str("pub(crate) static SCRIPTS: &[(&str, Asset)] = &[\n");
    for kind in KINDS {
        let file = format!("{kind}.js");
        let script = embed(&file, &fs::read(modules.join("posthog-js/dist").join(&file))?)?;
        writeln!(table, "    ({kind:?}, {script}),").expect("a String grows");
    }
    table.push_str("];\n");
    Ok(table)
}

/// Compresses a file, and returns the expression that embeds it.
fn embed(name: &str, content: &[u8], version: &str, out: &Path) -> std::io::Result<String> {
    let mut crc = Crc::new();
    crc.update(content);
    let file = format!("{name}.gz");
    fs::write(out.join(&file), gzip(content)?)?;
    let (crc, length) = (crc.sum(), content.len());
    Ok(format!(
        "Asset {{ gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")), \
         etag: r#\"W/\"{version}-{crc:08x}\"\"#, crc: {crc}, length: {length} }}"
    ))
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

/// The version in a `package.json`, whose own members come before those of nested objects.
fn version(manifest: &Path) -> std::io::Result<String> {
    let text = fs::read_to_string(manifest)?;
    let after = text.split_once("\"version\":").map(|(_, after)| after);
    let version = after.and_then(|after| after.split('"').nth(1));
    version.map(str::to_owned).ok_or_else(|| std::io::Error::other("posthog-js has no version"))
}

/// The licence of posthog-js and of every package that is compiled into its scripts.
fn licenses(modules: &Path) -> std::io::Result<Vec<u8>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(modules)? {
        let path = entry?.path();
        match path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"@")) {
            true => packages.extend(fs::read_dir(path)?.flatten().map(|entry| entry.path())),
            false => packages.push(path),
        }
    }
    packages.sort_by_key(|path| (!path.ends_with("posthog-js"), path.clone()));
    let mut text = Vec::new();
    for package in packages.iter().filter(|package| package.join("LICENSE").exists()) {
        let name = package.strip_prefix(modules).unwrap_or(package).display();
        writeln!(text, "==== {name} ====\n")?;
        text.extend(fs::read(package.join("LICENSE"))?);
        text.extend(b"\n\n");
    }
    Ok(text)
}
