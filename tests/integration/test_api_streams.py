"""Long answers of the query API: they stream, end with whoever asked, and are told as incomplete when they break."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error

from tests.integration.api_server import Server, blow_up, served, wait_for
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf

_ROWS = 600_000
_OF_AIRFLOW = "/v1/reports"
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture(scope="module")
def large(shelf: Shelf, work: Path) -> House:
    """A closed month with a day of very many rows of usage."""
    place = work / "api-large"
    copy_folder(shelf.house("closed").root, place)
    house = House.at(place)
    blow_up(house, _ROWS)
    return house


@pytest.fixture(scope="module")
def server(large: House) -> Iterator[Server]:
    with served(large.warehouse) as running:
        yield running


def _asked(form: str) -> dict[str, str]:
    return {"measures": "plays", "by": "track,device,country", "from": "2026-02-01", "to": "2026-02-01", "format": form}


def _finished(server: Server, request: str) -> list[dict[str, object]]:
    return [line for line in server.lines() if line["request"] == request and line["kind"] == "finished"]


def test_a_long_answer_is_whole_in_each_format(server: Server) -> None:
    hashes = set()
    with server.client() as client:
        arrow = pa.ipc.open_stream(client.get("/v1/query", params=_asked("arrow")).content)
        rows = 0
        for batch, metadata in iter(lambda: _next(arrow), None):
            rows += batch.num_rows
            last = metadata
        told = json.loads(last[b"settlement.trailer"])
        assert (rows, told["rows"], told["totals"]) == (_ROWS, _ROWS, {"plays": str(_ROWS)})
        hashes.add(told["sha256"])
        file = pq.ParquetFile(io.BytesIO(client.get("/v1/query", params=_asked("parquet")).content))
        assert file.metadata.num_rows == _ROWS
        hashes.add(json.loads(file.metadata.metadata[b"settlement.trailer"])["sha256"])
        with client.stream("GET", "/v1/query", params=_asked("csv")) as answer:
            lines = list(answer.iter_lines())
        assert len(lines) == _ROWS + 2
        hashes.add(lines[-1].split("sha256=")[1].split(",")[0])
    assert len(hashes) == 1


def _next(reader: pa.RecordBatchReader) -> tuple[pa.RecordBatch, dict[bytes, bytes]] | None:
    try:
        found: tuple[pa.RecordBatch, dict[bytes, bytes]] = reader.read_next_batch_with_custom_metadata()
    except StopIteration:
        return None
    return found


def test_whoever_leaves_has_the_query_cancelled_and_its_place_given_back(server: Server) -> None:
    requests = []
    for _ in range(9):  # more than the places that there are
        with server.client() as client, client.stream("GET", "/v1/query", params=_asked("ndjson")) as answer:
            assert answer.status_code == 200
            next(answer.iter_lines())
            requests.append(answer.headers["x-request-id"])
        wait_for(lambda: _finished(server, requests[-1]), 60)
    outcomes = [(line["outcome"], line["reason"]) for request in requests for line in _finished(server, request)]
    assert set(outcomes) == {("incomplete", "whoever asked has gone")}
    assert server.query(measures="amount_uwon").status_code == 200


def test_more_queries_than_places_are_told_to_wait(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(server.client())
            assert stack.enter_context(client.stream("GET", "/v1/query", params=_asked("ndjson"))).status_code == 200
        own = server.query(measures="amount_uwon")
        other = server.query(role="auditor", measures="amount_uwon")
    assert (own.status_code, int(own.headers["retry-after"]) > 0) == (429, True)
    assert other.status_code == 200
    assert server.lines_of(own)[0]["kind"] == "refused"


def test_a_user_asks_only_so_often_in_a_minute(large: House) -> None:
    with served(large.warehouse, user_requests=5) as server:
        statuses = [server.get("/v1/months").status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        assert int(server.get("/v1/months").headers["retry-after"]) > 0
        assert server.get("/v1/months", "auditor").status_code == 200


@pytest.mark.parametrize("form", ["ndjson", "csv", "arrow", "parquet"])
def test_an_answer_with_too_many_rows_is_told_as_incomplete(form: str, capped: Server) -> None:
    with capped.client() as client, client.stream("GET", "/v1/query", params=_asked(form)) as answer:
        request = answer.headers["x-request-id"]
        received, is_broken = _received(answer.iter_raw())
    assert is_broken
    _assert_incomplete(form, received)
    [line] = _finished(capped, request)
    assert (line["outcome"], "more than 100000 rows" in str(line["reason"])) == ("incomplete", True)


@pytest.fixture(scope="module")
def capped(large: House) -> Iterator[Server]:
    with served(large.warehouse, max_rows=100_000) as running:
        yield running


def _received(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """What came, and whether the connection was cut before the end."""
    found = b""
    try:
        for piece in pieces:
            found += piece
    except _BROKEN:
        return found, True
    return found, False


def _assert_incomplete(form: str, received: bytes) -> None:
    match form:
        case "ndjson":
            assert b"$trailer" not in received
            assert "$incomplete" in json.loads(received.splitlines()[-1])
        case "csv":
            assert b"#trailer" not in received
            assert received.splitlines()[-1].startswith(b"#incomplete,")
        case "arrow":
            reader, seen = pa.ipc.open_stream(received), []
            while (found := _next(reader)) is not None:
                seen.append(found[1])
            assert b"settlement.incomplete" in seen[-1]
            assert not any(metadata and b"settlement.trailer" in metadata for metadata in seen)
        case _:
            with pytest.raises(pa.ArrowInvalid):
                pq.ParquetFile(io.BytesIO(received))


def test_a_query_that_takes_too_long_is_refused_before_its_first_row(large: House) -> None:
    with served(large.warehouse, query_seconds=0.02) as server:
        answer = server.query(measures="plays", by="track,track_title,album_title", format="ndjson")
        assert answer.status_code == 503
        assert "took longer than 0.02 s" in answer.json()["error"]["message"]
        assert server.lines_of(answer)[-1]["outcome"] == "failed"


@pytest.mark.parametrize("form", ["ndjson", "csv", "arrow", "parquet"])
def test_an_engine_that_is_killed_in_the_middle_leaves_no_answer_that_looks_whole(form: str, large: House) -> None:
    with served(large.warehouse) as server, server.client() as client:
        with client.stream("GET", "/v1/query", params=_asked(form)) as answer:
            pieces = answer.iter_raw()
            begun = next(pieces)
            server.kill()
            received, is_broken = _received(pieces)
        assert server.lines()[-1]["kind"] == "allowed"
    received = begun + received
    assert is_broken
    assert b"trailer" not in received
    if form == "parquet":
        with pytest.raises(pa.ArrowInvalid):
            pq.ParquetFile(io.BytesIO(received))


def test_requests_made_from_the_description_never_break_the_service(server: Server) -> None:
    """Every operation, with what fits its description and what doesn't; an answer is as described, and never a defect."""
    schema = schemathesis.openapi.from_url(f"{server.address}/openapi.json")
    headers = {"Authorization": f"Bearer {server.tokens['operator']}"}
    tried: dict[str, set[int]] = {}
    for operation in (result.ok() for result in schema.get_all_operations()):
        if operation.path == "/ready" or operation.path.startswith(_OF_AIRFLOW) or operation.path.endswith("/approval"):
            continue  # 503 is what is meant where there is no Airflow
        tried[operation.label] = _try(operation, headers)
    assert {"GET /v1/query", "POST /v1/query", "GET /v1/months", "GET /v1/meta", "GET /v1/statements", "POST /v1/jobs"} <= set(
        tried
    )
    assert all(status < 500 for statuses in tried.values() for status in statuses), tried


def _try(operation: schemathesis.APIOperation, headers: dict[str, str]) -> set[int]:
    from hypothesis import HealthCheck, given, settings

    seen: set[int] = set()

    @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        response = case.call(headers=headers, timeout=60)
        seen.add(response.status_code)
        case.validate_response(response, checks=[not_a_server_error])
        assert str(response.status_code) in case.operation.definition.raw["responses"], (
            case.as_curl_command(),
            response.status_code,
        )

    ask()
    return seen
