"""Puts the emulator together."""

from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from .answers import Refused
from .columns import Layout
from .connection import KeepTransport
from .database import Database
from .faults import Faults
from .ingest import Ingest
from .metrics import Metrics
from .operations import Operations
from .reads import add_reads, add_sql
from .roll import Roller
from .roll_schedule import RollSchedule
from .schema import Schema
from .settings import Settings
from .sink import Sink
from .sql import Sql
from .store import Store


def create_app(settings: Settings) -> KeepTransport:
    """Builds the emulator."""
    schema = Schema.load(settings.schema) if settings.schema else None
    database = Database(settings, Layout.of(schema))
    store, sink, faults, metrics = Store(database, schema), Sink(), Faults(), Metrics()
    roller = Roller(database, sink)
    schedule = RollSchedule(roller, settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI):
        schedule.start()
        yield
        schedule.stop()
        store.close()
        database.close()

    app = FastAPI(title="Cloudflare Pipelines stand-in", docs_url=None, redoc_url=None, lifespan=lifespan)
    Ingest(settings, store, faults, metrics, schedule).add_to(app)
    add_reads(app, store, roller)
    add_sql(app, Sql(database, settings))
    Operations(store, roller, sink, faults, metrics).add_to(app)

    @app.exception_handler(Refused)
    async def refuse(_request: Request, refused: Refused) -> JSONResponse:
        return refused.answer()

    return KeepTransport(app)
