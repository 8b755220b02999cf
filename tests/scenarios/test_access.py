"""Who may come in, and what they may do: users, sessions, keys, and those who are none of them."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from harness.server import TOKEN, Hogflare
from harness.wire import Answer

PASSWORD = "a long password"
OWNER = "owner@example.com"


@dataclass
class Browser:
    """Somebody's browser: it keeps the cookie, and its pages know the CSRF token."""

    server: Hogflare
    cookie: str = ""
    csrf: str = ""
    sent: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Asks as a page of the server does."""
        import json

        known = {"cookie": self.cookie, "x-hogflare-csrf": self.csrf, "sec-fetch-site": "same-origin"}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        shown = {name: value for name, value in (known | self.sent | headers).items() if value}
        content = None if body is None else json.dumps(body).encode()
        with self.server.connect() as wire:
            answer = wire.request(method, path, content, shown)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    def enter(self, method: str, path: str, body: object) -> Answer:
        """Comes in, and remembers what the pages need."""
        answer = self.ask(method, path, body)
        if answer.status == 200:
            self.csrf = answer.json()["csrf"]
        return answer

    def log_in(self, email: str, password: str = PASSWORD) -> Answer:
        """Logs in."""
        return self.enter("POST", "/api/session", {"email": email, "password": password})


@pytest.fixture(scope="module")
def server(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hogflare]:
    """A server with an owner and a project of the configuration."""
    folder = tmp_path_factory.mktemp("access")
    env = {"HOGFLARE_ADMIN_EMAIL": OWNER, "HOGFLARE_ADMIN_PASSWORD": PASSWORD}
    server = Hogflare(binary, folder / "data", folder / "hogflare.log", env).start()
    yield server
    server.kill9()


@pytest.fixture
def owner(server: Hogflare) -> Browser:
    """The owner, logged in."""
    browser = Browser(server)
    assert browser.log_in(OWNER).status == 200
    return browser


@pytest.fixture
def invited(server: Hogflare, owner: Browser) -> Callable[[str], Browser]:
    """Invites somebody with a role, who comes in."""
    count = iter(range(1_000))

    def invite(role: str) -> Browser:
        email = f"{role}-{next(count)}-{time.monotonic_ns()}@example.com"
        made = owner.ask("POST", "/api/users", {"email": email, "role": role})
        assert made.status == 201, made.body
        browser = Browser(server)
        token = made.json()["link"]["token"]
        entered = browser.enter("POST", "/api/setup", {"token": token, "email": email, "password": PASSWORD})
        assert entered.status == 200 and entered.json()["user"]["role"] == role
        return browser

    return invite


def printed_token(server: Hogflare) -> str | None:
    """The token of the link that the start printed."""
    found = re.findall(r"/setup\?token=(hfl_\w+)", server.log_path.read_text())
    return found[-1] if found else None


def test_the_first_start_prints_a_link_that_works_once(new_hogflare: Callable[..., Hogflare]) -> None:
    server = new_hogflare().start()
    token = printed_token(server)
    assert f"http://127.0.0.1:{server.port}/setup?token={token}" in server.log_path.read_text()
    assert server.get("/api/setup").json()["is_done"] is False
    first, second = Browser(server), Browser(server)
    wanted = {"email": OWNER, "password": PASSWORD}
    assert first.ask("POST", "/api/setup", wanted | {"token": "hfl_guess"}).status == 403
    assert first.ask("POST", "/api/setup", wanted | {"token": token, "password": "short"}).status == 400
    entered = first.enter("POST", "/api/setup", wanted | {"token": token})
    assert entered.json()["user"]["role"] == "owner"
    assert first.ask("GET", "/api/session").json()["user"]["email"] == OWNER
    assert second.ask("POST", "/api/setup", wanted | {"token": token, "email": "b@x"}).status == 403
    assert server.get("/api/setup").json()["is_done"] is True
    server.stop()
    server.log_path.write_text("")
    server.start()
    assert printed_token(server) is None, "never again"
    assert Browser(server).log_in(OWNER).status == 200


def test_a_password_of_the_configuration_makes_one_owner_once(new_hogflare: Callable[..., Hogflare]) -> None:
    server = new_hogflare().start(HOGFLARE_ADMIN_PASSWORD=PASSWORD)
    assert printed_token(server) is None
    assert Browser(server).log_in("admin@localhost").status == 200
    server.restart(HOGFLARE_ADMIN_PASSWORD="another long password")
    assert Browser(server).log_in("admin@localhost", "another long password").status == 401
    assert Browser(server).log_in("admin@localhost").status == 200
    assert PASSWORD not in server.log_path.read_text()
    assert PASSWORD.encode() not in (server.data_dir / "settings.db").read_bytes()


# What anybody may ask: whether somebody is there, what a link that they hold opens, and how to come in.
OPEN = {
    ("post", "/api/session"),
    ("get", "/api/setup"),
    ("post", "/api/setup"),
    ("get", "/api/shared/{token}"),
    ("get", "/api/shared/{token}/answers/{id}"),
}
FILLED = {
    "id": "0192f0c1-2345-7000-8000-000000000000",
    "kind": "trends",
    "token": "phc_x",
}


def doors(server: Hogflare) -> list[tuple[str, str]]:
    """Every door that is not an SDK's, with its method."""
    document = server.get("/api/openapi.json").json()
    found = [
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["tags"][0] in ("reading", "erasing", "access", "saving") and path != "/api/openapi.json"
    ]
    assert len(found) > 45
    return [door for door in found if door not in OPEN]


