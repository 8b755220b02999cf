#!/bin/sh
# Installs the hogflare binary of a release, for Linux and macOS, on x86_64 and arm64:
#   curl -fsSL https://raw.githubusercontent.com/sidequery/hogflare/main/install.sh | sh
#   … | sh -s -- --version 0.1.0 --prefix /usr/local --systemd
# Nothing is unpacked whose checksum is another than the release's.
set -eu

RELEASES=https://github.com/sidequery/hogflare/releases
# Where releases are, so that a mirror can stand in.
DOWNLOADS=${HOGFLARE_DOWNLOAD_URL:-$RELEASES/download}

usage() {
    cat <<'HELP'
Usage: install.sh [--version VERSION] [--prefix FOLDER] [--systemd]

  --version VERSION  which release, such as 0.1.0; the newest without it
  --prefix FOLDER    puts hogflare into FOLDER/bin; PREFIX does likewise. Without it /usr/local where that
                     can be written to, else ~/.local
  --systemd          also installs hogflare.service and its user (as root, on Linux)

HOGFLARE_DOWNLOAD_URL names another place of releases; it needs --version.
HELP
}

say() {
    printf '%s\n' "$*"
}

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Prints the target that releases name the platform by.
target() {
    os=$(uname -s)
    machine=$(uname -m)
    case $machine in
        x86_64 | amd64) machine=x86_64 ;;
        aarch64 | arm64) machine=aarch64 ;;
        *) fail "there is no release for $os on $machine; README.md tells how to build one" ;;
    esac
    case $os in
        Linux) say "$machine-unknown-linux-gnu" ;;
        Darwin) say "$machine-apple-darwin" ;;
        *) fail "there is no release for $os on $machine; README.md tells how to build one" ;;
    esac
}

# fetch URL FILE
fetch() {
    if has curl; then
        curl -fsSL --retry 3 -o "$2" "$1"
    elif has wget; then
        wget -q -O "$2" "$1"
    else
        fail "curl or wget is needed"
    fi
}

# Prints the newest release, which is where its page leads.
newest() {
    has curl || fail "give --version, or install curl"
    page=$(curl -fsSLI -o /dev/null -w '%{url_effective}' "$RELEASES/latest") ||
        fail "cannot find out which release is the newest; give --version"
    case $page in
        */tag/v*) say "${page##*/tag/v}" ;;
        *) fail "there is no release yet; README.md tells how to build one" ;;
    esac
}

sha256_of() {
    if has sha256sum; then
        sha256sum "$1" | cut -d ' ' -f 1
    elif has shasum; then
        shasum -a 256 "$1" | cut -d ' ' -f 1
    else
        fail "sha256sum or shasum is needed"
    fi
}

default_prefix() {
    if [ -w /usr/local/bin ]; then
        say /usr/local
    else
        say "${HOME:?}/.local"
    fi
}

check_systemd() {
    [ "$(uname -s)" = Linux ] || fail "--systemd is for Linux"
    [ -z "${DESTDIR-}" ] || return 0
    [ "$(id -u)" = 0 ] || fail "--systemd needs root"
    has systemctl || fail "--systemd needs systemd"
}

# Installs the service from the archive in $work, for the binary in $bin.
install_service() {
    etc=${DESTDIR-}/etc
    mkdir -p "$etc/systemd/system" "$etc/hogflare"
    sed "s|^ExecStart=/usr/local/bin/hogflare|ExecStart=$bin/hogflare|" "$work/$name/hogflare.service" \
        >"$etc/systemd/system/hogflare.service"
    if [ ! -e "$etc/hogflare/hogflare.env" ]; then
        (
            umask 077
            cat >"$etc/hogflare/hogflare.env" <<'SETTINGS'
# Settings of hogflare.service, a variable a line; hogflare config prints all of them.
# Then: systemctl restart hogflare
#POSTHOG_API_KEY=phc_your_project_key
# Https on port 443, with a certificate of Let's Encrypt:
#HOGFLARE_TLS_DOMAIN=stats.example.com
# Or behind a proxy that has one:
#APP_ADDR=127.0.0.1:8080
#HOGFLARE_PUBLIC_URL=https://stats.example.com
SETTINGS
        )
    fi
    if [ -n "${DESTDIR-}" ]; then
        return
    fi
    if ! id hogflare >/dev/null 2>&1; then
        useradd --system --user-group --home-dir /var/lib/hogflare --no-create-home \
            --shell /usr/sbin/nologin hogflare
    fi
    systemctl daemon-reload
    say "Settings are in /etc/hogflare/hogflare.env. Start it, and see the link for its owner:"
    say "  systemctl enable --now hogflare && journalctl -u hogflare | grep setup"
}

main() {
    version='' prefix=${PREFIX-} service=''
    while [ $# -gt 0 ]; do
        case $1 in
            --version | --prefix)
                [ $# -ge 2 ] || fail "$1 needs a value"
                if [ "$1" = --version ]; then version=${2#v}; else prefix=$2; fi
                shift
                ;;
            --systemd) service=yes ;;
            -h | --help)
                usage
                exit
                ;;
            *)
                usage >&2
                fail "$1 is not known"
                ;;
        esac
        shift
    done

    target=$(target)
    if [ -n "$service" ]; then check_systemd; fi
    if [ -z "$version" ]; then
        [ -z "${HOGFLARE_DOWNLOAD_URL-}" ] || fail "HOGFLARE_DOWNLOAD_URL needs --version"
        version=$(newest)
    fi
    [ -n "$prefix" ] || prefix=$(default_prefix)
    case $prefix in
        /*) ;;
        *) prefix=$(pwd)/$prefix ;;
    esac
    bin=$prefix/bin
    name=hogflare-$version-$target

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    say "Fetching $name …"
    fetch "$DOWNLOADS/v$version/$name.tar.gz" "$work/$name.tar.gz" ||
        fail "there is no $name.tar.gz at $DOWNLOADS/v$version"
    fetch "$DOWNLOADS/v$version/$name.tar.gz.sha256" "$work/wanted" ||
        fail "there is no checksum of $name.tar.gz, so it is not installed"
    wanted=$(cut -d ' ' -f 1 "$work/wanted")
    found=$(sha256_of "$work/$name.tar.gz")
    [ "${#wanted}" = 64 ] && [ "$found" = "$wanted" ] ||
        fail "the checksum of $name.tar.gz is $found, not $wanted: nothing is installed"

    tar -xzf "$work/$name.tar.gz" -C "$work"
    "$work/$name/hogflare" --version >/dev/null ||
        fail "this hogflare does not run here, so it is not installed; on Linux it needs glibc 2.28 or newer"
    mkdir -p "$bin"
    # Beside the one that may be running, and then in its place at once.
    cp "$work/$name/hogflare" "$bin/.hogflare.new"
    chmod 755 "$bin/.hogflare.new"
    mv -f "$bin/.hogflare.new" "$bin/hogflare"
    say "$("$bin/hogflare" --version) is in $bin"
    case ":$PATH:" in
        *":$bin:"*) ;;
        *) say "$bin is not on your PATH: export PATH=\"$bin:\$PATH\"" ;;
    esac
    if [ -n "$service" ]; then install_service; fi
}

# The last line, so that a download that breaks off runs nothing.
main "$@"
