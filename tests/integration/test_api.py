"""The query API as a process over a settled month: the same figures as the settled tables, for whom they may be seen."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from settlement.warehouse import Partition, Warehouse
from tests.integration.api_server import Server, served
from tests.integration.example import LAST, MONTH
from tests.integration.house import House, copy_folder, settlement
from tests.integration.shelf import Shelf
from tests.unit.api.world import questions

_MINE = 2


@pytest.fixture(scope="module")
def closed(shelf: Shelf, work: Path) -> House:
    """A closed month at a place of its own."""
    place = work / "api"
    copy_folder(shelf.house("closed").root, place)
    return House.at(place)


@pytest.fixture(scope="module")
def server(closed: House) -> Iterator[Server]:
    with served(closed.warehouse) as running:
        yield running


class Settled:
    """The settled tables, read from their files and joined by hand."""

    def __init__(self, house: House) -> None:
        self._house = house
        names = [
            ("ods", "ods.track", "track_id"),
            ("ods", "ods.album", "album_id"),
            ("ods", "ods.product", "product_id"),
            ("ods", "ods.partner", "partner_id"),
        ]
        self._names = {table: {row[key]: row for row in self._read(stage, table, Partition(LAST))} for stage, table, key in names}
        self.lines = [self._told(row) for row in self._read("lines", "mart.settlement_line", Partition(MONTH, 1))]

    def _read(self, stage: str, table: str, partition: Partition) -> list[dict[str, Any]]:
        head = self._house.ledger.head(stage, partition)
        assert head is not None
        folder = Path(str(Warehouse(self._house.warehouse).build_dir(table, partition, head.build_id)))
        return [row for path in sorted(folder.glob("*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]

    def _told(self, row: dict[str, Any]) -> dict[str, Any]:
        track = self._names["ods.track"].get(row["track_id"], {})
        album = self._names["ods.album"].get(track.get("album_id"), {})
        product = self._names["ods.product"].get(row["product_id"], {})
        partner = self._names["ods.partner"].get(row["partner_id"], {})
        return {
            "month": MONTH, "version": 1, "product": row["product_id"], "service": product.get("service", ""), "track": row["track_id"],
            "track_title": track.get("title", ""), "artist": track.get("artist", ""), "album": track.get("album_id", 0),
            "album_title": album.get("title", ""), "label": album.get("label", ""), "partner": row["partner_id"],
            "partner_name": partner.get("name", ""), "right_type": row["right_type"], "kind": row["kind"],
            "amount_uwon": row["amount_uwon"], "shadow_uwon": row["pro_rata_uwon"],
        }  # fmt: skip


def test_random_questions_come_to_the_settled_lines_to_the_last_micro_won(server: Server, closed: House) -> None:
    settled, dice = Settled(closed), random.Random(11)
    dimensions = [name for name in settled.lines[0] if not name.endswith("_uwon")]
    everything = sum(row["amount_uwon"] for row in settled.lines)
    assert everything > 0
    with server.client() as client:
        for _ in range(120):
            by = dice.sample(dimensions, dice.randrange(6))
            name = dice.choice([d for d in dimensions if d != "version"])
            values = dice.sample(sorted({row[name] for row in settled.lines}), 1)
            is_in = dice.random() < 0.5
            filters = [{"dimension": name, "op": "in" if is_in else "not_in", "values": values}] if dice.random() < 0.7 else []
            asked = {
                "measures": ["amount_uwon", "shadow_uwon"],
                "dimensions": by,
                "period": {"from": MONTH, "to": MONTH},
                "filters": filters,
            }
            answer = client.post("/v1/query", json=asked)
            assert answer.status_code == 200, answer.text
            kept = [row for row in settled.lines if not filters or (row[name] in values) == is_in]
            wanted: defaultdict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
            for row in kept:
                sums = wanted[tuple(row[d] for d in by)]
                sums[0] += row["amount_uwon"]
                sums[1] += row["shadow_uwon"]
            told = answer.json()
            assert {tuple(row[:-2]): [Decimal(row[-2]), Decimal(row[-1])] for row in told["rows"]} == wanted
            assert Decimal(told["trailer"]["totals"]["amount_uwon"]) == sum(row["amount_uwon"] for row in kept)


def test_each_source_answers_and_agrees_with_its_export(server: Server, closed: House) -> None:
    for export, measure, column, by in (
        ("statement", "paid_krw", "paid_krw", "partner"),
        ("statement_royalty", "royalty_krw", "royalty_krw", "partner,right_type"),
        ("pool", "pool_krw", "pool_krw", "product,winner"),
        ("revenue_daily", "recognised_uwon", "recognised_uwon", "day,product"),
        ("settlement_daily", "provisional_uwon", "amount_uwon", "day,album"),
        ("usage_buckets", "landed_lines", "rows", "day,bucket"),
    ):
        exported = csv.DictReader(io.StringIO(closed.export(export, "--month", MONTH).decode()))
        told = server.query(measures=measure, by=by, rows=10_000).json()
        assert int(told["trailer"]["totals"][measure]) == sum(int(row[column]) for row in exported), export
        assert (told["publication"]["missing"], told["next"]) == ([], None)


def test_listeners_are_counted_anew_at_every_grain(server: Server) -> None:
    def listeners(**params: Any) -> list[list[Any]]:
        answer = server.query(measures="listeners", **params)
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["rows"]
        assert answer.json()["trailer"]["totals"] == {}
        return rows

    by_day = sum(row[-1] for row in listeners(by="day"))
    by_track = sum(row[-1] for row in listeners(by="track"))
    [[whole]] = listeners()
    assert whole < by_day
    assert whole < by_track


def test_every_format_has_the_same_rows_and_the_same_trailer(server: Server) -> None:
    asked = {"measures": "amount_uwon", "by": "track,track_title,partner,right_type", "order": "-amount_uwon"}
    page = server.query(**asked, rows=10_000).json()
    lines = [json.loads(line) for line in server.query(**asked, format="ndjson").text.splitlines()]
    text = server.query(**asked, format="csv").text.splitlines()
    stream = pa.ipc.open_stream(server.query(**asked, format="arrow").content)
    file = pq.ParquetFile(io.BytesIO(server.query(**asked, format="parquet").content))
    trailers = [page["trailer"], lines[-1]["$trailer"], json.loads(file.metadata.metadata[b"settlement.trailer"])]
    table = file.read()
    assert trailers[0] == trailers[1] == trailers[2]
    assert f"sha256={page['trailer']['sha256']}" in text[-1]
    assert len(page["rows"]) == len(lines) - 2 == len(text) - 2 == table.num_rows > 5
    assert table.schema.field("amount_uwon").type == pa.decimal128(38, 0)
    assert stream.read_all().to_pylist() == table.to_pylist()
    assert [[row["track"], row["amount_uwon"]] for row in lines[1:-1]] == [[row[0], row[-1]] for row in page["rows"]]
    assert server.query(**asked, format="csv", bom=True).content.startswith("\ufeff".encode())


def test_pages_are_the_answer_in_pieces_and_stay_at_their_moment(server: Server, closed: House) -> None:
    asked = {"measures": "plays", "by": "day,track,device", "order": "-plays"}
    whole = server.query(**asked, rows=10_000).json()
    pages, cursor, moments = [], "", set()
    while cursor is not None:
        page = server.query(**asked, rows=3, cursor=cursor).json()
        closed.ledger.append("late", "test", {}, Partition(LAST))
        pages += page["rows"]
        moments.add(page["publication"]["as_of"])
        cursor = page["next"]
    assert pages == whole["rows"]
    assert len(pages) > 6
    assert len(moments) == 1
    limited = server.query(**asked, rows=3, limit=5).json()
    rest = server.query(**asked, rows=3, limit=5, cursor=limited["next"]).json()
    assert (limited["rows"] + rest["rows"], rest["next"]) == (whole["rows"][:5], None)
    first = server.query(**asked, rows=3).json()["next"]
    assert server.query(role="auditor", **asked, rows=3, cursor=first).status_code == 422
    assert server.query(measures="plays", by="day", rows=3, cursor=first).status_code == 422


def test_a_partner_asks_a_thousand_times_and_sees_no_foreign_row(server: Server) -> None:
    before, statuses = len(server.lines()), defaultdict[int, int](int)
    client = server.client(f"partner:{_MINE}")

    @settings(max_examples=1_000, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(asked=questions())
    def ask(asked: dict[str, Any]) -> None:
        by = list(dict.fromkeys([*asked["dimensions"], "partner"]))
        try:
            content = json.dumps({**asked, "dimensions": by}).encode()
        except UnicodeEncodeError:
            return
        answer = client.post("/v1/query", content=content, headers={"Content-Type": "application/json"})
        statuses[answer.status_code] += 1
        assert answer.status_code in (200, 403, 422), answer.text
        if answer.status_code == 200:
            told = answer.json()
            column = [entry["name"] for entry in told["columns"]].index("partner")
            assert {row[column] for row in told["rows"]} <= {_MINE}

    with client:
        ask()
    lines = server.lines()[before:]
    assert statuses[200] >= 300
    assert sum(line["kind"] == "refused" for line in lines) == statuses[403] + statuses[422] >= 50
    assert sum(line["kind"] == "finished" for line in lines) == statuses[200]
    assert {line["scope"] for line in lines} == {f"partner:{_MINE}"}


def test_a_partner_sees_less_than_the_house(server: Server) -> None:
    everybody = server.query(measures="amount_uwon", by="partner").json()["rows"]
    mine = server.query(role=f"partner:{_MINE}", measures="amount_uwon", by="partner").json()["rows"]
    assert mine == [row for row in everybody if row[0] == _MINE]
    assert len(everybody) > len(mine) == 1
    assert server.query(role="partner:99", measures="amount_uwon").json()["rows"] == []
    assert server.query(role="partner:2", measures="plays").status_code == 403
    assert set(server.get("/v1/meta", "partner:2").json()["sources"]) == {"lines", "provisional", "royalties", "statements"}


def test_months_and_statements_with_their_files(server: Server, closed: House) -> None:
    month = server.get("/v1/months").json()["months"][0]
    assert (month["month"], month["state"], month["versions"][0]["approved_by"]) == (MONTH, "closed", "Bea")
    assert server.get("/v1/months", "partner:2").json()["months"] == [{"month": MONTH, "state": "closed", "closed_version": 1}]
    listed = server.get("/v1/statements", month=MONTH).json()["statements"]
    own = server.get("/v1/statements", "partner:2", month=MONTH).json()["statements"]
    assert own == [entry for entry in listed if entry["partner"] == 2]
    assert len(listed) > 1
    files = server.get(own[0]["url"], "partner:2").json()["files"]
    folder = closed.warehouse / "published" / f"month={MONTH}" / "version=1" / "partner=2"
    for entry in files:
        assert server.get(entry["url"], "partner:2").content == (folder / entry["name"]).read_bytes()
        assert server.get(entry["url"], "partner:3").status_code == 404
    assert server.get(f"{own[0]['url']}/manifest.json", "partner:2").json()["partner"]["partner_id"] == 2
    for name in ("_SUCCESS", "..%2fpartner=3%2fmanifest.json", "%2e%2e", "index.html"):
        assert server.get(f"/v1/statements/{MONTH}/2/{name}", "partner:2").status_code == 404
    assert server.get("/v1/statements", month="2026-03").status_code == 404


def test_the_same_answer_is_not_sent_twice(server: Server) -> None:
    asked = {"measures": "amount_uwon", "from": MONTH, "to": MONTH, "by": "partner"}
    with server.client() as client, server.client("partner:2") as partner:
        tag = client.get("/v1/query", params=asked).headers["etag"]
        again = client.get("/v1/query", params=asked, headers={"If-None-Match": f'"x", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get("/v1/query", params={**asked, "by": "track"}, headers={"If-None-Match": tag}).status_code == 200
        assert partner.get("/v1/query", params=asked, headers={"If-None-Match": tag}).status_code == 200


def test_an_answer_shows_its_sql_without_the_values_in_it(server: Server) -> None:
    told = server.query(role="partner:2", measures="amount_uwon", by="label", where="label:O'X", format="sql").json()["sql"]
    assert told["values"] == [2, "O'X"]
    assert "O'X" not in told["text"]
    assert '"partner_id" IN (?)' in told["text"]
    assert server.query(measures="amount_uwon", sql=True).json()["sql"]["text"].startswith("SELECT ")


def test_what_was_published_at_a_moment_is_told_later(server: Server) -> None:
    asked = {"measures": "plays", "first": "2026-02-01", "last": "2026-02-28"}
    now = server.query(**asked).json()
    early = server.query(**asked, as_of=40).json()
    assert now["publication"]["missing"] == []
    assert early["publication"]["missing"][-1] == LAST
    assert int(early["trailer"]["totals"]["plays"]) < int(now["trailer"]["totals"]["plays"])
    assert server.query(**asked, as_of=10**9).status_code == 422
    assert server.query(**asked, as_of=1).status_code == 404


def test_refusals_say_what_and_are_in_the_log(server: Server) -> None:
    for role, path, status in (
        (None, "/v1/meta", 401), ("operator", "/v1/query?measures=x&from=2026-02&to=2026-02", 422), ("operator", "/v1/nothing", 404),
        ("partner:2", "/v1/query?measures=plays&from=2026-02&to=2026-02", 403), ("operator", "/v1/query?measures=amount_uwon&from=2027-01&to=2027-01", 404),
    ):  # fmt: skip
        answer = server.get(path, role)
        assert (answer.status_code, set(answer.json()["error"])) == (status, {"kind", "message", "hint"})
        [line] = server.lines_of(answer)
        assert (line["kind"], line["status"], line["reason"] != "") == ("refused", status, True)
        assert line["who"] == (f"local-{role}" if role and path != "/v1/nothing" else "")


def test_an_answer_s_line_says_who_what_scope_rows_and_hash(server: Server) -> None:
    answer = server.query(role="partner:2", measures="amount_uwon", by="track")
    allowed, finished = server.lines_of(answer)
    trailer = answer.json()["trailer"]
    assert (allowed["kind"], allowed["who"], allowed["scope"]) == ("allowed", "local-partner:2", "partner:2")
    assert allowed["question"]["dimensions"] == ["track"]
    assert (finished["outcome"], finished["rows"], finished["sha256"]) == ("complete", trailer["rows"], trailer["sha256"])
    assert server.tokens["partner:2"] not in server.log.read_text("utf-8")


def test_nothing_is_answered_that_can_not_be_logged(server: Server) -> None:
    aside = server.log.with_suffix(".aside")
    server.log.rename(aside)
    server.log.mkdir()
    try:
        answer = server.query(measures="amount_uwon")
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert "rows" not in answer.json()
    finally:
        server.log.rmdir()
        aside.rename(server.log)
    assert server.query(measures="amount_uwon").status_code == 200


def test_bodies_are_bounded_and_headers_keep_others_out(server: Server) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    with server.client() as client:
        assert client.post("/v1/query", content=b"x" * 70_000).status_code == 413
        chunked = client.post("/v1/query", content=pieces())
        assert chunked.status_code == 413
        assert server.lines_of(chunked)[0]["reason"].startswith("the body has more than")
        preflight = client.options("/v1/query", headers={"Origin": "https://elsewhere", "Access-Control-Request-Method": "POST"})
        answer = client.get("/v1/meta", headers={"Origin": "https://elsewhere"})
    for found in (preflight, answer):
        assert not [name for name in found.headers if name.startswith("access-control")]
    assert preflight.status_code == 405
    assert (answer.headers["x-content-type-options"], answer.headers["x-frame-options"]) == ("nosniff", "DENY")
    assert "server" not in answer.headers


def test_probes_need_no_token_and_tell_what_is_down(closed: House, tmp_path: Path) -> None:
    place = tmp_path / "warehouse"
    copy_folder(closed.warehouse, place)
    with served(place) as server:
        assert httpx.get(f"{server.address}/health").json() == {"status": "ok"}
        for path in place.glob("ledger.db*"):
            path.unlink()
        (place / "ledger.db").mkdir()
        assert httpx.get(f"{server.address}/health").status_code == 200
        down = httpx.get(f"{server.address}/ready")
        assert (down.status_code, "retry-after" in down.headers) == (503, True)
        assert down.json()["error"]["kind"] == "LedgerUnavailable"


def test_files_of_a_build_that_are_gone_are_no_empty_answer(closed: House, tmp_path: Path) -> None:
    place = tmp_path / "warehouse"
    copy_folder(closed.warehouse, place)
    with served(place) as server:
        for path in (place / "tables" / "mart" / "pool").rglob("*.parquet"):
            path.unlink()
        answer = server.query(measures="pool_krw")
        assert answer.status_code == 503
        assert "the files of build" in answer.json()["error"]["message"]
        assert server.lines_of(answer)[-1]["outcome"] == "failed"


def test_a_folder_that_is_no_warehouse_stays_as_it_is(tmp_path: Path) -> None:
    answer = settlement("serve", "--local", "--port", "0", "--warehouse", tmp_path)
    assert (answer.code, "is no warehouse: it has no ledger" in answer.err) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [((), "SETTLEMENT_API_ISSUER is not set"), (("--local", "--host", "0.0.0.0"), "--local listens on this machine alone")],
)
def test_it_does_not_start_where_anybody_or_nobody_could_sign_in(options: tuple[str, ...], says: str, closed: House) -> None:
    answer = closed.command("serve", *options, "--port", "0")
    assert (answer.code, says in answer.err) == (1, True)
