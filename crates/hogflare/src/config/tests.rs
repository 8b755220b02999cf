//! What settings become, and what is said of wrong ones.

use sink::pipelines::TableStream;

use super::*;

fn error_of(given: &[(&str, &str)]) -> String {
    Config::parse(&Sources::of(given)).unwrap_err().to_string()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::parse(&Sources::of(&[])).unwrap();
    assert_eq!(config.app_addr.to_string(), "0.0.0.0:8080");
    assert!(config.lake_enabled && config.pipelines.is_none());
}

#[test]
fn an_empty_variable_is_as_if_unset() {
    let config = Config::parse(&Sources::of(&[("CLOUDFLARE_PIPELINE_ENDPOINT", "")])).unwrap();
    assert!(config.pipelines.is_none());
}

#[test]
fn a_wrong_value_is_named_with_what_was_expected() {
    assert_eq!(
        error_of(&[("APP_ADDR", "eighty")]),
        "APP_ADDR=eighty: expected an address such as 0.0.0.0:8080"
    );
    assert_eq!(
        error_of(&[("HOGFLARE_JOURNAL_BUDGET", "much")]),
        "HOGFLARE_JOURNAL_BUDGET=much: expected a size such as 512MiB"
    );
    assert_eq!(
        error_of(&[("CLOUDFLARE_PIPELINE_ENDPOINT", "http://example.com")]),
        "CLOUDFLARE_PIPELINE_ENDPOINT=http://example.com: expected an https URL (http is for \
         loopback only)"
    );
}

#[test]
fn settings_that_need_each_other_are_checked_together() {
    assert!(error_of(&[("HOGFLARE_LAKE", "off")]).contains("CLOUDFLARE_PIPELINE_ENDPOINT"));
    assert!(error_of(&[("HOGFLARE_ACK", "delivered")]).contains("CLOUDFLARE_PIPELINE_ENDPOINT"));
}

#[test]
fn a_catalog_may_have_the_only_copy() {
    let catalog = ("HOGFLARE_CATALOG", "https://catalog.example.com/account/bucket");
    let token = ("HOGFLARE_CATALOG_TOKEN", "hunter2");
    let given = [catalog, token, ("HOGFLARE_LAKE", "off"), ("HOGFLARE_CATALOG_SNAPSHOTS", "keep")];
    let config = Config::parse(&Sources::of(&given)).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let catalog = config.catalog.unwrap();
    assert_eq!((catalog.namespace, catalog.keep_snapshots), (vec!["default".to_owned()], None));
    assert!(error_of(&[token]).contains("HOGFLARE_CATALOG to be set"));
    assert!(!error_of(&[token]).contains("hunter2"));
}

#[test]
fn what_a_catalog_needs_is_said() {
    let catalog = ("HOGFLARE_CATALOG", "https://catalog.example.com");
    assert_eq!(
        error_of(&[("HOGFLARE_CATALOG", "http://catalog.example.com")]),
        "HOGFLARE_CATALOG=http://catalog.example.com: expected an https URL (http is for hosts of a \
         private network only)"
    );
    let half = error_of(&[catalog, ("HOGFLARE_S3_SECRET_ACCESS_KEY", "hunter2")]);
    assert!(half.contains("HOGFLARE_S3_ACCESS_KEY_ID") && !half.contains("hunter2"));
    assert!(error_of(&[catalog, ("HOGFLARE_CATALOG_INTERVAL", "0s")]).contains("above 0"));
    assert!(error_of(&[catalog, ("HOGFLARE_CATALOG_NAMESPACE", "a..b")]).contains("dots"));
}

#[test]
fn a_public_key_cannot_be_the_read_key() {
    let error = error_of(&[("POSTHOG_API_KEY", "same"), ("HOGFLARE_READ_KEY", "same")]);
    assert!(error.contains("HOGFLARE_READ_KEY") && !error.contains("same"));
    assert!(error_of(&[("HOGFLARE_READ_KEY", "phc_x")]).contains("public"));
    assert!(error_of(&[("HOGFLARE_ADMIN_KEY", "phc_x")]).contains("public"));
}

#[test]
fn sizes_and_durations_have_units() {
    let config = Config::parse(&Sources::of(&[
        ("HOGFLARE_JOURNAL_BUDGET", "2GiB"),
        ("HOGFLARE_DEDUP_WINDOW", "7d"),
    ]))
    .unwrap();
    assert_eq!(config.journal_budget_bytes, Some(2 << 30));
    assert_eq!(config.dedup_window.as_secs(), 7 * 86_400);
}

