#!/usr/bin/env bash
# Creates what Hogflare needs on Cloudflare: an R2 bucket with its catalog, and a stream, a sink and a
# pipeline that land events in an Iceberg table. What exists already is checked and kept, so it can be
# run again at any time, also after it failed half-way.
set -euo pipefail

usage() {
    cat <<'END'
usage: CLOUDFLARE_CATALOG_TOKEN=… scripts/setup-cloudflare.sh [options]

  --bucket NAME       R2 bucket                       (hogflare)
  --namespace NAME    namespace in the catalog        (default)
  --table NAME        table of events                 (events)
  --stream NAME       stream of events                (hogflare_events_v1)
  --sink NAME         its sink                        (hogflare_events_v1_sink)
  --pipeline NAME     its pipeline                    (hogflare_events_v1_pipeline)
  --with-persons      also a stream for each table of persons and groups, hogflare_<table>_v1
  --persons-version V version in the names of their streams, and from v2 on of their tables (v1)
  --dry-run           print the commands, run none of them
  --help              print this

CLOUDFLARE_CATALOG_TOKEN is an R2 API token with the permission Admin Read & Write; the sink writes with
it. It is needed only when a sink is created. Wrangler itself uses `npx wrangler login`, or
CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID. WRANGLER names another wrangler than the repository's.

The schema of a stream and the table of a sink cannot be changed later: for new ones, give all names a
new version.
END
}

bucket=hogflare
namespace=default
table=events
stream=hogflare_events_v1
sink=
pipeline=
with_persons=no
persons_version=v1
dry_run=no

cd "$(dirname "$0")/.."
readonly events_schema=scripts/pipeline-schema.json
# Tables of persons and groups, each with the part of its setting's name that tells it from others.
readonly versioned=(
    persons=PERSONS person_distinct_ids=DISTINCT_IDS person_overrides=OVERRIDES
    groups=GROUPS group_types=GROUP_TYPES
)
readonly checker=deploy/cloudflare/setup/check-resource.mjs
read -ra wrangler <<<"${WRANGLER:-npx --no-install wrangler}"
export WRANGLER_SEND_METRICS=false NO_COLOR=1
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

fail() {
    printf 'setup-cloudflare: %s\n' "$@" >&2
    exit 1
}

# Reads the options.
parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --bucket | --namespace | --table | --stream | --sink | --pipeline)
            [ -n "${2:-}" ] || fail "$1 needs a name"
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --persons-version)
            [ -n "${2:-}" ] || fail "$1 needs a name"
            persons_version=$2
            shift
            ;;
        --with-persons) with_persons=yes ;;
        --dry-run) dry_run=yes ;;
        --help)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 64
            ;;
        esac
        shift
    done
    sink=${sink:-${stream}_sink}
    pipeline=${pipeline:-${stream}_pipeline}
    check_names
}

check_names() {
    local name
    [[ $bucket =~ ^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$ ]] ||
        fail "--bucket $bucket: expected 3 to 63 lower-case letters, digits and dashes"
    for name in "$namespace" "$table" "$stream" "$sink" "$pipeline" "$persons_version"; do
        [[ $name =~ ^[A-Za-z0-9_]+$ ]] || fail "$name: expected letters, digits and underscores"
    done
    for name in "${versioned[@]%=*}"; do
        [ "$with_persons" = no ] || [ -f "$(schema_of "$name")" ] || fail "$(schema_of "$name") is missing"
    done
}

schema_of() {
    echo "scripts/$1-pipeline-schema.json"
}

# Prints the name of the stream of a table of persons or groups.
stream_of() {
    echo "hogflare_$1_$persons_version"
}

# Runs a command that changes something, after printing it. Where the catalog's token belongs stands a
# placeholder, which no name can be, so that the token is never printed.
# shellcheck disable=SC2016 # printed as it stands
readonly token_placeholder='$CLOUDFLARE_CATALOG_TOKEN'
change() {
    local word printed='+ wrangler' arguments=()
    for word in "$@"; do
        case $word in
        "$token_placeholder")
            printed+=" \"$word\""
            word=${CLOUDFLARE_CATALOG_TOKEN:-}
            ;;
        *[!A-Za-z0-9_./-]*) printed+=" '$word'" ;;
        *) printed+=" $word" ;;
        esac
        arguments+=("$word")
    done
    echo "$printed"
    [ "$dry_run" = yes ] || "${wrangler[@]}" "${arguments[@]}"
}

# Prints what a command that asks for a resource prints. Returns 1 where there is none, and ends the
# script where that cannot be told: to create on top of a failed login, say, would only confuse.
look_up() {
    local output
    if output=$("${wrangler[@]}" "$@" 2>"$errors"); then
        printf '%s\n' "$output"
    elif cat - "$errors" <<<"$output" | grep -iE '" not found|bucket does not exist|code: 10006' >/dev/null; then
        return 1
    else
        cat - "$errors" <<<"$output" >&2
        printf 'setup-cloudflare: wrangler %s failed\n' "$*" >&2
        return 2
    fi
}

