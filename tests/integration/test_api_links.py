"""Files in a bucket are fetched from the bucket itself, by signed links that the query API gives to whoever may have them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.services.s3 import BUCKETS
from settlement.api import house
from settlement.api.identity import Scope
from settlement.api.problems import NotFound
from settlement.api.publication import Published
from settlement.storage import location, put_folder
from settlement.warehouse import Warehouse
from tests.integration import buckets
from tests.integration.api_server import served, wait_for
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf

_SMALL = {"measures": ["amount_uwon"], "dimensions": ["partner"], "period": {"from": MONTH, "to": MONTH}}


@pytest.fixture(scope="module")
def closed(shelf: Shelf, work: Path) -> Iterator[House]:
    """A closed month on a disk; a server of buckets beside it."""
    place = work / "api-links"
    copy_folder(shelf.house("closed").root, place)
    with buckets.served(work / "api-links-s3"):
        yield House.at(place)


def test_a_job_s_file_is_put_into_the_bucket_and_fetched_from_there(closed: House) -> None:
    with (
        served(closed.warehouse, dict(os.environ), jobs_place=f"s3://{BUCKETS[0]}/jobs") as server,
        server.client() as client,
    ):
        url = client.post("/v1/jobs", json=_SMALL).json()["url"]
        wait_for(lambda: client.get(url).json()["state"] == "done")
        told = client.get(url).json()
        answer = client.get(told["file"])
        assert answer.status_code == 307
        got = httpx.get(answer.headers["location"])
        assert httpx.get(client.get(told["file"], params={"link": "true"}).json()["url"]).content == got.content
        part = httpx.get(answer.headers["location"], headers={"Range": "bytes=0-9"})
        assert (part.status_code, part.content) == (206, got.content[:10])
        assert client.delete(url).status_code == 204
        assert httpx.get(answer.headers["location"]).status_code == 404
    assert hashlib.sha256(got.content).hexdigest() == told["sha256"]
    assert got.headers["content-disposition"] == f'attachment; filename="{told["name"]}"'


def test_a_statement_s_file_is_reached_by_a_link_and_not_without_its_signature(closed: House) -> None:
    root = location(f"s3://{BUCKETS[0]}/links")
    put_folder(closed.warehouse / "published", root / "published")  # type: ignore[arg-type]
    published = Published(1, {}, {MONTH: 1})
    mine = Scope(frozenset({2}))
    statement = house.statement(Warehouse(root), published, MONTH, 2, mine)
    link = house.link(statement.file("manifest.json"), 60, "manifest.json")
    assert link is not None
    got = httpx.get(link)
    folder = closed.warehouse / "published" / f"month={MONTH}" / "version=1" / "partner=2"
    assert got.content == (folder / "manifest.json").read_bytes()
    assert got.headers["content-disposition"] == 'attachment; filename="manifest.json"'
    assert httpx.get(link.split("?")[0]).status_code == 403
    assert httpx.get(link.replace("partner%3D2", "partner%3D3").replace("partner=2", "partner=3")).status_code == 403
    with pytest.raises(NotFound):
        house.statement(Warehouse(root), published, MONTH, 3, mine)
