"""Everything that a running API holds: the model, the engine, the ledger's publications, who may ask, and what was asked."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from settlement.api.airflow_api import Scheduler, scheduler_of
from settlement.api.audit_log import AuditLog
from settlement.api.cursors import Cursors
from settlement.api.engines.running import Engine
from settlement.api.identity import SignIn, tokens_of
from settlement.api.limits import Limits
from settlement.api.model import Model, packaged
from settlement.api.publication import Publications
from settlement.api.settings import ApiSettings, api_settings
from settlement.errors import SettlementError
from settlement.settings import SQLITE, required, settings
from settlement.storage import location
from settlement.tables import Catalog
from settlement.warehouse import Warehouse


@dataclass(frozen=True)
class Service:
    """The parts of one API."""

    settings: ApiSettings
    model: Model
    catalog: Catalog
    warehouse: Warehouse
    publications: Publications
    engine: Engine
    tokens: SignIn
    limits: Limits
    cursors: Cursors
    audit: AuditLog
    threads: Executor
    scheduler: Scheduler


def open_service(tokens: SignIn | None = None, place: str | None = None) -> Service:
    """The service that the settings describe.

    Args:
        tokens: which are good; default: those of the issuer that the settings name.
        place: of the warehouse; default: the settings'.

    Raises:
        SettlementError: a setting is missing or off, or the ledger can't be opened.
    """
    chosen = api_settings()
    good = tokens or tokens_of(chosen)
    warehouse = Warehouse(location(place or required("warehouse")).resolve())
    ledger = _ledger_of(warehouse)
    model, catalog = packaged()
    key = chosen.cursor_key.get_secret_value().encode() if chosen.cursor_key else secrets.token_bytes(32)
    return Service(
        settings=chosen,
        model=model,
        catalog=catalog,
        warehouse=warehouse,
        publications=Publications(ledger, warehouse.local),
        engine=_engine(chosen, warehouse),
        tokens=good,
        limits=Limits(chosen.queries, chosen.user_queries, chosen.user_requests),
        cursors=Cursors(key),
        audit=AuditLog(chosen.audit or warehouse.local / "api-audit"),
        # A query that is cancelled may hold its thread for a moment longer than its place.
        threads=ThreadPoolExecutor(chosen.queries + chosen.jobs + (os.cpu_count() or 1), thread_name_prefix="query"),
        scheduler=scheduler_of(chosen),
    )


def _ledger_of(warehouse: Warehouse) -> str:
    """The address of the ledger, which is there: this service makes none."""
    from settlement.steps.place import ledger_url

    url = ledger_url(warehouse)
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        raise SettlementError(f"{warehouse.root} is no warehouse: it has no ledger", "make one with `settlement run`")
    return url


def _engine(chosen: ApiSettings, warehouse: Warehouse) -> Engine:
    if chosen.engine == "trino":
        from settlement.api.engines.on_trino import OnTrino
        from settlement.settings_trino import trino_settings

        password = chosen.trino_password.get_secret_value() if chosen.trino_password else ""
        return OnTrino(trino_settings(), settings().metastore_database, password)
    from settlement.api.engines.on_duckdb import OnDuckDB
    from settlement.steps.place import make_engine

    return OnDuckDB(warehouse, make_engine(warehouse, chosen.duckdb_memory))
