"""What is added to events, and what is kept from the disk."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.load import new_event
from harness.server import TOKEN, Hogflare
from mmdb_writer import MMDBWriter
from netaddr import IPSet

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)"
LISBON, MADRID = "81.193.0.7", "81.45.3.9"


@pytest.fixture(scope="module")
def mmdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that knows two cities."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="GeoLite2-City")
    for network, city, code in [("81.193.0.0/16", "Lisbon", "PT"), ("81.45.0.0/16", "Madrid", "ES")]:
        names = {"city": {"names": {"en": city}}, "country": {"iso_code": code, "names": {"en": city}}}
        writer.insert_network(IPSet([network]), names)
    path = tmp_path_factory.mktemp("geoip") / "cities.mmdb"
    writer.to_db_file(str(path))
    return path


def send(server: Hogflare, event: str, properties: dict, ip: str = LISBON, agent: str = CHROME) -> dict:
    """Sends one event as a browser does, and returns its row."""
    body = {"api_key": TOKEN, "batch": [new_event(event, properties={"$lib": "web"} | properties)]}
    answer = server.post("/e/", body, x_forwarded_for=ip, user_agent=agent)
    assert answer.is_success()
    [row] = server.query(
        "select ip, country_code, city, browser, os, device_type, bot, properties, person_properties "
        f"from events where event = '{event}'"
    )
    return row | {name: json.loads(row[name] or "{}") for name in ("properties", "person_properties")}


def person(server: Hogflare, event: str) -> dict:
    """The properties of the person whom an event is about."""
    [row] = server.query(
        f"select p.properties from persons p join events e on e.person_id = p.id where e.event = '{event}'"
    )
    return json.loads(row["properties"])


def on_disk(server: Hogflare, text: str) -> bool:
    """Says whether a text stands anywhere in the data folder, uncompressed."""
    files = [path for path in server.data_dir.rglob("*") if path.is_file()]
    return any(text.encode() in path.read_bytes() for path in files)


def test_event_and_person_know_the_place(start_hogflare, mmdb: Path) -> None:
    server = start_hogflare(HOGFLARE_GEOIP=str(mmdb), POSTHOG_API_KEY=TOKEN)
    row = send(server, "located", {})
    assert (row["ip"], row["country_code"], row["city"]) == (LISBON, "PT", "Lisbon")
    located = person(server, "located")
    assert (located["$geoip_city_name"], located["$initial_geoip_country_code"]) == ("Lisbon", "PT")
    assert send(server, "not to be located", {"$geoip_disable": True})["country_code"] is None
    assert send(server, "on behalf of another", {"$ip": MADRID})["city"] == "Madrid"


def test_a_database_that_is_none_stops_the_start(new_hogflare, tmp_path: Path) -> None:
    path = tmp_path / "not.mmdb"
    path.write_text("rubbish")
    server = new_hogflare(HOGFLARE_GEOIP=str(path)).start(wait=False)
    assert server.process.wait_end() != 0
    assert f"HOGFLARE_GEOIP={path}" in server.process.log()


def test_browser_bot_and_channel_are_told(start_hogflare) -> None:
    hogflare = start_hogflare(POSTHOG_API_KEY=TOKEN)
    row = send(hogflare, "bare", {})
    assert (row["browser"], row["os"], row["device_type"], row["bot"]) == ("Chrome", "Windows", "Desktop", None)
    assert person(hogflare, "bare")["$initial_browser"] == "Chrome"
    crawled = send(hogflare, "crawled", {}, agent=GPTBOT)
    assert (crawled["bot"], crawled["properties"]["$bot_category"]) == ("GPTBot", "ai_crawler")
    visit = send(hogflare, "$pageview", {"$referring_domain": "www.google.com", "$current_url": "https://shop.example/"})
    assert visit["properties"]["$channel_type"] == "Organic Search"
    assert person(hogflare, "$pageview")["$initial_referring_domain"] == "www.google.com"
    assert "$initial_referring_domain" not in visit["properties"]


@pytest.mark.parametrize(("policy", "stored"), [("truncate", "81.193.0.0"), ("drop", None)])
def test_addresses_are_used_and_not_kept(
    start_hogflare: Callable[..., Hogflare], mmdb: Path, policy: str, stored: str | None
) -> None:
    server = start_hogflare(HOGFLARE_GEOIP=str(mmdb), HOGFLARE_IP=policy)
    row = send(server, "located", {"$set": {"$ip": LISBON}})
    assert (row["city"], row["ip"]) == ("Lisbon", stored)
    assert not on_disk(server, LISBON)


def test_what_is_private_never_reaches_the_disk(start_hogflare: Callable[..., Hogflare], tmp_path: Path) -> None:
    config = tmp_path / "hogflare.toml"
    config.write_text(
        "[privacy]\nblock = ['email']\nhash = ['customer']\nhash_key = 'k'\n"
        "mask_url_query = true\nkeep_url_query = ['utm_*']\n"
    )
    server = start_hogflare(HOGFLARE_CONFIG=str(config))
    url = "https://shop.example/?secret=hidden-value&utm_source=mail"
    properties = {"email": "ada@example.org", "$set": {"email": "ada@example.org"}, "customer": "c-1", "$current_url": url}
    row = send(server, "private", properties)
    assert "email" not in row["properties"] and "email" not in row["person_properties"]
    assert len(row["properties"]["customer"]) == 64
    assert row["properties"]["$current_url"].endswith("&utm_source=mail")
    for text in ("ada@example.org", "hidden-value", '"c-1"'):
        assert not on_disk(server, text), text