def test_a_visitor_who_is_not_logged_in_gets_nothing(server: Hogflare) -> None:
    for method, path in doors(server):
        filled = path.format(**FILLED)
        for shown in ({}, {"authorization": "Bearer hfr_wrong"}, {"authorization": f"Bearer {TOKEN}"},
                      {"authorization": "Bearer phx_wrong"}, {"cookie": "hogflare_session=hfs_wrong"},
                      {"authorization": "Basic b3duZXI6eA=="}):
            with server.connect() as wire:
                answer = wire.request(method.upper(), filled, b"{}" if method in ("post", "put") else None, shown)
            assert answer.status == 401, f"{method} {path} with {shown}: {answer.status} {answer.body!r}"
            assert set(answer.json()) == {"error"}, path


def test_a_door_that_takes_a_cookie_is_closed_to_other_pages(server: Hogflare, owner: Browser) -> None:
    for method, path in doors(server):
        answer = owner.ask("OPTIONS", path.format(**FILLED), origin="https://evil.example",
                           access_control_request_method=method.upper())
        assert not [name for name in answer.headers if name.startswith("access-control")], path
    got = owner.ask("GET", "/api/projects", origin="https://evil.example", sec_fetch_site="cross-site")
    assert not [name for name in got.headers if name.startswith("access-control")]
    assert got.headers["cache-control"] == "no-store"


def test_a_viewer_looks_and_changes_nothing(server: Hogflare, invited: Callable[[str], Browser]) -> None:
    viewer = invited("viewer")
    assert viewer.ask("GET", "/api/session").json()["permissions"] == ["read"]
    assert viewer.ask("POST", "/api/sql", {"query": "select 1 as one"}).json() == [{"one": 1}]
    assert viewer.ask("GET", "/api/projects").json()["projects"][0]["token"] == TOKEN
    assert viewer.ask("GET", "/api/dashboards").status == 200
    assert viewer.ask("GET", "/metrics").status == 200
    own = ("/api/session", "/api/keys")
    reads = ("/api/sql", "/api/insights/{kind}")
    tried = 0
    for method, path in doors(server):
        if path in reads or path.startswith(own) or method == "get" and path not in (
            "/api/users", "/api/audit", "/api/tokens"
        ):
            continue
        body = {"name": "x", "definition": {}, "token": "phc_x", "email": "a@b.c", "role": "owner", "id": "x"}
        answer = viewer.ask(method.upper(), path.format(**FILLED), None if method == "get" else body)
        assert answer.status == 403, f"{method} {path}: {answer.status} {answer.body!r}"
        tried += 1
    assert tried > 20
    wide = {"kind": "personal", "label": "x", "scopes": ["read", "save"]}
    assert viewer.ask("POST", "/api/keys", wide).status == 403
    secure = {"kind": "secure", "label": "x", "scopes": ["read"], "projects": [1]}
    assert viewer.ask("POST", "/api/keys", secure).status == 403


