"""A stand-in for the part of PostHog's API that an import asks: it pages, limits, is busy, fails and dies."""

import json
import re
import threading
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

KEY = "phx_stand_in"
MOMENT = re.compile(r"toDateTime64\('([^']+)', 6, 'UTC'\)")


class PostHogApi:
    """Project 7. `faults` are answers that are given first: a status, or "cut" for none at all."""

    def __init__(self, events=(), persons=(), groups=(), flags=(), page: int = 3) -> None:
        self.events = sorted(events, key=lambda row: (row["timestamp"], row["uuid"]))
        self.persons, self.groups, self.flags, self.page = list(persons), list(groups), list(flags), page
        self.faults: list[int | str] = []
        self.queries: list[tuple[datetime, datetime, int]] = []
        self.requests = 0
        self.is_dead = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(None)

            def do_POST(self) -> None:
                self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def answer(self, body) -> None:
                api.requests += 1
                fault = api.faults.pop(0) if api.faults else None
                if api.is_dead or fault == "cut":
                    self.connection.close()
                    return
                if self.headers.get("authorization") != f"Bearer {KEY}":
                    self.reply(401, {"detail": "no key"})
                elif fault:
                    self.reply(fault, {"detail": "busy"})
                else:
                    self.reply(200, api.answer(self.path, body))

            def reply(self, status: int, body) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                if status == 429:
                    self.send_header("retry-after", "1")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, body):
        """What PostHog would say."""
        asked = urlparse(path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        match asked.path.removeprefix("/api/projects/7/"):
            case "query/":
                return {"results": self.rows(body["query"]["query"])}
            case "persons/":
                return self.paged(asked.path, self.persons, query)
            case "groups_types/":
                types = {group["group_type_index"]: group["group_type"] for group in self.groups}
                return [{"group_type": name, "group_type_index": index} for index, name in sorted(types.items())]
            case "groups/":
                wanted = [group for group in self.groups if str(group["group_type_index"]) == query["group_type_index"]]
                return self.paged(asked.path, wanted, query)
            case "feature_flags/":
                return self.paged(asked.path, self.flags, query)
        raise AssertionError(path)

    def paged(self, path: str, rows: list, query: dict[str, str]):
        """A page, and where the next one is."""
        offset = int(query.get("offset", 0))
        rest = {name: value for name, value in query.items() if name != "offset"}
        words = "&".join(f"{name}={value}" for name, value in rest.items())
        more = f"{self.url}{path}?{words}&offset={offset + self.page}" if offset + self.page < len(rows) else None
        return {"results": rows[offset : offset + self.page], "next": more}

    def rows(self, statement: str) -> list[list]:
        """The two statements that an import has."""
        since, until = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in MOMENT.findall(statement))
        found = [row for row in self.events if since <= row["timestamp"] < until]
        if "count()" in statement:
            days = Counter(row["timestamp"].date().isoformat() for row in found)
            return [[day, n] for day, n in sorted(days.items())]
        limit, offset = (int(number) for number in re.search(r"limit (\d+) offset (\d+)", statement).groups())
        self.queries.append((since, until, limit))
        return [
            [
                row["uuid"],
                row["event"],
                json.dumps(row["properties"]),
                row["distinct_id"],
                row["timestamp"].isoformat(),
                row["created_at"].isoformat(),
                "",
            ]
            for row in found[offset : offset + limit]
        ]