# Succeeds where the resource exists, and keeps what was printed in `found`.
exists() {
    [ "$dry_run" = no ] || return 1
    local status=0
    found=$(look_up "$@") || status=$?
    [ "$status" -lt 2 ] || exit 1
    return "$status"
}

# Compares what was found with what is needed; the rest of the arguments go to the checker.
check() {
    local kind=$1 name=$2 advice=$3 differences
    shift 3
    if ! differences=$(node "$checker" "$kind" "$@" <<<"$found"); then
        fail "$kind $name exists, but is not what Hogflare needs:" "  ${differences//$'\n'/$'\n'  }" "$advice"
    fi
    echo "$kind $name exists"
}

create_bucket() {
    if exists r2 bucket info "$bucket" --json; then
        echo "bucket $bucket exists"
    else
        change r2 bucket create "$bucket"
    fi
}

enable_catalog() {
    # Where the catalog is off, wrangler says so and ends well.
    if exists r2 bucket catalog get "$bucket" && grep -qiE 'status: *active' <<<"$found"; then
        echo "catalog of $bucket is enabled"
    else
        change r2 bucket catalog enable "$bucket"
    fi
}

create_stream() {
    local name=$1 schema=$2 options=$3
    local advice="A schema cannot be changed: give $options new names, such as ${name%_v*}_v2."
    if exists pipelines streams get "$name" --json; then
        check stream "$name" "$advice" "$schema"
    else
        change pipelines streams create "$name" --schema-file "$schema" --http-enabled true --http-auth true
    fi
}

create_sink() {
    local name=$1 to_table=$2
    if exists pipelines sinks get "$name" --json; then
        check sink "$name" "Give --sink another name, or delete it." "$bucket" "$namespace" "$to_table"
    else
        change pipelines sinks create "$name" --type r2-data-catalog --bucket "$bucket" \
            --namespace "$namespace" --table "$to_table" --catalog-token "$token_placeholder" \
            --roll-interval 60 --compression zstd
    fi
}

create_pipeline() {
    local name=$1 sql="INSERT INTO $2 SELECT * FROM $3"
    if exists pipelines get "$name" --json; then
        check pipeline "$name" "Give --pipeline another name, or delete it." "$sql"
    else
        change pipelines create "$name" --sql "$sql"
    fi
}

# Before anything is created, so that a missing token leaves nothing behind.
require_token_for() {
    [ "$dry_run" = no ] && [ -z "${CLOUDFLARE_CATALOG_TOKEN:-}" ] || return 0
    if ! exists pipelines sinks get "$1" --json; then
        fail "CLOUDFLARE_CATALOG_TOKEN is not set, and the sink $1 needs it." \
            "Make one in the dashboard: R2, API tokens, permission Admin Read & Write."
    fi
}

# Prints the ingest endpoint of a stream.
endpoint_of() {
    if [ "$dry_run" = yes ]; then
        echo "https://<id of $1>.ingest.cloudflare.com"
    else
        exists pipelines streams get "$1" --json || fail "the stream $1 is gone"
        node "$checker" endpoint <<<"$found"
    fi
}

print_next_steps() {
    local endpoint entry
    endpoint=$(endpoint_of "$stream")
    cat <<END

Put this into .env.local:

  CLOUDFLARE_PIPELINE_ENDPOINT=$endpoint
END
    if [ "$with_persons" = yes ]; then
        for entry in "${versioned[@]}"; do
            endpoint=$(endpoint_of "$(stream_of "${entry%=*}")")
            echo "  CLOUDFLARE_${entry#*=}_PIPELINE_ENDPOINT=$endpoint"
        done
    fi
    cat <<'END'
  CLOUDFLARE_PIPELINE_AUTH_TOKEN=<token>

The token is an API token with the permission Basin Pipelines Send (formerly Workers Pipelines Send):
dashboard, My Profile, API Tokens, Create Custom Token.

Then run Hogflare here (make run), or deploy it with these as secrets of the Worker:

  npx wrangler deploy --secrets-file .env.local

Later, a secret at a time:

  npx wrangler secret put CLOUDFLARE_PIPELINE_AUTH_TOKEN
END
}

# Makes a table of persons or groups, and what leads there.
create_for() {
    local own own_table=$1
    own=$(stream_of "$1")
    [ "$persons_version" = v1 ] || own_table=$1_$persons_version
    create_stream "$own" "$(schema_of "$1")" --persons-version
    create_sink "${own}_sink" "$own_table"
    create_pipeline "${own}_pipeline" "${own}_sink" "$own"
}

main() {
    parse "$@"
    require_token_for "$sink"
    local name
    for name in "${versioned[@]%=*}"; do
        [ "$with_persons" = no ] || require_token_for "$(stream_of "$name")_sink"
    done
    create_bucket
    enable_catalog
    create_stream "$stream" "$events_schema" "--stream and --table"
    create_sink "$sink" "$table"
    create_pipeline "$pipeline" "$sink" "$stream"
    if [ "$with_persons" = yes ]; then
        for name in "${versioned[@]%=*}"; do
            create_for "$name"
        done
    fi
    print_next_steps
}

main "$@"
