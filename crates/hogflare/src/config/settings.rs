//! Every setting, once: its variable, flag and TOML key, default and meaning.

use std::fmt::Write;

/// A setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Environment variable.
    pub(crate) name: &'static str,
    /// Flag of `hogflare serve` and, with underscores, key of the TOML file.
    pub(crate) flag: &'static str,
    /// Default, where there is one.
    pub(crate) default: Option<&'static str>,
    /// Whether its value must not be shown.
    pub(crate) secret: bool,
    /// What it means, in a sentence or two.
    pub(crate) doc: &'static str,
}

/// All settings; the original's keep their names, defaults and meaning.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "APP_ADDR",
        "app-addr",
        Some("0.0.0.0:8080"),
        "Address to listen on. With a certificate, by one of the next three settings, it speaks https, and is \
         `0.0.0.0:443` unless it is given.",
    ),
    setting(
        "HOGFLARE_TLS_DOMAIN",
        "tls-domain",
        None,
        "Names for which a certificate is had by ACME and renewed, such as `stats.example.com`, with commas \
         between them; port 443 of each must lead here. Kept in DATA_DIR/tls.",
    ),
    setting(
        "HOGFLARE_TLS_CERT",
        "tls-cert",
        None,
        "Or a certificate that you have, with those that vouch for it, in a PEM file; read again when it \
         changes.",
    ),
    setting("HOGFLARE_TLS_KEY", "tls-key", None, "Its key, likewise."),
    setting(
        "HOGFLARE_HTTP_ADDR",
        "http-addr",
        None,
        "Where plain http is answered beside https: SDKs as ever, browsers are sent to https, and what needs a \
         key or a password is refused. Unset: port 80 where https is on port 443, else nowhere. `off`: nowhere.",
    ),
    setting(
        "HOGFLARE_TLS_CONTACT",
        "tls-contact",
        None,
        "Email address that the authority is told with `HOGFLARE_TLS_DOMAIN`, to write to when something is \
         wrong.",
    ),
    setting(
        "HOGFLARE_TLS_ACME_URL",
        "tls-acme-url",
        Some("https://acme-v02.api.letsencrypt.org/directory"),
        "Directory of the authority that is asked for certificates; unless it is said, Let's Encrypt's.",
    ),
    setting(
        "HOGFLARE_TLS_ACME_ROOT",
        "tls-acme-root",
        None,
        "A PEM file with certificates that vouch for that directory, beside the public ones: for an authority of \
         your own.",
    ),
    setting(
        "CLOUDFLARE_PIPELINE_ENDPOINT",
        "cloudflare-pipeline-endpoint",
        None,
        "HTTPS ingest endpoint of a Cloudflare Pipelines (Basin Pipelines) stream. Unset: rows go to \
         the local lake only.",
    ),
    secret(
        "CLOUDFLARE_PIPELINE_AUTH_TOKEN",
        "cloudflare-pipeline-auth-token",
        "Bearer token for that endpoint.",
    ),
    setting(
        "CLOUDFLARE_PIPELINE_TIMEOUT_SECS",
        "cloudflare-pipeline-timeout-secs",
        Some("10"),
        "Timeout of one request to it, in whole seconds; 4 with `HOGFLARE_ACK=delivered`.",
    ),
    setting(
        "CLOUDFLARE_PIPELINE_STREAMS",
        "cloudflare-pipeline-streams",
        None,
        "Streams of their own for some tokens, `phc_a=https://…,phc_b=https://…`. A token named more \
         than once has its rows spread over its streams; `*` adds a stream for all tokens not named.",
    ),
    setting(
        "CLOUDFLARE_PIPELINE_NEXT_ENDPOINT",
        "cloudflare-pipeline-next-endpoint",
        None,
        "A further stream that gets every event too, while you move to it.",
    ),
    setting(
        "CLOUDFLARE_PIPELINE_BATCH",
        "cloudflare-pipeline-batch",
        Some("900KB"),
        "Largest body of one request to a stream; Cloudflare takes 5 MB, once it was 1 MB.",
    ),
    setting(
        "CLOUDFLARE_PERSONS_PIPELINE_ENDPOINT",
        "cloudflare-persons-pipeline-endpoint",
        None,
        "Stream that gets the rows of table `persons` (`scripts/persons-pipeline-schema.json`).",
    ),
    setting(
        "CLOUDFLARE_DISTINCT_IDS_PIPELINE_ENDPOINT",
        "cloudflare-distinct-ids-pipeline-endpoint",
        None,
        "Likewise of `person_distinct_ids`.",
    ),
    setting(
        "CLOUDFLARE_OVERRIDES_PIPELINE_ENDPOINT",
        "cloudflare-overrides-pipeline-endpoint",
        None,
        "Likewise of `person_overrides`, with which queries find the events of merged persons.",
    ),
    setting(
        "CLOUDFLARE_GROUPS_PIPELINE_ENDPOINT",
        "cloudflare-groups-pipeline-endpoint",
        None,
        "Likewise of `groups`.",
    ),
    setting(
        "CLOUDFLARE_GROUP_TYPES_PIPELINE_ENDPOINT",
        "cloudflare-group-types-pipeline-endpoint",
        None,
        "Likewise of `group_types`.",
    ),
    setting(
        "CLOUDFLARE_RECORDINGS_PIPELINE_ENDPOINT",
        "cloudflare-recordings-pipeline-endpoint",
        None,
        "Stream for session recordings. Unset: they go to the stream of events, as `$snapshot`.",
    ),
    setting(
        "HOGFLARE_CATALOG",
        "catalog",
        None,
        "URI of an Iceberg REST catalog, such as that of R2 Data Catalog, Polaris or Lakekeeper, whose tables \
         get every row too, or are read (`docs/catalog.md`).",
    ),
    setting(
        "HOGFLARE_CATALOG_WAREHOUSE",
        "catalog-warehouse",
        None,
        "Which of that catalog's warehouses; of R2 `<account id>_<bucket>`.",
    ),
    secret("HOGFLARE_CATALOG_TOKEN", "catalog-token", "Bearer token for that catalog."),
    setting(
        "HOGFLARE_CATALOG_NAMESPACE",
        "catalog-namespace",
        Some("default"),
        "Namespace of the tables in that catalog, made where it is missing; levels with dots between them.",
    ),
    setting(
        "HOGFLARE_CATALOG_ACCESS",
        "catalog-access",
        Some("write"),
        "`write` or `read`. Read: its tables are changed by others, such as Cloudflare Pipelines, and answer \
         questions here.",
    ),
    setting(
        "HOGFLARE_CATALOG_TABLES",
        "catalog-tables",
        Some(""),
        "Names of tables that others made, where they differ: `events=events_v2,persons=people`; `otel=` leaves one \
         out.",
    ),
    setting(
        "HOGFLARE_CATALOG_INTERVAL",
        "catalog-interval",
        Some("60s"),
        "How long rows gather before they are committed to the catalog, and how often it is asked for newer \
         ones where it answers questions. R2 takes 20 commits to a table a minute, those of all nodes together.",
    ),
    setting(
        "HOGFLARE_CATALOG_BATCH",
        "catalog-batch",
        Some("128MiB"),
        "Memory that such rows may take; then they are committed earlier.",
    ),
    setting(
        "HOGFLARE_CATALOG_TIMEOUT",
        "catalog-timeout",
        Some("45s"),
        "Timeout of one request to the catalog.",
    ),
    setting(
        "HOGFLARE_CATALOG_SNAPSHOTS",
        "catalog-snapshots",
        Some("1d"),
        "How long snapshots stay in the catalog that Hogflare made; `keep` leaves all of them to the catalog.",
    ),
    setting(
        "HOGFLARE_S3_ENDPOINT",
        "s3-endpoint",
        None,
        "Endpoint of the catalog's storage, where the catalog does not say it, or says one that is not \
         reached from here.",
    ),
    setting("HOGFLARE_S3_REGION", "s3-region", None, "Region of that storage, likewise."),
    setting(
        "HOGFLARE_S3_ACCESS_KEY_ID",
        "s3-access-key-id",
        None,
        "Access key for that storage, where the catalog gives no credentials; it comes before theirs.",
    ),
    secret("HOGFLARE_S3_SECRET_ACCESS_KEY", "s3-secret-access-key", "The secret of that key."),
    setting(
        "HOGFLARE_TEE",
        "tee",
        None,
        "A PostHog that gets every request too, as it came: `https://us.i.posthog.com`, `https://eu.i.posthog.com` \
         or your own (`docs/beside-posthog.md`). Unset: none.",
    ),
    setting(
        "HOGFLARE_TEE_TOKENS",
        "tee-tokens",
        None,
        "Project API keys whose requests go there, between commas. Unset: everybody's.",
    ),
    setting(
        "HOGFLARE_TEE_RECORDINGS",
        "tee-recordings",
        Some("off"),
        "`on` or `off`: whether session recordings go there, which are most of the bytes.",
    ),
    setting(
        "HOGFLARE_TEE_ADDRESSES",
        "tee-addresses",
        Some("on"),
        "`on` or `off`: whether clients' addresses go there, as `X-Forwarded-For`.",
    ),
    setting(
        "HOGFLARE_TEE_BUDGET",
        "tee-budget",
        None,
        "Most disk space of requests that wait for it; further ones are not forwarded. Unset: a quarter of the \
         journal's.",
    ),
    setting("HOGFLARE_TEE_TIMEOUT", "tee-timeout", Some("30s"), "Timeout of one request to it."),
    setting(
        "POSTHOG_API_KEY",
        "posthog-api-key",
        None,
        "Project API key (`phc_…`) for requests that bring none; its project is 1.",
    ),
    setting(
        "POSTHOG_SESSION_RECORDING_ENDPOINT",
        "posthog-session-recording-endpoint",
        None,
        "Recording endpoint told to SDKs, such as `/s/`. Unset: SDKs are told not to record.",
    ),
    secret(
        "POSTHOG_SIGNING_SECRET",
        "posthog-signing-secret",
        "When set, every request that writes must carry a valid HMAC signature. Browsers cannot keep \
         this secret: use it for server SDKs and webhooks only.",
    ),
    setting(
        "HOGFLARE_CONFIG",
        "config",
        None,
        "TOML file with any of these settings, named like the flags with underscores. Its tables say \
         what projects there are, how much they may send (`docs/projects.md`), and what their SDKs do \
         (`docs/sdks.md`).",
    ),
    setting(
        "HOGFLARE_DATA_DIR",
        "data-dir",
        Some("./hogflare-data"),
        "Folder of the journal, the lake and everything else that is kept.",
    ),
    setting(
        "HOGFLARE_LAKE",
        "lake",
        Some("on"),
        "`on` or `off`. Off: no lake in the data folder; a pipeline or a catalog then has the only \
         copy, and must be set.",
    ),
    setting(
        "HOGFLARE_ACK",
        "ack",
        Some("durable"),
        "`durable`: answer once the journal is on disk. `delivered`: once the pipeline holds the \
         rows too, for disks that do not last.",
    ),
    secret(
        "HOGFLARE_READ_KEY",
        "read-key",
        "Key for reading over HTTP. Unset: made at the first start, in DATA_DIR/read-key.",
    ),
    secret(
        "HOGFLARE_ADMIN_KEY",
        "admin-key",
        "Key for erasing persons over HTTP. Unset: made at the first start, in DATA_DIR/admin-key.",
    ),
    secret(
        "HOGFLARE_ADMIN_PASSWORD",
        "admin-password",
        "Password of the first owner, where nobody can follow the link that a first start prints. Once \
         there is an owner it changes nothing.",
    ),
    setting(
        "HOGFLARE_ADMIN_EMAIL",
        "admin-email",
        Some("admin@localhost"),
        "The email address of that owner.",
    ),
    setting(
        "HOGFLARE_PUBLIC_URL",
        "public-url",
        None,
        "Where browsers find this server, such as `https://stats.example.com`: in links, in snippets, and \
         with `https` cookies go that way only. Unset: the first name of `HOGFLARE_TLS_DOMAIN`, if there is one.",
    ),
    setting(
        "HOGFLARE_SESSION_IDLE",
        "session-idle",
        Some("7d"),
        "After how long without being used somebody has to log in again.",
    ),
    setting(
        "HOGFLARE_SESSION_LIFETIME",
        "session-lifetime",
        Some("30d"),
        "After how long in any case.",
    ),
    setting("HOGFLARE_PROJECTS", "projects", None, "Project numbers of tokens, `phc_a=1,phc_b=2`."),
    setting(
        "HOGFLARE_UNKNOWN_TOKENS",
        "unknown-tokens",
        Some("accept"),
        "What is done with tokens that have no project: `accept`, with project 0, or `refuse`, 401.",
    ),
    setting(
        "HOGFLARE_JOURNAL_BUDGET",
        "journal-budget",
        None,
        "Most disk space that the journal may take, such as `10GiB`. Unset: 10 GiB, or a fifth of \
         the disk if that is less.",
    ),
    setting(
        "HOGFLARE_JOURNAL_RESERVE",
        "journal-reserve",
        Some("1GiB"),
        "Disk space left for lake commits and dead letters: with less free, requests get 503.",
    ),
    setting(
        "HOGFLARE_RETENTION",
        "retention",
        None,
        "How long rows of the lake are kept, by the day on which they happened: `400d`, `13 months`, \
         `2 years`. Persons and groups stay. Unset: for ever.",
    ),
    setting(
        "HOGFLARE_RECORDINGS_RETENTION",
        "recordings-retention",
        Some("30d"),
        "How long session recordings are kept.",
    ),
    setting(
        "HOGFLARE_RECORDINGS_BUDGET",
        "recordings-budget",
        Some("5GB"),
        "Most disk space that session recordings may take; beyond it the oldest go, those of tokens \
         without a project first.",
    ),
    Setting {
        name: "HOGFLARE_STATE",
        flag: "state",
        default: Some("embedded"),
        // The password in the URL.
        secret: true,
        doc: "Where persons and groups are kept: `embedded`, in the data folder; \
              `postgres://user:password@host/database?sslmode=require`, in PostgreSQL, for several nodes \
              that know the same persons (`docs/postgresql.md`); or `none`: nothing is remembered and each \
              distinct id is a person by itself, for disks that do not last.",
    },
    setting(
        "HOGFLARE_PERSON_PROPERTIES",
        "person-properties",
        Some("table"),
        "What column `person_properties` of `events` has: `table`, what the event itself sets, the whole \
         person being in table `persons`; or `on_events`, the whole person as it was after the event.",
    ),
    setting(
        "POSTHOG_GROUP_TYPE_0",
        "posthog-group-type-0",
        None,
        "Name of the group type whose keys are in `group_0`, where it is not to be the first one that comes.",
    ),
    setting("POSTHOG_GROUP_TYPE_1", "posthog-group-type-1", None, "Likewise of `group_1`."),
    setting("POSTHOG_GROUP_TYPE_2", "posthog-group-type-2", None, "Likewise of `group_2`."),
    setting("POSTHOG_GROUP_TYPE_3", "posthog-group-type-3", None, "Likewise of `group_3`."),
    setting("POSTHOG_GROUP_TYPE_4", "posthog-group-type-4", None, "Likewise of `group_4`."),
    setting(
        "HOGFLARE_DEDUP_WINDOW",
        "dedup-window",
        Some("24h"),
        "How long a retry of an event is recognized.",
    ),
    setting(
        "HOGFLARE_MEMORY_BUDGET",
        "memory-budget",
        Some("128MiB"),
        "Bytes of all requests in flight, inflated ones included; beyond it requests wait, then get \
         503.",
    ),
    setting(
        "HOGFLARE_IP",
        "ip",
        Some("keep"),
        "How much of clients' addresses is stored, once they have been located: `keep`, `truncate` (the \
         first 24 bits of IPv4, 48 of IPv6) or `drop`. OpenTelemetry is stored as it comes.",
    ),
    setting(
        "HOGFLARE_GEOIP",
        "geoip",
        None,
        "A database in MaxMind's format (`.mmdb`), for the place of addresses, read at the start.",
    ),
    setting(
        "HOGFLARE_MAX_CONNECTIONS",
        "max-connections",
        Some("16384"),
        "Connections at a time; further ones wait to be accepted.",
    ),
    setting(
        "HOGFLARE_PG_ADDR",
        "pg-addr",
        None,
        "Address for clients that speak PostgreSQL, such as `127.0.0.1:5432` (`docs/sql-clients.md`). Unset: \
         none. Anything but this machine's own needs the two settings below.",
    ),
    setting(
        "HOGFLARE_PG_TLS_CERT",
        "pg-tls-cert",
        None,
        "The certificate for that address, with those that vouch for it, in a PEM file; read again when it \
         changes.",
    ),
    setting("HOGFLARE_PG_TLS_KEY", "pg-tls-key", None, "Its key, likewise."),
    setting(
        "HOGFLARE_TRUST_PROXY",
        "trust-proxy",
        Some("127.0.0.0/8,::1/128"),
        "Whose word about the client is believed: addresses and networks of proxies, for \
         `X-Forwarded-For`; `worker`, for the address and place that the Worker in `deploy/cloudflare` \
         sends, only where nobody else can reach this server; or `none`.",
    ),
    setting(
        "HOGFLARE_DRAIN_TIMEOUT",
        "drain-timeout",
        Some("20s"),
        "How long sinks may take to deliver what they have when the process is told to stop.",
    ),
    setting(
        "HOGFLARE_LOG",
        "log",
        Some("info"),
        "What is logged, such as `info` or `warn,hogflare_sink=debug`.",
    ),
    setting("HOGFLARE_LOG_FORMAT", "log-format", Some("text"), "`text` or `json`."),
];