def test_an_admin_administers_all_but_owners(owner: Browser, invited: Callable[[str], Browser]) -> None:
    admin = invited("admin")
    users = {user["email"]: user["id"] for user in admin.ask("GET", "/api/users").json()["users"]}
    chief = users[OWNER]
    assert admin.ask("PUT", f"/api/users/{chief}", {"role": "viewer"}).status == 403
    assert admin.ask("POST", f"/api/users/{chief}/link").status == 403
    assert admin.ask("DELETE", f"/api/users/{chief}").status == 403
    assert admin.ask("POST", "/api/users", {"email": "x@example.com", "role": "owner"}).status == 403
    assert owner.ask("PUT", f"/api/users/{chief}", {"role": "viewer"}).status == 409, "the last owner"
    viewer = invited("viewer")
    email = viewer.ask("GET", "/api/session").json()["user"]["email"]
    users = {user["email"]: user["id"] for user in admin.ask("GET", "/api/users").json()["users"]}
    assert admin.ask("DELETE", f"/api/users/{users[email]}").status == 204
    assert viewer.ask("GET", "/api/session").status == 401, "at once"


def test_what_changes_something_needs_a_page_of_ours(owner: Browser) -> None:
    make = lambda **headers: owner.ask("POST", "/api/projects", {"name": "Shop"}, **headers)  # noqa: E731
    assert make(x_hogflare_csrf="").status == 403
    assert make(x_hogflare_csrf="0" * 64).status == 403
    assert make(sec_fetch_site="cross-site").status == 403
    assert make(sec_fetch_site="same-site").status == 403
    assert make(sec_fetch_site="", origin="https://evil.example").status == 403
    # Reading by POST cannot be made to do anything, but costs.
    query = {"query": "select 1 as one"}
    assert owner.ask("POST", "/api/sql", query, sec_fetch_site="cross-site").status == 403
    assert owner.ask("POST", "/api/sql", query, x_hogflare_csrf="").status == 200
    forged = Browser(owner.server).ask(
        "POST", "/api/session", {"email": OWNER, "password": PASSWORD}, sec_fetch_site="cross-site"
    )
    assert forged.status == 403 and "set-cookie" not in forged.headers
    assert make().status == 201


def test_a_session_ends_when_it_is_told_to(server: Hogflare, owner: Browser) -> None:
    other = Browser(server, owner.cookie, owner.csrf)
    assert owner.ask("DELETE", "/api/session", x_hogflare_csrf="").status == 403
    ended = owner.ask("DELETE", "/api/session")
    assert ended.status == 204 and "Max-Age=0" in ended.headers["set-cookie"]
    assert other.ask("GET", "/api/session").status == 401


def test_a_session_ends_by_itself(new_hogflare: Callable[..., Hogflare]) -> None:
    server = new_hogflare().start(
        HOGFLARE_ADMIN_PASSWORD=PASSWORD, HOGFLARE_SESSION_IDLE="2s", HOGFLARE_SESSION_LIFETIME="5s"
    )
    idle, used = Browser(server), Browser(server)
    began = time.monotonic()
    for browser in (idle, used):
        assert browser.log_in("admin@localhost").status == 200
    alive_at = began
    while used.ask("GET", "/api/session").status == 200:
        alive_at = time.monotonic()
        assert alive_at - began < 30
        time.sleep(0.2)
    assert alive_at - began > 2.5, "what is used outlives the idle time"
    assert idle.ask("GET", "/api/session").status == 401


def test_another_password_ends_other_sessions(invited: Callable[[str], Browser], server: Hogflare) -> None:
    here = invited("viewer")
    email = here.ask("GET", "/api/session").json()["user"]["email"]
    elsewhere = Browser(server)
    assert elsewhere.log_in(email).status == 200
    change = lambda present: here.ask(  # noqa: E731
        "PUT", "/api/session/password", {"present": present, "password": "another long password"}
    )
    assert change("not the password").status == 400
    assert change(PASSWORD).status == 204
    assert here.ask("GET", "/api/session").status == 200
    assert elsewhere.ask("GET", "/api/session").status == 401
    assert elsewhere.log_in(email).status == 401
    assert elsewhere.log_in(email, "another long password").status == 200


def test_passwords_are_not_guessed(new_hogflare: Callable[..., Hogflare]) -> None:
    server = new_hogflare().start(HOGFLARE_ADMIN_PASSWORD=PASSWORD)
    browser = Browser(server)
    for email in ("admin@localhost", "nobody@localhost"):
        answers = [browser.log_in(email, "not the password") for _ in range(10)]
        assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}
    told = {browser.log_in(email, "x").status for email in ("admin@localhost", "nobody@localhost")}
    assert told == {429}, "known or not"
    refused = browser.log_in("admin@localhost")
    assert refused.status == 429 and int(refused.headers["retry-after"]) > 0, "even with the password"


