#!/usr/bin/env bash
# Installs what the tests need: tests/.venv, tests/node_modules, Chromium, and wrangler in node_modules.
# Does nothing where all of it is already there.
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

install_chromium() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

[ -x .venv/bin/pytest ] || rm -f .venv/.installed
once_for .venv/.installed install_python_packages requirements.txt ../emulator/requirements.txt
once_for node_modules/.installed install_node_packages package.json package-lock.json
once_for ../node_modules/.installed install_deployment_tools ../package.json ../package-lock.json
is_node_new_enough ||
    once_for cloudflare/node_modules/.installed install_newer_node cloudflare/package.json cloudflare/package-lock.json
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || install_chromium
