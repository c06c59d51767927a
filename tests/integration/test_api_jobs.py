"""Jobs of the query API: long answers that are computed while nobody waits, kept as files, and never told as done when they aren't."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.integration.api_server import Server, blow_up, served, wait_for
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf

_ROWS = 600_000
_SMALL = {"measures": ["amount_uwon"], "dimensions": ["partner"], "period": {"from": MONTH, "to": MONTH}}
_LONG = {
    "measures": ["plays"],
    "dimensions": ["track", "device", "country"],
    "period": {"from": "2026-02-01", "to": "2026-02-01"},
}


@pytest.fixture(scope="module")
def large(shelf: Shelf, work: Path) -> House:
    """A closed month with a day of very many rows of usage."""
    place = work / "api-jobs"
    copy_folder(shelf.house("closed").root, place)
    house = House.at(place)
    blow_up(house, _ROWS)
    return house


@pytest.fixture(scope="module")
def server(large: House) -> Iterator[Server]:
    with served(large.warehouse) as running:
        yield running


def _begun(server: Server, question: dict[str, Any], role: str = "operator", **params: str) -> httpx.Response:
    with server.client(role) as client:
        return client.post("/v1/jobs", json=question, params=params)


def _over(server: Server, url: str, role: str = "operator") -> dict[str, Any]:
    wait_for(lambda: server.get(url, role).json()["state"] not in ("waiting", "running"))
    told: dict[str, Any] = server.get(url, role).json()
    return told


def _delete(server: Server, url: str, role: str = "operator") -> httpx.Response:
    with server.client(role) as client:
        return client.delete(url)


def _finished(server: Server, url: str) -> list[dict[str, Any]]:
    [allowed] = [line for line in server.lines() if line["kind"] == "allowed" and line["method"] == "JOB" and line["path"] == url]
    return [line for line in server.lines() if line["kind"] == "finished" and line["request"] == allowed["request"]]


def test_the_file_of_a_job_is_the_streamed_answer_whole_with_its_trailer(server: Server) -> None:
    begun = _begun(server, _LONG, format="parquet")
    assert begun.status_code == 202, begun.text
    assert begun.headers["location"] == begun.json()["url"]
    told = _over(server, begun.json()["url"])
    streamed = server.query(measures="plays", by="track,device,country", first="2026-02-01", last="2026-02-01", format="parquet")
    got = server.get(told["file"])
    assert (told["state"], told["rows"], told["progress"], told["bytes"]) == ("done", _ROWS, 1.0, len(got.content))
    assert hashlib.sha256(got.content).hexdigest() == told["sha256"]
    files = [pq.ParquetFile(io.BytesIO(content)) for content in (got.content, streamed.content)]
    own, other = (json.loads(file.metadata.metadata[b"settlement.trailer"]) for file in files)
    assert own == other == told["trailer"]
    assert files[0].metadata.num_rows == _ROWS
    assert f'filename="{told["name"]}"' in got.headers["content-disposition"]
    [line] = _finished(server, told["url"])
    assert (line["outcome"], line["rows"], line["sha256"]) == ("complete", _ROWS, own["sha256"])


def test_a_file_is_fetched_in_parts_and_not_twice(server: Server) -> None:
    told = _over(server, _begun(server, _SMALL, format="csv", bom="true").json()["url"])
    whole = server.get(told["file"])
    with server.client() as client:
        parts = [
            client.get(told["file"], headers={"Range": span, "If-Range": whole.headers["etag"]})
            for span in ("bytes=0-9", "bytes=10-")
        ]
        again = client.get(told["file"], headers={"If-None-Match": whole.headers["etag"]})
        beyond = client.get(told["file"], headers={"Range": "bytes=9999999-"})
    assert [part.status_code for part in parts] == [206, 206]
    assert parts[0].content + parts[1].content == whole.content
    assert whole.content.startswith("\ufeff".encode())
    assert whole.content.rstrip().endswith(b",end")
    assert (again.status_code, again.content, beyond.status_code) == (304, b"", 416)


def test_a_job_that_is_cancelled_ends_its_query_and_has_no_file(server: Server) -> None:
    url = _begun(server, _LONG, format="ndjson").json()["url"]
    assert _delete(server, url).status_code == 202
    told = _over(server, url)
    assert (told["state"], told["reason"]) == ("cancelled", "cancelled by local-operator")
    assert server.get(f"{url}/file").status_code == 404
    [line] = _finished(server, url)
    assert (line["outcome"], line["reason"]) == ("incomplete", "cancelled by local-operator")
    assert _delete(server, url).status_code == 204
    assert server.get(url).status_code == 404


def test_a_job_is_seen_by_whoever_asked_and_by_operators_and_auditors(server: Server) -> None:
    url = _begun(server, _SMALL, "partner:2").json()["url"]
    told = _over(server, url, "partner:2")
    for path in (url, f"{url}/file"):
        assert [server.get(path, role).status_code for role in ("partner:3", "partner:2", "operator", "auditor")] == [
            404,
            200,
            200,
            200,
        ]
    assert b"\r\n2," in server.get(told["file"], "partner:2").content
    assert b"\r\n3," not in server.get(told["file"], "partner:2").content
    assert url not in [job["url"] for job in server.get("/v1/jobs", "partner:3").json()["jobs"]]
    assert url in [job["url"] for job in server.get("/v1/jobs", "auditor").json()["jobs"]]
    assert [_delete(server, url, role).status_code for role in ("partner:3", "auditor", "operator")] == [404, 403, 204]


def test_what_may_not_be_asked_is_no_job(server: Server, large: House) -> None:
    before = sorted((large.warehouse / "api-jobs").iterdir())
    assert _begun(server, {**_LONG, "dimensions": ["track"]}, "partner:2").status_code == 403
    assert _begun(server, {**_LONG, "measures": ["nothing"]}).status_code == 422
    assert _begun(server, _SMALL, format="json").status_code == 422
    assert sorted((large.warehouse / "api-jobs").iterdir()) == before
    assert [server.get(f"/v1/jobs/{name}").status_code for name in ("f" * 32, "..%2f..", "%2e%2e")] == [404] * 3


def test_a_user_has_so_many_jobs_and_a_job_so_many_rows(large: House, work: Path) -> None:
    place = work / "few"
    with served(large.warehouse, jobs_place=place, user_jobs=1, user_kept_jobs=2, job_rows=100_000) as server:
        first = _begun(server, _LONG)
        second = _begun(server, _SMALL)
        assert (first.status_code, second.status_code, int(second.headers["retry-after"]) > 0) == (202, 429, True)
        told = _over(server, first.json()["url"])
        assert (told["state"], "more than 100000 rows" in told["reason"], "file" in told) == ("failed", True, False)
        assert [path.name for path in place.rglob("*") if path.is_file()] == ["job.json"]
        assert _begun(server, _SMALL, "auditor").status_code == 202
        _over(server, _begun(server, _SMALL).json()["url"])
        assert "are kept" in _begun(server, _SMALL).json()["error"]["message"]
        assert _delete(server, first.json()["url"]).status_code == 204
        assert _begun(server, _SMALL).status_code == 202


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_a_job_whose_server_ended_is_told_as_failed_by_the_next_one(end: str, large: House, work: Path) -> None:
    place = work / f"lost-{end}"
    with served(large.warehouse, jobs_place=place, job_lost_seconds=1) as server:
        done = _over(server, _begun(server, _SMALL).json()["url"])
        url = _begun(server, _LONG, format="ndjson").json()["url"]
        if end == "killed":
            server.kill()
    with served(large.warehouse, jobs_place=place, job_lost_seconds=1) as server:
        told = _over(server, url)
        assert (told["state"], told["reason"]) == (
            "failed", "its server was ended while it was at work" if end == "killed" else "the service was stopped",
        )  # fmt: skip
        [line] = _finished(server, url)
        assert (line["outcome"], line["reason"]) == ("incomplete", told["reason"])
        assert server.get(done["file"]).status_code == 200


def test_a_job_that_has_expired_is_gone_with_its_file(large: House, work: Path) -> None:
    place = work / "expired"
    with served(large.warehouse, jobs_place=place, job_hours=0.0001) as server:
        url = _begun(server, _SMALL).json()["url"]
        wait_for(lambda: server.get(url).status_code == 404)
    with served(large.warehouse, jobs_place=place) as server:
        assert server.get(url).status_code == 404
        wait_for(lambda: not list(place.iterdir()))
