"""An S3 server of the tests' own, and houses whose warehouse and landing are in its buckets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from local.airflow import free_port
from local.on_services import in_this_process
from local.services.s3 import BUCKETS, S3
from settlement.storage import location, put_folder
from tests.integration.house import Answer, House, settlement


@contextmanager
def served(state: Path) -> Iterator[S3]:
    """A running server; programs of this process find it and may use it."""
    server = S3(state, {"s3": free_port()})
    server.up()
    try:
        with in_this_process(server.variables()):
            yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class BucketHouse:
    """A house's landing and warehouse in a bucket; the ledger is a file beside."""

    house: House
    root: UPath

    @classmethod
    def of(cls, house: House, name: str) -> BucketHouse:
        """Put all of a house into a bucket, but its ledger and reference data."""
        root = location(f"s3://{BUCKETS[0]}/{name}")
        assert isinstance(root, UPath)
        put_folder(house.landing, root / "landing")
        for part in ("tables", "releases", "verdicts", "published"):
            put_folder(house.warehouse / part, root / "warehouse" / part)
        return cls(house, root)

    @property
    def warehouse(self) -> str:
        return f"{self.root}/warehouse"

    @contextmanager
    def ledger(self) -> Iterator[None]:
        """Settings that name the ledger and a scratch folder of its own."""
        variables = {
            "SETTLEMENT_LEDGER_URL": f"sqlite:///{self.house.warehouse / 'ledger.db'}",
            "SETTLEMENT_SCRATCH": str(self.house.root / "scratch"),
        }
        with in_this_process(variables):
            yield

    def run(self, month: str, approver: str | None) -> Answer:
        """`settlement run` from the bucket, in the bucket."""
        options = self.house.run_arguments(month, approver=approver)
        places = {str(self.house.landing): f"{self.root}/landing", str(self.house.warehouse): self.warehouse}
        with self.ledger():
            return settlement(*(places.get(option, option) for option in options))

    def published(self) -> dict[str, bytes]:
        """Every file that partners could see."""
        return files_below(f"{self.warehouse}/published")


def files_below(place: str) -> dict[str, bytes]:
    """Every file below a folder of a bucket."""
    root = location(place)
    return {str(path).removeprefix(f"{root}/"): path.read_bytes() for path in root.rglob("*") if path.is_file()}
