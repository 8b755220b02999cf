"""A stand-in for an Iceberg REST catalog and its storage: `python -m harness.rest_catalog PORT STORAGE_PORT S3 FOLDER`.

The catalog is PyIceberg's SqlCatalog behind the routes of the REST protocol. It wants a bearer token, and gives
credentials that last for a while. The storage is a proxy in front of an S3 server that takes only those. Tests order
faults at `/admin`.
"""

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import requests
import uvicorn
from fastapi import FastAPI, Request, Response
from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.table import CommitTableRequest, Table

TOKEN = "catalog-token-hunter2"
WAREHOUSE = "account_lake"
BUCKET = "lake"
SECRET = "a-secret"
# What a proxy does not pass on.
OWN_HEADERS = ("host", "connection", "transfer-encoding")


class Standin:
    """What both servers share."""

    def __init__(self, storage_port: int, s3: str, folder: Path) -> None:
        self.storage_url, self.s3 = f"http://127.0.0.1:{storage_port}", s3
        self.lock = threading.Lock()
        self.fault: dict[str, Any] = {}
        self.vends, self.lifetime, self.issued = True, 3600.0, 0
        self.commits, self.answers = 0, []
        self.foreign = 0
        self.catalog = SqlCatalog(
            "standin",
            **{
                "uri": f"sqlite:///{folder}/catalog.db?check_same_thread=false",
                "warehouse": f"s3://{BUCKET}",
                "s3.endpoint": s3,
                "s3.access-key-id": "root",
                "s3.secret-access-key": SECRET,
                "s3.region": "us-east-1",
            },
        )

    def takes_fault(self, kind: str, table: str = "") -> dict[str, Any] | None:
        """Returns the fault in force for a kind of request, and counts it."""
        fault = self.fault
        if fault.get("on") != kind or fault.get("count", 0) == 0 or fault.get("table", table) != table:
            return None
        fault["count"] -= 1
        return fault

    def credentials(self) -> dict[str, str]:
        """Makes credentials that say themselves until when they are good."""
        self.issued += 1
        until = time.time() + self.lifetime
        return {
            "s3.access-key-id": f"key-{self.issued}-{int(until * 1000)}",
            "s3.secret-access-key": SECRET,
            "s3.session-token": "a-session",
            "s3.endpoint": self.storage_url,
            "s3.region": "us-east-1",
        }

    def is_good(self, authorization: str) -> bool:
        """Says whether an S3 request shows credentials that are still good."""
        key = authorization.partition("Credential=")[2].partition("/")[0]
        if not self.vends:
            return key == "static-key"
        until = key.rpartition("-")[2]
        return key.startswith("key-") and until.isdigit() and int(until) / 1000 > time.time()


