#!/usr/bin/env bash
# Writes web/openapi.json, of which the types are made: what a server says of itself.
#
#     web/openapi.sh target/release/hogflare
set -euo pipefail
binary=$(realpath "${1:?the hogflare binary}")
cd "$(dirname "$0")"

folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; wait; rm -rf "$folder"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

(cd "$folder" && APP_ADDR=127.0.0.1:$port HOGFLARE_DATA_DIR=$folder/data exec "$binary" serve) >"$folder/log" 2>&1 &
server=$!
curl --silent --fail --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/api/openapi.json" |
    python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), indent=1, ensure_ascii=False, sort_keys=True))' \
        >"$folder/openapi.json"
mv "$folder/openapi.json" openapi.json