#[test]
fn every_setting_has_a_line_in_the_reference() {
    let reference = reference();
    assert!(SETTINGS.iter().all(|Setting { name, .. }| reference.contains(&format!("`{name}`"))));
}

const MAIN: (&str, &str) = ("CLOUDFLARE_PIPELINE_ENDPOINT", "https://main.ingest.cloudflare.com");

#[test]
fn streams_stand_beside_a_main_one() {
    let next = ("CLOUDFLARE_PIPELINE_NEXT_ENDPOINT", "https://next.ingest.cloudflare.com");
    let streams = ("CLOUDFLARE_PIPELINE_STREAMS", "phc_a=https://a.ingest.cloudflare.com");
    let token = ("CLOUDFLARE_PIPELINE_AUTH_TOKEN", "secret");
    let config = Config::parse(&Sources::of(&[MAIN, next, streams, token])).unwrap();
    let names: Vec<_> =
        config.pipelines.as_ref().unwrap().all().map(|stream| stream.name).collect();
    assert_eq!(names, ["pipelines", "pipelines-a", "next-pipelines", "recordings-pipelines"]);
    for alone in [next, streams, token] {
        let error = error_of(&[alone]);
        assert!(error.contains("CLOUDFLARE_PIPELINE_ENDPOINT") && !error.contains("secret"));
    }
}

#[test]
fn a_stream_of_a_table_is_its_own() {
    let own = |setting| (setting, "https://own.ingest.cloudflare.com");
    for stream in TableStream::ALL {
        let error = error_of(&[MAIN, (stream.setting, MAIN.1)]);
        assert!(error.contains("a stream of its own") && error.contains(stream.setting));
        assert!(error_of(&[own(stream.setting)]).contains("CLOUDFLARE_PIPELINE_ENDPOINT"));
        let config = Config::parse(&Sources::of(&[MAIN, own(stream.setting)])).unwrap();
        let tables: Vec<_> =
            config.pipelines.unwrap().tables.iter().map(|(table, _)| *table).collect();
        assert_eq!(tables, [stream.table]);
    }
    let [first, second, ..] = TableStream::ALL.map(|stream| own(stream.setting));
    assert!(error_of(&[MAIN, first, second]).contains("a stream of its own"));
}

#[test]
fn a_next_stream_that_is_there_is_needless() {
    let next = ("CLOUDFLARE_PIPELINE_NEXT_ENDPOINT", MAIN.1);
    let config = Config::parse(&Sources::of(&[MAIN, next])).unwrap();
    let pipelines = config.pipelines.unwrap();
    assert!(pipelines.is_next_needless && pipelines.streams.next().is_none());
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let url = ("CLOUDFLARE_PIPELINE_ENDPOINT", "https://user:secret@example.com");
    assert!(!error_of(&[url]).contains("secret"));
}

#[test]
fn keys_do_not_cross_a_network_unencrypted() {
    let door = |given: &[(&str, &str)]| Config::parse(&Sources::of(given)).unwrap().postgres_door;
    let (cert, key) = (("HOGFLARE_PG_TLS_CERT", "cert.pem"), ("HOGFLARE_PG_TLS_KEY", "key.pem"));
    assert!(door(&[]).is_none());
    for address in ["127.0.0.1:5432", "[::1]:5432"] {
        assert!(door(&[("HOGFLARE_PG_ADDR", address)]).unwrap().tls.is_none());
    }
    let anywhere = ("HOGFLARE_PG_ADDR", "0.0.0.0:5432");
    assert!(door(&[anywhere, cert, key]).unwrap().tls.is_some());
    let error = error_of(&[anywhere]);
    assert!(error.starts_with("HOGFLARE_PG_ADDR=0.0.0.0:5432: expected"), "{error}");
    assert!(error.contains("HOGFLARE_PG_TLS_CERT") && !error.contains('\n'), "{error}");
    assert!(error_of(&[anywhere, cert]).contains("HOGFLARE_PG_TLS_KEY"));
    assert!(error_of(&[cert, key]).contains("HOGFLARE_PG_ADDR"));
    let off = ("HOGFLARE_LAKE", "off");
    assert!(
        error_of(&[("HOGFLARE_PG_ADDR", "127.0.0.1:5432"), off, MAIN]).contains("HOGFLARE_LAKE")
    );
}

