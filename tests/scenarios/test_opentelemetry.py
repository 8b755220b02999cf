"""OpenTelemetry's own exporters, in protobuf, and JSON by hand: every resource is a row of `otel`."""

import gzip
import json

import pytest
from harness.emulator import Emulator
from harness.server import TOKEN, Hogflare
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

BEARER = {"Authorization": f"Bearer {TOKEN}"}
LOGS = {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": [{"body": {"stringValue": "hi"}}]}]}]}


def rows(server: Hogflare, signal: str) -> list[dict]:
    """The rows of a signal, their JSON read."""
    found = server.query(f"select token, resource, body from otel where signal = '{signal}'")
    return [row | {"resource": json.loads(row["resource"]), "body": json.loads(row["body"])} for row in found]


def test_spans_of_an_exporter_are_kept_with_their_resource(hogflare: Hogflare) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    exporter = OTLPSpanExporter(endpoint=f"{hogflare.url}/v1/traces", headers=BEARER)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("checkout", attributes={"items": 3}) as span:
        trace_id = format(span.get_span_context().trace_id, "032x")
    provider.shutdown()
    [row] = rows(hogflare, "traces")
    attributes = {entry["key"]: entry["value"] for entry in row["resource"]["attributes"]}
    assert row["token"] == TOKEN and attributes["service.name"] == {"stringValue": "shop"}
    [stored] = row["body"]["scopeSpans"][0]["spans"]
    assert (stored["name"], stored["traceId"]) == ("checkout", trace_id)
    assert {"key": "items", "value": {"intValue": "3"}} in stored["attributes"]


def test_metrics_of_an_exporter_are_kept(hogflare: Hogflare) -> None:
    exporter = OTLPMetricExporter(endpoint=f"{hogflare.url}/i/v1/metrics", headers=BEARER)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
    provider.get_meter("test").create_counter("orders").add(2)
    provider.shutdown()
    [row] = rows(hogflare, "metrics")
    assert row["body"]["scopeMetrics"][0]["metrics"][0]["name"] == "orders"


def test_json_without_a_marker_is_kept_as_it_was_sent(hogflare: Hogflare) -> None:
    body = gzip.compress(json.dumps(LOGS).encode())
    answer = hogflare.post(f"/i/v1/logs?token={TOKEN}", body, content_type="text/plain")
    assert (answer.status, answer.json()) == (200, {})
    [row] = rows(hogflare, "logs")
    assert row["body"]["scopeLogs"] == LOGS["resourceLogs"][0]["scopeLogs"]


@pytest.mark.parametrize("path", ["/v1/logs", "/i/v1/logs/"])
def test_a_secret_key_or_none_is_refused(start_hogflare, path: str) -> None:
    server = start_hogflare(POSTHOG_API_KEY="")
    assert server.post(path, LOGS).status == 401
    assert server.post(path, LOGS, authorization="Bearer phx_secret").status == 401


def test_without_the_lake_there_is_nowhere_to_keep_it(start_hogflare, emulator: Emulator) -> None:
    server = start_hogflare(CLOUDFLARE_PIPELINE_ENDPOINT=emulator.url, HOGFLARE_LAKE="off")
    assert server.post(f"/v1/logs?token={TOKEN}", LOGS).status == 404
