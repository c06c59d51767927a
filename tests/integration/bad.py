"""What the tests of bad input share: the example with one thing wrong, and what a refusal must look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from settlement.errors import BadInput
from settlement.landing import reader
from settlement.landing.contract import Kind
from settlement.landing.folders import FrozenFile, Landing
from settlement.storage import sha256_of
from tests.integration.example import LAST, MONTH, example
from tests.integration.house import Answer, House
from tests.worlds import World
from tests.worlds.money import PAYMENT_COLUMNS, REVENUE_COLUMNS, record_text
from tests.worlds.plain import payment
from tests.worlds.world import COLUMNS

HouseIn = Callable[[str], House]
PAYMENTS = f"payments/dt={LAST}/part.csv.gz"


def payment_file(*rows: Mapping[str, object], columns: Sequence[str] = PAYMENT_COLUMNS) -> bytes:
    """A payments file of a good row and these rows, which are the good one with other fields."""
    records = [payment(LAST, "good").record, *(payment(LAST, str(r.get("payment_id", "bad")), **_rest(r)).record for r in rows)]
    return "".join(f"{line}\n" for line in (record_text(columns), *records)).encode()


def _rest(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "payment_id"}


def revenue_file(*rows: Sequence[str]) -> bytes:
    """A file of other revenue: a good row and these rows."""
    return "".join(f"{record_text(row)}\n" for row in (REVENUE_COLUMNS, ("good", "P", "1", ""), *rows)).encode()


def snapshot_rows(table: str) -> list[tuple[str, ...]]:
    """Rows of a table of the example's catalogue."""
    return list(getattr(example().snapshots[0][1], table))


def with_fields(table: str, row: tuple[str, ...], fields: Mapping[str, str]) -> tuple[str, ...]:
    """A row with other fields."""
    return tuple({**dict(zip(COLUMNS[table], row, strict=True)), **fields}.values())


def reference_rows(table: str) -> list[tuple[str, ...]]:
    """Rows of a reference table of the example."""
    world: World = example()
    return list({"rate_card": world.rate_card, "service_rule": world.service_rules, "in_app_rule": world.in_app_rules}[table])


def payments_landed(house_in: HouseIn, data: bytes) -> House:
    """The month but for its last day, whose payments are this file."""
    house = house_in("almost")
    house.land("payments", LAST, {"part.csv.gz": data})
    return house


def read_alone(folder: Path, data: bytes, kind: Kind = "payments", name: str = "part.csv.gz") -> str:
    """What the reader says about a file of the last day, which it must refuse."""
    house = House.at(folder)
    house.land(kind, LAST, {name: data})
    path = house.folder(kind, LAST) / name
    frozen: FrozenFile = {
        "name": path.relative_to(house.landing).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)
    }  # fmt: skip
    [task] = reader.tasks(Landing(house.landing), LAST, {kind: [frozen]}, lambda _table: folder)
    with pytest.raises(BadInput) as refusal:
        reader.read_file(task)
    return str(refusal.value)


def assert_refused(house: House, answer: Answer, *words: str) -> None:
    """The run ended with one error for people, which says these words, and nothing was published."""
    assert answer.code == 1, answer.said
    assert answer.err.count("error: ") == 1, answer.err
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.said
    house.assert_nothing_published()
    assert not house.ledger.heads("pools")
    house.assert_chain_holds()


def refused(house: House, *words: str) -> None:
    """Run the month: it must be refused with these words."""
    assert_refused(house, house.run(MONTH), *words)