#[test]
fn persons_are_kept_where_it_is_said() {
    let state =
        |value: &str| Config::parse(&Sources::of(&[("HOGFLARE_STATE", value)])).unwrap().state;
    assert!(matches!(state("embedded"), State::Embedded));
    assert!(matches!(state("none"), State::None));
    for scheme in ["postgres", "postgresql"] {
        let state = state(&format!("{scheme}://me:secret@db.example/persons"));
        assert!(!format!("{state:?}").contains("secret"));
        let State::Postgres(address) = state else { panic!("{state:?}") };
        assert_eq!(address.to_string(), "db.example/persons");
    }
    let error = error_of(&[("HOGFLARE_STATE", "sqlite")]);
    assert_eq!(
        error,
        "HOGFLARE_STATE=sqlite: expected embedded, none, or postgres://user:password@host/database"
    );
    for wrong in ["postgres://me:secret@host:port/db", "postgres:/me:secret", "postgre://secret@h"]
    {
        let error = error_of(&[("HOGFLARE_STATE", wrong)]);
        assert!(error.starts_with("HOGFLARE_STATE: ") && !error.contains("secret"), "{error}");
    }
}

#[test]
fn who_waits_for_the_pipeline_gets_a_second_try() {
    let timeout = |given: &[(&str, &str)]| {
        let config = Config::parse(&Sources::of(given)).unwrap();
        config.pipelines.unwrap().streams.iter().next().unwrap().config.timeout.as_secs()
    };
    let delivered = ("HOGFLARE_ACK", "delivered");
    assert_eq!(timeout(&[MAIN]), 10);
    assert_eq!(timeout(&[MAIN, delivered]), 4);
    assert_eq!(timeout(&[MAIN, delivered, ("CLOUDFLARE_PIPELINE_TIMEOUT_SECS", "7")]), 7);
}

#[test]
fn https_is_on_the_usual_ports_unless_it_is_said() {
    let domain = ("HOGFLARE_TLS_DOMAIN", "Stats.example.com, b.example");
    let (cert, key) = (("HOGFLARE_TLS_CERT", "cert.pem"), ("HOGFLARE_TLS_KEY", "key.pem"));
    let addresses = |given: &[(&str, &str)]| {
        let config = Config::parse(&Sources::of(given)).unwrap();
        let plain = config.https.unwrap().http_addr.map(|address| address.to_string());
        (config.app_addr.to_string(), plain.unwrap_or_default())
    };
    let pair = |https: &str, plain: &str| (https.to_owned(), plain.to_owned());
    for given in [&[domain][..], &[cert, key]] {
        assert_eq!(addresses(given), pair("0.0.0.0:443", "0.0.0.0:80"));
    }
    let off = ("HOGFLARE_HTTP_ADDR", "off");
    assert_eq!(addresses(&[domain, off]), pair("0.0.0.0:443", ""));
    assert_eq!(addresses(&[domain, ("APP_ADDR", "[::]:443")]), pair("[::]:443", "[::]:80"));
    let elsewhere = ("APP_ADDR", "0.0.0.0:8443");
    assert_eq!(addresses(&[domain, elsewhere]), pair("0.0.0.0:8443", ""));
    let plain = ("HOGFLARE_HTTP_ADDR", "0.0.0.0:8080");
    assert_eq!(addresses(&[domain, elsewhere, plain]), pair("0.0.0.0:8443", "0.0.0.0:8080"));
}

#[test]
fn the_public_url_is_the_first_name_of_the_certificate() {
    let url = |given: &[(&str, &str)]| {
        let config = Config::parse(&Sources::of(given)).unwrap();
        config.public_url.map(|url| url.to_string()).unwrap_or_default()
    };
    let domain = ("HOGFLARE_TLS_DOMAIN", "Stats.example.com, b.example");
    assert_eq!(url(&[domain]), "https://stats.example.com");
    let given = ("HOGFLARE_PUBLIC_URL", "https://other.example");
    assert_eq!(url(&[domain, given]), "https://other.example");
    let files = [("HOGFLARE_TLS_CERT", "cert.pem"), ("HOGFLARE_TLS_KEY", "key.pem")];
    assert_eq!(url(&files), "", "whom it names is not known before it is read");
}
