"""What processes do to one ledger at once; imports little, so that they start soon."""

from __future__ import annotations

from multiprocessing.synchronize import Barrier
from pathlib import Path

from settlement.ledger import Ledger
from settlement.ledger.chain import append_record
from settlement.warehouse import Partition

DAY = Partition("2026-02-01")
RECORDS = 20


def append_many(url: str, folder: Path, name: str, start: Barrier) -> None:
    """Twenty records and, before each, one that is given up."""
    ledger = Ledger(url, folder)
    start.wait()
    for number in range(RECORDS):
        try:
            with ledger._appending() as connection:
                append_record(connection, "begun", name, {"n": -1}, DAY, "ods", "")
                raise KeyError(number)
        except KeyError:
            pass
        ledger.append("begun", name, {"n": number}, DAY, "ods")


def open_ledger(url: str, folder: Path, start: Barrier) -> None:
    """Open a ledger that wasn't there before."""
    start.wait()
    Ledger(url, folder)
