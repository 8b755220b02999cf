#!/bin/sh
# Packs a built binary as releases have it, for install.sh: FOLDER/hogflare-VERSION-TARGET.tar.gz and its checksum.
#   scripts/release-archive.sh BINARY VERSION TARGET FOLDER
set -eu

if [ $# != 4 ]; then
    echo "usage: $0 BINARY VERSION TARGET FOLDER" >&2
    exit 64
fi
binary=$1 version=$2 target=$3 folder=$4
root=$(cd "$(dirname "$0")/.." && pwd)
name=hogflare-$version-$target

mkdir -p "$folder/$name"
cp "$binary" "$folder/$name/hogflare"
cp "$root/LICENSE" "$root/README.md" "$root/deploy/systemd/hogflare.service" "$folder/$name"
chmod 755 "$folder/$name/hogflare"
cd "$folder"
tar -czf "$name.tar.gz" "$name"
rm -r "$name"
if command -v sha256sum >/dev/null; then
    sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
else
    shasum -a 256 "$name.tar.gz" >"$name.tar.gz.sha256"
fi
