"""The ledger: shown, verified, and any edit, removal or reordering of its records found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.integration.bad import HouseIn
from tests.integration.example import LAST, MONTH
from tests.integration.house import House

Edit = Callable[[sqlite3.Connection], object]


def tamper(house: House, edit: Edit) -> None:
    """Edit the database as somebody would who knows about the triggers."""
    with closing(sqlite3.connect(house.warehouse / "ledger.db")) as connection, connection:
        for action in ("update", "delete"):
            connection.execute(f"DROP TRIGGER record_no_{action}")
        edit(connection)


def sql(statement: str) -> Edit:
    return lambda connection: connection.execute(statement)


def seq(house: House, kind: str) -> int:
    """The last record of a kind."""
    return list(house.ledger.records(kind=kind))[-1].seq


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (sql("UPDATE record SET body = replace(body, 'Ann', 'Eve') WHERE kind = 'approved'"), "was edited"),
        (sql("UPDATE record SET at = '2026-03-01T00:00:00' WHERE seq = 5"), "record 5 was edited"),
        (sql("UPDATE record SET build_id = 'x' WHERE kind = 'published' AND stage = 'pools'"), "was edited"),
        (sql("UPDATE record SET version = 2 WHERE kind = 'closed'"), "was edited"),
        (sql("DELETE FROM record WHERE seq = 7"), "record 7 is missing: the next one is 8"),
        (sql("DELETE FROM record WHERE seq = 1"), "record 1 is missing: the next one is 2"),
        (
            lambda c: c.executescript(
                "UPDATE record SET seq = -1 WHERE seq = 7; UPDATE record SET seq = 7 WHERE seq = 8;"
                "UPDATE record SET seq = 8 WHERE seq = -1;"
            ),
            "record 7 doesn't follow the record before it",
        ),
        (
            lambda c: c.executescript(
                "DELETE FROM record WHERE seq = 7; UPDATE record SET seq = seq - 1 WHERE seq > 7;"
            ),
            "record 7 doesn't follow the record before it",
        ),
        (sql("UPDATE head SET build_id = 'x' WHERE stage = 'pools'"), f"head of pools {MONTH} version 1 is not what the chain says"),
        (sql("DELETE FROM head WHERE stage = 'lines'"), f"head of lines {MONTH} version 1 is missing"),
        (sql("INSERT INTO head VALUES ('pools', '2030-01', 1, 'x', 1)"), "head of pools 2030-01 version 1 is not what"),
        (
            sql("DELETE FROM record WHERE seq >= (SELECT max(seq) FROM record WHERE stage = 'statements')"),
            f"head of statements {MONTH} version 1 is not what the chain says",
        ),
    ],
    ids=[
        "requester", "time", "build", "version", "removed", "first removed", "swapped", "removed and renumbered",
        "head moved", "head removed", "head made up", "last publication removed",
    ],
)  # fmt: skip
def test_a_change_of_the_ledger_is_found(edit: Edit, says: str, house_in: HouseIn) -> None:
    house = house_in("closed")
    house.assert_chain_holds()
    tamper(house, edit)
    answer = house.command("ledger", "verify")
    assert answer.code == 1
    assert says in answer.out
    assert "the chain holds" not in answer.out


@pytest.mark.parametrize(
    "statement", ["UPDATE record SET body = '{}' WHERE seq = 3", "DELETE FROM record WHERE seq = 3", "DELETE FROM record"]
)
def test_the_database_refuses_to_edit_or_remove_a_record(statement: str, house_in: HouseIn) -> None:
    house = house_in("closed")
    with (
        closing(sqlite3.connect(house.warehouse / "ledger.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    house.assert_chain_holds()


def test_verify_says_how_many_records_and_the_last_hash(house_in: HouseIn) -> None:
    house = house_in("closed")
    records = list(house.ledger.records())
    assert f"the chain holds: {len(records)} records, the last is {records[-1].hash}" in house.command("ledger", "verify").out


def test_show_has_a_line_a_record(house_in: HouseIn) -> None:
    house = house_in("closed")
    answer = house.command("ledger", "show", "--partition", MONTH)
    assert answer.code == 0
    kinds = ["reserved", *["sealed", "published"] * 3, "approved", "closed"]
    assert [
        kind for line in answer.out.splitlines() for kind in kinds[:1] + kinds[1:3] + kinds[-2:] if f" {kind} " in line
    ] == kinds
    for word in ("Ann", "Bea", f"{MONTH} version 1", "statements"):
        assert word in answer.out


def test_show_as_json_gives_whole_records_of_what_was_asked(house_in: HouseIn) -> None:
    house = house_in("closed")
    answer = house.command("ledger", "show", "--json", "--kind", "sealed", "--stage", "raw", "--partition", LAST)
    [record] = [json.loads(line) for line in answer.out.splitlines()]
    assert (record["kind"], record["stage"], record["partition"], record["version"]) == ("sealed", "raw", LAST, 0)
    plays = [file for file in record["body"]["landing"]["plays"] if file["rows"]]
    assert sum(file["rows"] for file in plays) == 3
    assert all(len(file["sha256"]) == 64 for file in plays)


def test_the_ledger_can_be_derived_again(house_in: HouseIn) -> None:
    """Heads are nothing but the last publication of each stage and partition."""
    house = house_in("closed")
    derived = {(r.stage, r.partition.key, r.partition.version): r.build_id for r in house.ledger.records(kind="published")}
    assert derived == house.heads()
