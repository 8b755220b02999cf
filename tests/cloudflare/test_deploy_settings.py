"""wrangler.jsonc names every setting of the service, so that none is forgotten when one is added."""

from support.settings import documented_settings, wrangler_config, wrangler_text

NOT_FOR_DEPLOYMENT = {
    "APP_ADDR": "the container class asks on port 8080, which the Worker sets",
    "HOGFLARE_CONFIG": "a file in the container; the image has none",
    "HOGFLARE_GEOIP": "likewise; behind the Worker its headers tell the place",
    "HOGFLARE_DATA_DIR": "a folder in the container, which the image decides",
    "HOGFLARE_PG_ADDR": "a Worker passes HTTP only, and there is no lake to ask",
    "HOGFLARE_PG_TLS_CERT": "likewise",
    "HOGFLARE_PG_TLS_KEY": "likewise",
    "HOGFLARE_HTTP_ADDR": "Cloudflare has the certificate, and the Worker asks by http",
    "HOGFLARE_TLS_ACME_ROOT": "likewise",
    "HOGFLARE_TLS_ACME_URL": "likewise",
    "HOGFLARE_TLS_CERT": "likewise",
    "HOGFLARE_TLS_CONTACT": "likewise",
    "HOGFLARE_TLS_DOMAIN": "likewise",
    "HOGFLARE_TLS_KEY": "likewise",
}
SECRETS = {
    "CLOUDFLARE_PIPELINE_AUTH_TOKEN",
    "POSTHOG_SIGNING_SECRET",
    "HOGFLARE_CATALOG_TOKEN",
    "HOGFLARE_S3_SECRET_ACCESS_KEY",
    "HOGFLARE_READ_KEY",
    "HOGFLARE_ADMIN_KEY",
    "HOGFLARE_ADMIN_PASSWORD",
}
DEPLOYED_DEFAULTS = {
    "HOGFLARE_ACK": "delivered",
    "HOGFLARE_LAKE": "off",
    "HOGFLARE_TRUST_PROXY": "worker",
    "HOGFLARE_LOG_FORMAT": "json",
    "HOGFLARE_DRAIN_TIMEOUT": "60s",
}


def test_every_setting_is_named() -> None:
    text = wrangler_text()
    missing = [name for name in documented_settings() if name not in NOT_FOR_DEPLOYMENT and name not in text]
    assert not missing, f"name them in wrangler.jsonc, as a value, a comment or a secret: {missing}"


def test_no_excluded_setting_is_stale() -> None:
    assert NOT_FOR_DEPLOYMENT.keys() <= set(documented_settings())
    assert not [name for name in NOT_FOR_DEPLOYMENT if name in wrangler_text()]


def test_secrets_have_no_value_here() -> None:
    assert not SECRETS & wrangler_config()["vars"].keys()
    assert all(name in wrangler_text() for name in SECRETS)


def test_defaults_suit_a_disk_that_does_not_last() -> None:
    assert DEPLOYED_DEFAULTS.items() <= wrangler_config()["vars"].items()
    assert all(isinstance(value, str) for value in wrangler_config()["vars"].values())
