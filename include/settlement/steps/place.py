"""Where a scheduled run works: warehouse, ledger, engine and landing root, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass

from settlement.engines.duckdb import DuckDBEngine
from settlement.ledger import Ledger
from settlement.settings import required, settings
from settlement.storage import Location, location
from settlement.warehouse import Warehouse


@dataclass(frozen=True)
class Place:
    """The places that all runs of an environment share."""

    warehouse: Warehouse
    ledger: Ledger
    engine: DuckDBEngine
    landing: Location

    @classmethod
    def open(cls) -> Place:
        """The place that the settings name; the warehouse is made when it isn't there.

        Raises:
            SettlementError: a setting is missing, or the folder can't be written.
        """
        warehouse = Warehouse.open(required("warehouse"))
        return cls(warehouse, open_ledger(warehouse), make_engine(warehouse), location(required("landing")))


def ledger_url(warehouse: Warehouse) -> str:
    url = settings().ledger_url
    return url.get_secret_value() if url else warehouse.ledger_url


def open_ledger(warehouse: Warehouse) -> Ledger:
    """The ledger of a warehouse, by setting or beside its tables."""
    return Ledger(ledger_url(warehouse), warehouse.local, anchors=location(settings().anchors or warehouse.root / "anchors"))


def make_engine(warehouse: Warehouse, memory: str | None = None) -> DuckDBEngine:
    """The embedded engine of the settings; with a memory limit of its own, if one is given."""
    chosen = settings() if memory is None else settings().model_copy(update={"duckdb_memory": memory})
    return DuckDBEngine(chosen, warehouse.local / ".spill")