def test_a_key_does_what_its_scopes_say(server: Hogflare, owner: Browser) -> None:
    def key(kind: str, scopes: list[str], **wanted: object) -> str:
        made = owner.ask("POST", "/api/keys", {"kind": kind, "label": "test", "scopes": scopes} | wanted)
        assert made.status == 201, made.body
        return made.json()["secret"]

    def shown(secret: str, method: str, path: str, body: object = None) -> int:
        return Browser(server, sent={"authorization": f"Bearer {secret}"}).ask(method, path, body).status

    query = {"query": "select count(*) from events"}
    reads, saves = key("personal", ["read"]), key("personal", ["save"])
    assert reads.startswith("phx_")
    assert shown(reads, "POST", "/api/sql", query) == 200
    assert shown(saves, "POST", "/api/sql", query) == 403
    dashboard = {"name": "Sales", "definition": {"tiles": []}}
    assert shown(reads, "POST", "/api/dashboards", dashboard) == 403
    assert shown(saves, "POST", "/api/dashboards", dashboard) == 201
    kept = owner.ask("POST", "/api/dashboards", dashboard).json()["id"]
    assert shown(saves, "POST", f"/api/dashboards/{kept}/share") == 403, "what is shared may be read by all"
    for secret in (reads, saves):
        assert shown(secret, "GET", "/api/users") == 403
        assert shown(secret, "GET", "/api/keys") == 403, "only somebody who is logged in"
        assert shown(secret, "GET", "/api/session") == 403
        assert shown(secret, "POST", "/api/projects", {"name": "x"}) == 403
    assert shown(key("personal", ["projects"]), "POST", "/api/projects", {"name": "By key"}) == 201
    assert owner.ask("POST", "/api/keys", {"kind": "personal", "label": "x", "scopes": ["users"]}).status == 403
    listed = owner.ask("GET", "/api/keys").json()["keys"]
    assert reads not in str(listed) and any(reads.endswith(one["hint"]) and one["used_at"] for one in listed)
    doomed = next(one["id"] for one in listed if reads.endswith(one["hint"]))
    assert owner.ask("DELETE", f"/api/keys/{doomed}").status == 204
    assert shown(reads, "POST", "/api/sql", query) == 401
    over = {"kind": "personal", "label": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert owner.ask("POST", "/api/keys", over).status == 400


def test_a_key_of_one_project_sees_nothing_of_another(server: Hogflare, owner: Browser) -> None:
    made = owner.ask("POST", "/api/projects", {"name": "Apart", "time_zone": "Europe/Berlin"}).json()
    team = made["id"]
    assert team > 1 and made["is_configured"] is False
    sent = server.post("/capture", {"api_key": made["token"], "event": "apart", "distinct_id": "joe"})
    assert sent.is_success(), "it holds at once"
    assert server.capture("mine", "jane").is_success()
    wanted = {"kind": "secure", "label": "site", "scopes": ["read"], "projects": [team]}
    secret = owner.ask("POST", "/api/keys", wanted).json()["secret"]
    assert secret.startswith("phs_")
    site = Browser(server, sent={"authorization": f"Bearer {secret}"})
    events = "select distinct event, team_id from events where event in ('apart', 'mine')"
    apart = [{"event": "apart", "team_id": team}]
    assert site.ask("POST", "/api/sql", {"query": events}).json() == apart
    assert site.ask("POST", "/api/sql", {"query": events, "project": team}).json() == apart
    assert site.ask("POST", "/api/sql", {"query": events, "project": 1}).status == 403
    assert owner.ask("POST", "/api/sql", {"query": events, "project": team}).json() == apart
    both = owner.ask("POST", "/api/sql", {"query": events}).json()
    assert {row["team_id"] for row in both} == {1, team}
    trends = {"series": [{"kind": "EventsNode", "event": "apart"}]}
    assert site.ask("POST", f"/api/insights/trends?project={team}", trends).status == 200
    assert site.ask("POST", "/api/insights/trends?project=1", trends).status == 403
    assert site.ask("GET", f"/api/persons/joe?project={team}").status == 200
    assert site.ask("GET", "/api/persons/jane?project=1").status == 403
    assert [one["id"] for one in site.ask("GET", "/api/projects").json()["projects"]] == [team]
    assert site.ask("GET", "/metrics").status == 403
    assert site.ask("GET", "/api/dashboards?project=1").status == 403


def test_projects_are_made_and_changed_and_outlive_a_restart(new_hogflare: Callable[..., Hogflare]) -> None:
    server = new_hogflare().start(HOGFLARE_ADMIN_PASSWORD=PASSWORD, HOGFLARE_PROJECTS="phc_conf=7")
    owner = Browser(server)
    owner.log_in("admin@localhost")
    made = owner.ask("POST", "/api/projects", {"name": "Shop"}).json()
    assert made["id"] == 8, "above those of the configuration"
    changed = owner.ask("PUT", "/api/projects/8", {"name": "Store", "time_zone": "Asia/Tokyo"}).json()
    assert (changed["name"], changed["time_zone"], changed["token"]) == ("Store", "Asia/Tokyo", made["token"])
    assert owner.ask("PUT", "/api/projects/7", {"name": "Mine"}).status == 409
    assert owner.ask("PUT", "/api/projects/99", {"name": "Nobody's"}).status == 404
    assert owner.ask("POST", "/api/projects", {"name": "X", "time_zone": "Mars/Olympus"}).status == 400
    assert owner.ask("POST", "/api/projects", {"name": "X", "token": "phc_conf"}).status == 409
    server.restart()
    sent = server.post("/capture", {"api_key": made["token"], "event": "late", "distinct_id": "joe"})
    assert sent.is_success()
    assert server.query("select team_id from events where event = 'late'") == [{"team_id": 8}]


def test_a_token_of_nobody_is_claimed_or_blocked(new_hogflare: Callable[..., Hogflare]) -> None:
    server = new_hogflare().start(HOGFLARE_ADMIN_PASSWORD=PASSWORD)
    owner = Browser(server)
    owner.log_in("admin@localhost")
    send = lambda token, event: server.post(  # noqa: E731
        "/capture", {"api_key": token, "event": event, "distinct_id": "joe"}
    )
    for token in ("phc_friend", "phc_stranger"):
        assert send(token, "before").is_success()
    unclaimed = owner.ask("GET", "/api/tokens").json()["unclaimed"]
    assert {one["token"] for one in unclaimed} == {"phc_friend", "phc_stranger"}
    claimed = owner.ask("POST", "/api/projects", {"name": "Friend", "token": "phc_friend"})
    assert claimed.status == 201 and claimed.json()["token"] == "phc_friend"
    assert owner.ask("POST", "/api/tokens", {"token": "phc_stranger"}).status == 204
    assert owner.ask("POST", "/api/tokens", {"token": TOKEN}).status == 409, "a project's"
    for token in ("phc_friend", "phc_stranger"):
        assert send(token, "after").is_success()
    rows = server.query("select token, event, team_id from events order by token, event desc")
    team = claimed.json()["id"]
    assert [(row["token"], row["event"], row["team_id"]) for row in rows] == [
        ("phc_friend", "before", 0),
        ("phc_friend", "after", team),
        ("phc_stranger", "before", 0),
    ]
    assert owner.ask("DELETE", "/api/tokens/phc_stranger").status == 204
    assert owner.ask("DELETE", "/api/tokens/phc_stranger").status == 404
    assert send("phc_stranger", "again").is_success()
    assert server.query("select count(*) as n from events where event = 'again'") == [{"n": 1}]


def test_what_is_saved_is_checked_kept_and_shared(owner: Browser, server: Hogflare) -> None:
    trends = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "x"}]}
    wrong = {"name": "Wrong", "definition": trends | {"serie": []}}
    refused = owner.ask("POST", "/api/insights/saved", wrong)
    assert refused.status == 400 and "serie" in refused.json()["error"]
    for path, definition in (
        ("/api/insights/saved", trends),
        ("/api/dashboards", {"tiles": [{"insight": "x"}]}),
        ("/api/queries", {"query": "select 1"}),
    ):
        made = owner.ask("POST", path, {"name": "Mine", "description": "all", "definition": definition})
        assert made.status == 201, made.body
        kept = made.json()
        assert kept["definition"] == definition and kept["owner"] == OWNER and not kept["is_shared"]
        one = f"{path}/{kept['id']}"
        assert kept["id"] in [other["id"] for other in owner.ask("GET", path).json()["saved"]]
        changed = owner.ask("PUT", one, {"name": "Ours", "definition": definition}).json()
        assert (changed["name"], changed["description"]) == ("Ours", "")
        link = owner.ask("POST", f"{one}/share").json()
        shared = server.get(f"/api/shared/{link['token']}").json()
        assert shared["name"] == "Ours" and shared["definition"] == definition and OWNER not in str(shared)
        assert owner.ask("DELETE", f"{one}/share").status == 204
        assert server.get(f"/api/shared/{link['token']}").status == 404
        assert owner.ask("DELETE", one).status == 204
        assert owner.ask("GET", one).status == 404


