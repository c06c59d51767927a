"""The query API on Trino: the same answers as on DuckDB, and a query that nobody waits for is cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.services.s3 import BUCKETS, S3
from local.services.service import HOST
from local.services.stack import Stack
from local.services.trino import Trino
from settlement.api.model import packaged
from settlement.engines.hive import HiveEngine
from settlement.engines.places import Pin, Places
from settlement.engines.script import register
from settlement.tables import Table
from settlement.warehouse import Warehouse
from tests.integration.api_server import Server, blow_up, served, wait_for
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf
from tests.parity.lake import Lake

_ROWS = 400_000
_DAYS = {"from": "2026-02-01", "to": "2026-02-28"}
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("operator", {"measures": ["amount_uwon", "shadow_uwon"], "dimensions": ["track", "track_title", "artist", "partner", "right_type", "kind"]}),
    ("operator", {"measures": ["amount_uwon"], "dimensions": ["album", "album_title", "label"], "order": ["-amount_uwon"], "limit": 3}),
    ("operator", {"measures": ["amount_uwon"]}),
    ("operator", {"measures": ["royalty_krw", "royalty_uwon"], "dimensions": ["partner", "partner_name", "product", "product_name"]}),
    ("operator", {"measures": ["paid_krw", "vat_krw", "carried_out_krw"], "dimensions": ["partner", "month", "version"]}),
    ("operator", {"measures": ["pool_krw", "unit_leg_uwon", "rev_leg_uwon"], "dimensions": ["product", "right_type", "winner"]}),
    ("operator", {"measures": ["listeners", "plays", "listening_ms"], "dimensions": ["month", "device"], "period": _DAYS}),
    ("operator", {"measures": ["recognised_uwon", "subscriptions"], "dimensions": ["day", "product"], "period": _DAYS}),
    ("operator", {"measures": ["landed_lines"], "dimensions": ["day", "bucket"], "period": _DAYS}),
    ("operator", {"measures": ["plays", "over_cap_plays"], "dimensions": ["service", "country"], "period": _DAYS}),
    ("operator", {"measures": ["amount_uwon"], "filters": [{"dimension": "track_title", "op": "not_in", "values": ["' OR 1=1 --", "?", "곡"]}]}),
    ("partner:2", {"measures": ["provisional_uwon", "line_plays"], "dimensions": ["day", "album_title", "right_type"], "period": _DAYS}),
    ("partner:2", {"measures": ["amount_uwon"], "dimensions": ["partner", "partner_name"], "filters": [{"dimension": "partner", "op": "at_least", "values": [0]}]}),
    ("partner:99", {"measures": ["amount_uwon"], "dimensions": ["partner"]}),
]  # fmt: skip


@dataclass(frozen=True)
class Both:
    """A server on each engine over the same month, and the database that Trino reads."""

    duckdb: Server
    trino: Server
    database: str


@pytest.fixture(scope="module")
def house(shelf: Shelf, work: Path) -> House:
    """A closed month with a day of many rows of usage."""
    place = work / "api-trino"
    copy_folder(shelf.house("closed").root, place)
    found = House.at(place)
    blow_up(found, _ROWS)
    return found


@pytest.fixture(scope="module")
def both(services: Stack, house: House) -> Iterator[Both]:
    name = f"api_{secrets.token_hex(4)}"
    places = Places(name, f"s3://{BUCKETS[0]}/{name}")
    _upload(services, house, places)
    trino = {
        "SETTLEMENT_TRINO_HOST": HOST,
        "SETTLEMENT_TRINO_PORT": str(services.services["trino"].port),
        "SETTLEMENT_TRINO_CATALOG": "hive",
        "SETTLEMENT_DATABASE": name,
    }
    with served(house.warehouse) as own, served(house.warehouse, trino, engine="trino") as other:
        yield Both(own, other, name)


def _upload(services: Stack, house: House, places: Places) -> None:
    """Put the builds of the tables that the API reads into the lake, and register them."""
    model, catalog = packaged()
    names = {s.table for s in model.sources.values()} | {lookup.table for lookup in model.catalogue.values()}
    warehouse, builds = Warehouse(house.warehouse), dict[Table, list[Pin]]()
    folders = []
    for name in sorted(names):
        table = catalog[name]
        for partition, head in house.ledger.heads(str(table.definition.stage)).items():
            builds.setdefault(table, []).append((partition, head.build_id))
            folder = Path(str(warehouse.build_dir(name, partition, head.build_id)))
            folders.append((table, (partition, head.build_id), folder))
    s3 = services.of(S3)
    Lake(places, s3.client()).put_folders(folders)
    with HiveEngine(HOST, services.services["hive"].port).session() as session:
        for statement in register(builds, places):
            session.run(statement)


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_both_engines_give_the_same_answer(number: int, both: Both) -> None:
    role, asked = QUESTIONS[number]
    question = {"period": {"from": MONTH, "to": MONTH}, **asked}
    answers = []
    for server in (both.duckdb, both.trino):
        with server.client(role) as client:
            answer = client.post("/v1/query", json=question, params={"rows": 10_000})
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
    own, other = answers
    assert (own["engine"], other["engine"]) == ("duckdb", "trino")
    assert other["rows"] == own["rows"]
    assert other["trailer"] == own["trailer"]
    assert bool(own["rows"]) == (role != "partner:99")


def test_pages_on_trino_are_the_answer_in_pieces(both: Both) -> None:
    asked = {"measures": "amount_uwon", "by": "track,partner,right_type", "order": "-amount_uwon"}
    whole, rows, cursor = both.duckdb.query(**asked, rows=1_000).json()["rows"], [], ""
    while cursor is not None:
        page = both.trino.query(**asked, rows=4, cursor=cursor).json()
        rows += page["rows"]
        cursor = page["next"]
    assert rows == whole
    assert len(rows) > 4


def test_a_query_that_nobody_waits_for_is_cancelled_on_trino(both: Both, services: Stack) -> None:
    asked = {"measures": "plays", "by": "track,device,country", "format": "ndjson", **_day()}
    with both.trino.client() as client, client.stream("GET", "/v1/query", params=asked) as answer:
        request, lines = answer.headers["x-request-id"], answer.iter_lines()
        next(lines)
        assert '"plays"' in next(lines)
        assert _states(services, both.database, "track_id")[-1][0] in ("RUNNING", "FINISHING")
    wait_for(lambda: _states(services, both.database, "track_id")[-1][0] == "FAILED", 60)
    assert _states(services, both.database, "track_id")[-1][1] == "USER_CANCELED"
    wait_for(lambda: _finished(both.trino, request), 60)
    [line] = _finished(both.trino, request)
    assert (line["outcome"], line["reason"]) == ("incomplete", "whoever asked has gone")


def test_trino_itself_gives_a_partner_s_user_its_rows_alone(both: Both, services: Stack) -> None:
    """Asked beside the API, with no condition in the query: charts/trino/rules.json is what binds it."""
    builds, trino = f"{both.database}_build", services.of(Trino)
    lines = f"SELECT DISTINCT partner_id FROM hive.{builds}.mart_settlement_line"

    def asked(user: str, text: str) -> list[int]:
        with trino.cursor(user=user) as cursor:
            cursor.execute(text)
            return sorted(row[0] for row in cursor.fetchall())

    everybody = asked("settlement", lines)
    assert {2, 3} < set(everybody)
    assert [asked(f"partner-{name}", lines) for name in ("2", "2-3", "99", "22")] == [[2], [2, 3], [], []]
    assert asked("partner-2", f"SELECT count(*) FROM hive.{builds}.ods_track")[0] > 0
    for user, text in (
        ("partner-2", f"SELECT track_id FROM hive.{builds}.mart_usage_daily"),
        ("partner-2", f"SELECT pool_krw FROM hive.{builds}.mart_pool"),
        ("partner-2", f"DELETE FROM hive.{builds}.mart_settlement_line"),
        ("partner-2", "SELECT query_id FROM system.runtime.queries"),
        ("partner-x", lines),
        ("partner-2-", lines),
    ):
        with pytest.raises(Exception, match=r"Access Denied|Cannot"):
            asked(user, text)


def test_the_api_asks_trino_as_the_partner_s_own_user(both: Both, services: Stack) -> None:
    answer = both.trino.query(role="partner:2", measures="amount_uwon")
    assert answer.status_code == 200
    with services.of(Trino).cursor("system") as cursor:
        cursor.execute(
            'SELECT "user" FROM system.runtime.queries WHERE query LIKE ? AND query NOT LIKE ? ORDER BY created',
            [f"%{both.database}_build%mart_settlement_line%IN (%", "%system.runtime%"],
        )
        assert cursor.fetchall()[-1] == ["partner-2"]


def test_a_query_that_reads_too_much_is_refused_on_trino(both: Both, house: House, services: Stack) -> None:
    more = {
        "SETTLEMENT_TRINO_HOST": HOST,
        "SETTLEMENT_TRINO_PORT": str(services.services["trino"].port),
        "SETTLEMENT_DATABASE": both.database,
    }
    with served(house.warehouse, more, engine="trino", scan_bytes=1_000) as server:
        answer = server.query(measures="plays", by="track", first="2026-02-01", last="2026-02-01")
    assert (answer.status_code, "more than 1,000" in answer.text) == (413, True)


def test_builds_that_trino_does_not_know_are_no_empty_answer(both: Both, house: House, services: Stack) -> None:
    more = {
        "SETTLEMENT_TRINO_HOST": HOST,
        "SETTLEMENT_TRINO_PORT": str(services.services["trino"].port),
        "SETTLEMENT_DATABASE": both.database,
    }
    with HiveEngine(HOST, services.services["hive"].port).session() as session:
        session.run(f"ALTER TABLE {both.database}_build.mart_pool DROP PARTITION (month = '{MONTH}')")
    with served(house.warehouse, more, engine="trino") as server:
        answer = server.query(measures="pool_krw")
    assert answer.status_code == 503
    assert "Trino doesn't know 1 of the builds that are published" in answer.json()["error"]["message"]


def test_a_trino_that_does_not_answer_is_said(house: House) -> None:
    more = {"SETTLEMENT_TRINO_HOST": HOST, "SETTLEMENT_TRINO_PORT": "1", "SETTLEMENT_DATABASE": "none"}
    with served(house.warehouse, more, is_ready=False, engine="trino") as server:
        assert server.get("/health", None).status_code == 200
        assert server.get("/ready", None).status_code == 503
        answer = server.query(measures="amount_uwon")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert "doesn't answer" in answer.json()["error"]["message"]


def _finished(server: Server, request: str) -> list[dict[str, Any]]:
    return [line for line in server.lines() if line["request"] == request and line["kind"] == "finished"]


def _day() -> dict[str, str]:
    return {"from": "2026-02-01", "to": "2026-02-01"}


def _states(services: Stack, database: str, column: str) -> list[tuple[str, str]]:
    """State and error of the queries that read a database by a column, in the order in which they came."""
    trino = services.of(Trino)
    with trino.cursor("system") as cursor:
        cursor.execute(
            "SELECT state, coalesce(error_code, '') FROM system.runtime.queries "
            f"WHERE source = 'settlement-api' AND query LIKE '%{database}_build%' AND query LIKE '%{column}%' "
            "AND query NOT LIKE '%$partitions%' ORDER BY created"
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]
