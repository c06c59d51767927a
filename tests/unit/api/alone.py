"""A service of the API without engine, ledger or issuer, over one open month."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from settlement.api.airflow_api import scheduler_of
from settlement.api.audit_log import AuditLog
from settlement.api.cursors import Cursors
from settlement.api.identity import SignIn
from settlement.api.limits import Limits
from settlement.api.publication import Published
from settlement.api.service import Service
from settlement.api.settings import ApiSettings
from settlement.warehouse import Partition, Warehouse
from tests.unit.api.world import CATALOG, MODEL


class _Ledger:
    def at(self) -> Published:
        return Published(1, {("statements", Partition("2026-03", 1)): "build"}, {})

    def told(self, seq: int) -> list[Any]:  # noqa: ARG002
        return []


def alone(folder: Path, tokens: SignIn, **settings: Any) -> Service:
    """The service; its audit log is in the folder, `settings` are those of the API."""
    chosen = ApiSettings(**settings)
    return Service(
        settings=chosen,
        model=MODEL,
        catalog=CATALOG,
        warehouse=Warehouse(folder),
        publications=_Ledger(),  # type: ignore[arg-type]
        engine=None,  # type: ignore[arg-type]
        tokens=tokens,
        limits=Limits(1, 1, 1_000),
        cursors=Cursors(b"k"),
        audit=AuditLog(folder),
        threads=ThreadPoolExecutor(1),
        scheduler=scheduler_of(chosen),
    )