const fn setting(
    name: &'static str,
    flag: &'static str,
    default: Option<&'static str>,
    doc: &'static str,
) -> Setting {
    Setting { name, flag, default, secret: false, doc }
}

const fn secret(name: &'static str, flag: &'static str, doc: &'static str) -> Setting {
    Setting { name, flag, default: None, secret: true, doc }
}

/// The reference of all settings, `docs/configuration.md`.
pub(crate) fn reference() -> String {
    let mut table = String::from(INTRODUCTION);
    table.push_str("| variable | flag | default | meaning |\n|---|---|---|---|\n");
    for Setting { name, flag, default, doc, .. } in SETTINGS {
        let default = default.map_or("–".to_owned(), |default| format!("`{default}`"));
        writeln!(table, "| `{name}` | `--{flag}` | {default} | {doc} |").expect("a String grows");
    }
    table
}

const INTRODUCTION: &str = "\
# Configuration

Every setting can be given in four places. A flag of `hogflare serve` beats an environment variable, that
one `.env.local` (or `.env` where there is no `.env.local`), that one the TOML file named by
`HOGFLARE_CONFIG`, whose keys are the flags with underscores (`app_addr = \"127.0.0.1:8080\"`). An empty
value counts as none. A wrong one stops the start with a line that names it; a name that is no setting is
warned of.

";