def test_the_audit_log_tells_who_did_what(owner: Browser, invited: Callable[[str], Browser]) -> None:
    viewer = invited("viewer")
    email = viewer.ask("GET", "/api/session").json()["user"]["email"]
    page = owner.ask("GET", "/api/audit?limit=3").json()
    told = [(entry["who"], entry["action"], entry["subject"]) for entry in page["entries"]]
    assert told == [
        (email, "session.begin", email),
        (email, "user.password", email),
        (OWNER, "user.invite", f"{email} as viewer"),
    ]
    assert page["entries"][0]["address"] == "127.0.0.1"
    older = owner.ask("GET", f"/api/audit?limit=2&before={page['next']}").json()["entries"]
    assert older[0]["id"] < page["entries"][-1]["id"]
    assert PASSWORD not in str(owner.ask("GET", "/api/audit?limit=1000").json())


@pytest.mark.parametrize("url", ["", "http://stats.example.com", "https://stats.example.com"])
def test_cookies_and_links_follow_the_public_url(new_hogflare: Callable[..., Hogflare], url: str) -> None:
    server = new_hogflare().start(HOGFLARE_PUBLIC_URL=url)
    assert f"{url or f'http://127.0.0.1:{server.port}'}/setup?token=" in server.log_path.read_text()
    owner = Browser(server)
    wanted = {"token": printed_token(server), "email": OWNER, "password": PASSWORD}
    entered = owner.enter("POST", "/api/setup", wanted)
    flags = set(entered.headers["set-cookie"].split("; ")[1:])
    expected = {"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=2592000"}
    assert flags == (expected | {"Secure"} if url.startswith("https") else expected)
    assert entered.json()["public_url"] == (url or None)
    link = owner.ask("POST", "/api/users", {"email": "joe@example.com", "role": "viewer"}).json()["link"]
    assert link["url"] == f"{url}/setup?token={link['token']}"
    # Behind a proxy the host is another than the browser's; the public URL is believed.
    if url:
        made = owner.ask("POST", "/api/projects", {"name": "X"}, sec_fetch_site="", origin=url)
        assert made.status == 201


