"""What tests and people ask about the rows."""

import json
from collections.abc import Iterable, Iterator

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from .answers import Refused
from .roll import Roller
from .sql import INVALID_QUERY, Sql
from .store import Store


def add_reads(app: FastAPI, store: Store, roller: Roller) -> None:
    """Adds what is not in the real service: the rows as they were sent."""

    @app.get("/count")
    def count() -> dict:
        return {"count": store.count()}

    @app.get("/events")
    def events(limit: int | None = None, event: str | None = None) -> StreamingResponse:
        return _json_array(store.events(limit, event))

    @app.delete("/events")
    def clear() -> dict:
        with roller.lock:
            files = roller.files()
            store.clear()
            roller.remove_files(files)
        return {"status": "ok"}

    @app.get("/dropped")
    def dropped() -> StreamingResponse:
        return _json_array(store.dropped())

    @app.get("/stripped")
    def stripped() -> StreamingResponse:
        return _json_array(store.stripped())


def add_sql(app: FastAPI, sql: Sql) -> None:
    """Adds the query API, and the same with GET for a browser."""

    @app.post("/sql")
    async def post_query(request: Request) -> dict:
        try:
            asked = json.loads(await request.body())
        except ValueError as error:
            raise Refused(400, INVALID_QUERY, f"the body is not JSON: {error}") from error
        query = asked.get("query") if isinstance(asked, dict) else None
        return await run_in_threadpool(answer, query)

    @app.get("/sql")
    def get_query(query: str = "") -> dict:
        return answer(query)

    def answer(query: str | None) -> dict:
        return {"success": True, "errors": [], "result": sql.run(query)}


def _json_array(texts: Iterable[str]) -> StreamingResponse:
    """Answers with a JSON array of texts that are JSON already."""
    return StreamingResponse(_chunks(texts), media_type="application/json")


def _chunks(texts: Iterable[str], per_chunk: int = 1000) -> Iterator[str]:
    yield "["
    waiting, separator = [], ""
    for text in texts:
        waiting.append(text)
        if len(waiting) == per_chunk:
            yield separator + ",".join(waiting)
            waiting, separator = [], ","
    yield (separator if waiting else "") + ",".join(waiting) + "]"