def answer(status: int, body: Any = None, **headers: str) -> Response:
    """A JSON answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body or {}), status, names, "application/json")


def wrong(status: int, kind: str, message: str, **headers: str) -> Response:
    """An answer without success, as the protocol has it."""
    return answer(status, {"error": {"message": message, "type": kind, "code": status}}, **headers)


def filled(table: Table, name: str) -> pa.Table:
    """A row of somebody else: every required column has something."""
    # Added files have no ids of columns.
    schema = pa.schema([field.remove_metadata() for field in table.schema().as_arrow()])
    values: dict[str, Any] = {}
    for field in schema:
        if field.nullable:
            values[field.name] = None
        elif pa.types.is_timestamp(field.type):
            values[field.name] = time.time_ns() // 1000
        elif pa.types.is_integer(field.type):
            values[field.name] = 0
        else:
            values[field.name] = name
    columns = [pa.array([values[field.name]]).cast(field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def catalog_app(standin: Standin) -> FastAPI:
    """The catalog."""
    app = FastAPI()
    catalog = standin.catalog

    @app.middleware("http")
    async def check_token(request: Request, go_on):
        if not request.url.path.startswith("/admin"):
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return wrong(401, "NotAuthorizedException", f"no such token {request.headers.get('authorization')}")
        return await go_on(request)

    def loaded(table: Table, request: Request) -> Response:
        config = {}
        if standin.vends and request.headers.get("x-iceberg-access-delegation") == "vended-credentials":
            config = standin.credentials()
        elif not standin.vends:
            config = {"s3.endpoint": standin.storage_url}
        metadata = json.loads(table.metadata.model_dump_json())
        return answer(
            200, {"metadata-location": table.metadata_location, "metadata": metadata, "config": config}
        )

    @app.get("/api/v1/config")
    def config(warehouse: str = "") -> Response:
        if warehouse != WAREHOUSE:
            return wrong(404, "NotFoundException", f"no warehouse {warehouse!r}")
        return answer(200, {"defaults": {}, "overrides": {"prefix": f"of/{warehouse}"}})

    routes = "/api/v1/of/" + WAREHOUSE

    @app.get(routes + "/namespaces/{namespace}")
    def namespace(namespace: str) -> Response:
        if (namespace,) in catalog.list_namespaces():
            return answer(200, {"namespace": [namespace], "properties": {}})
        return wrong(404, "NoSuchNamespaceException", f"no namespace {namespace}")

    @app.post(routes + "/namespaces")
    async def make_namespace(request: Request) -> Response:
        name = tuple((await request.json())["namespace"])
        try:
            catalog.create_namespace(name)
        except NamespaceAlreadyExistsError as error:
            return wrong(409, "AlreadyExistsException", str(error))
        return answer(200, {"namespace": name, "properties": {}})

    @app.get(routes + "/namespaces/{namespace}/tables")
    def tables(namespace: str) -> Response:
        names = [{"namespace": [space], "name": name} for space, name in catalog.list_tables(namespace)]
        return answer(200, {"identifiers": names})

    @app.get(routes + "/namespaces/{namespace}/tables/{name}")
    def load(namespace: str, name: str, request: Request) -> Response:
        fault = standin.takes_fault("load", name)
        if fault:
            return wrong(fault["status"], "Fault", "ordered")
        try:
            return loaded(catalog.load_table((namespace, name)), request)
        except NoSuchTableError as error:
            return wrong(404, "NoSuchTableException", str(error))

    @app.post(routes + "/namespaces/{namespace}/tables")
    def make(namespace: str, body: dict, request: Request) -> Response:
        body = {"location": None, "partition-spec": None, "write-order": None} | body
        wanted = CreateTableRequest.model_validate(body)
        try:
            with standin.lock:
                table = catalog.create_table(
                    (namespace, wanted.name),
                    wanted.table_schema,
                    partition_spec=wanted.partition_spec,
                    sort_order=wanted.write_order,
                    properties=wanted.properties,
                )
        except TableAlreadyExistsError as error:
            return wrong(409, "AlreadyExistsException", str(error))
        return loaded(table, request)

    def apply(namespace: str, name: str, body: dict) -> Response:
        identifier = {"namespace": [namespace], "name": name}
        change = CommitTableRequest.model_validate({"identifier": identifier} | body)
        with standin.lock:
            try:
                table = catalog.load_table((namespace, name))
                done = catalog.commit_table(table, change.requirements, change.updates)
            except (CommitFailedException, ValueError) as error:
                return wrong(409, "CommitFailedException", str(error))
            standin.commits += 1
        metadata = json.loads(done.metadata.model_dump_json())
        return answer(200, {"metadata-location": done.metadata_location, "metadata": metadata})

    def append(namespace: str, name: str) -> None:
        with standin.lock:
            table = catalog.load_table((namespace, name))
            standin.foreign += 1
            # An append to a table by days would need another package.
            path = f"{table.location()}/data/foreign-{standin.foreign}.parquet"
            with table.io.new_output(path).create() as file:
                pq.write_table(filled(table, f"foreign-{standin.foreign}"), file)
            table.add_files([path])

    def expire(namespace: str, name: str) -> None:
        with standin.lock:
            table = catalog.load_table((namespace, name))
            now = table.metadata.current_snapshot_id
            old = [one.snapshot_id for one in table.metadata.snapshots if one.snapshot_id != now]
            if old:
                table.maintenance.expire_snapshots().by_ids(old).commit()

    @app.post(routes + "/namespaces/{namespace}/tables/{name}")
    def commit(namespace: str, name: str, body: dict) -> Response:
        fault = standin.takes_fault("commit", name)
        mode = fault["mode"] if fault else "none"
        if mode == "status":
            headers = {"retry_after": str(fault["retry_after"])} if "retry_after" in fault else {}
            return wrong(fault["status"], "Fault", "ordered", **headers)
        if mode == "late":
            threading.Timer(fault["seconds"], apply, (namespace, name, body)).start()
            return wrong(504, "Fault", "it comes later")
        if mode == "compete":
            append(namespace, name)
        done = apply(namespace, name, body)
        standin.answers.append(done.status_code)
        if mode == "expire":
            expire(namespace, name)
            append(namespace, name)
            expire(namespace, name)
        if mode == "hang":
            time.sleep(fault["seconds"])
        if mode in ("applied", "expire"):
            return wrong(504, "Fault", "it was applied")
        return done

    @app.post("/admin/fault")
    def order(fault: dict) -> Response:
        standin.fault = fault
        return answer(200)

    @app.get("/admin/state")
    def state() -> Response:
        return answer(
            200,
            {
                "left": standin.fault.get("count", 0),
                "commits": standin.commits,
                "answers": standin.answers,
                "issued": standin.issued,
            },
        )

    @app.post("/admin/credentials")
    def change_credentials(body: dict) -> Response:
        standin.vends, standin.lifetime = body.get("vends", True), body.get("lifetime", 3600.0)
        return answer(200)

    @app.post("/admin/append/{name}")
    def append_by_hand(name: str) -> Response:
        append("default", name)
        return answer(200)

    return app


def storage_app(standin: Standin) -> FastAPI:
    """The way to the S3 server."""
    app = FastAPI()
    session = requests.Session()

    @app.api_route("/{path:path}", methods=["GET", "PUT", "POST", "DELETE", "HEAD"])
    async def pass_on(path: str, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if not standin.is_good(authorization):
            return Response("<Error><Code>ExpiredToken</Code></Error>", 403, media_type="application/xml")
        # What is left behind in the background is no matter of the test's.
        fault = None if request.method == "DELETE" else standin.takes_fault("storage")
        if fault:
            return Response("<Error><Code>Ordered</Code></Error>", fault["status"], media_type="application/xml")
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name not in OWN_HEADERS}
        url = f"{standin.s3}/{path}?{request.url.query}"
        passed = await asyncio.to_thread(session.request, request.method, url, data=body, headers=headers, timeout=60)
        skipped = ("content-encoding", "transfer-encoding", "connection")
        back = {name: value for name, value in passed.headers.items() if name.lower() not in skipped}
        return Response(passed.content, passed.status_code, back)

    return app


async def main() -> None:
    """Serves both."""
    port, storage_port, s3, folder = sys.argv[1:]
    standin = Standin(int(storage_port), s3, Path(folder))
    servers = [
        uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=int(at), log_level="warning"))
        for app, at in ((storage_app(standin), storage_port), (catalog_app(standin), port))
    ]
    await asyncio.gather(*(server.serve() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