def test_plain_http_from_elsewhere_is_warned_of(server: Hogflare) -> None:
    assert server.get("/api/setup").json()["insecure"] is None, "on this machine"
    elsewhere = server.get("/api/setup", host="stats.example.com:8080").json()["insecure"]
    assert elsewhere["tunnel"] == "ssh -N -L 8080:127.0.0.1:8080 stats.example.com"
    assert "HOGFLARE_PUBLIC_URL" in elsewhere["https"]
    odd = server.get("/api/setup", host="$(reboot)").json()["insecure"]
    assert "reboot" not in odd["tunnel"]


def test_a_lost_password_is_replaced_at_the_machine(new_hogflare: Callable[..., Hogflare]) -> None:
    import subprocess

    server = new_hogflare().start(HOGFLARE_ADMIN_PASSWORD=PASSWORD)
    command = [server.binary, "user", "link", "--data-dir", server.data_dir, "admin@localhost"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    token = printed.strip().removeprefix("/setup?token=")
    wanted = {"token": token, "password": "another long password"}
    assert Browser(server).enter("POST", "/api/setup", wanted).status == 200
    assert Browser(server).log_in("admin@localhost").status == 401
    assert Browser(server).log_in("admin@localhost", "another long password").status == 200


def test_pages_are_for_browsers_at_addresses_of_pages(server: Hogflare) -> None:
    html = {"accept": "text/html,*/*;q=0.8", "origin": "https://evil.example"}
    for path in ("/", "/persons", "/persons/jane", "/setup?token=x", "/sql"):
        page = server.get(path, **html)
        assert page.status == 200 and page.headers["content-type"].startswith("text/html"), path
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy and "http" not in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "same-origin"
        assert not [name for name in page.headers if name.startswith("access-control")], path
        assert b"https://" not in page.body, "nothing of elsewhere"
    assert server.get("/").body == b"capture", "what PostHog's says"
    for path in ("/e2", "/captur", "/api", "/api/person", "/static", "/persons.php", "/index.html", "/flags/x"):
        assert server.get(path, **html).status == 404, path
        assert server.get(path).status == 404, path
    assert server.get("/persons").status == 404, "for an SDK"
    assert server.post("/persons", {}, accept="text/html").status == 404
