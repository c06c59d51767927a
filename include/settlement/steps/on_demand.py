"""On demand: one partner's report of closed months in one format, written for whoever asks; nothing published changes.

Killed anywhere: `_SUCCESS` is missing, so nobody takes a month's folder for complete. Run again: the same bytes fill the
gaps; other content under a name that exists is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from settlement.engines.duckdb import DuckDBEngine
from settlement.errors import NotAllowed, SettlementError
from settlement.landing.contract import SUCCESS
from settlement.ledger import Ledger
from settlement.release import Release
from settlement.steps.context import Context
from settlement.steps.deliver import mark, put_once, staged
from settlement.steps.pinning import closed_version
from settlement.steps.reported import reported
from settlement.steps.tasks import Outcome
from settlement.storage import Location
from settlement.warehouse import Partition, Warehouse

FORMATS = ("csv", "xlsx", "pdf", "dsr")
FOLDER = "on_demand"


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: a partner (0 is suspense), the months in order, one of `FORMATS`."""

    partner_id: int
    months: Sequence[str]
    format: str

    @property
    def path(self) -> str:
        """The folder of its reports, below `on_demand/` of the warehouse."""
        return f"partner={self.partner_id}/{self.months[0]}..{self.months[-1]}/{self.format}"

    def __str__(self) -> str:
        return f"partner {self.partner_id}, {self.months[0]}..{self.months[-1]}"


@dataclass(frozen=True)
class Reported(Outcome):
    """What was written, and where: the folder, below it `month=YYYY-MM/version=N/` with manifest and marker."""

    folder: str


def report(
    warehouse: Warehouse, ledger: Ledger, engine: DuckDBEngine, asked: Asked, progress: Callable[[str], None] = lambda _: None
) -> Reported:
    """Write the partner's report of every closed version of the months in which it has a statement.

    All of them are rendered before the first one is put in place.

    Raises:
        NotAllowed: a month isn't closed; names every one that isn't.
        SettlementError: a format that doesn't exist, or the partner has no statement in any of the months.
        PublishRefused: a file of that name holds something else.
    """
    if asked.format not in FORMATS:
        raise SettlementError(f"format {asked.format!r}: must be one of {', '.join(FORMATS)}")
    versions = _closed(ledger, asked.months)
    root = warehouse.root / FOLDER
    with staged(root, "asked") as aside:
        written = {}
        for version in versions:
            progress(f"report of partner {asked.partner_id}: {version}")
            rendered = _render(_context(warehouse, ledger, engine, version), version, asked, aside / version.key)
            if rendered is not None:
                written[version] = rendered
        if not written:
            raise _nothing(asked)
        for version, rendered in written.items():
            put_once(
                rendered, root / asked.path / version.path, f"remove {root / asked.path / version.path} to have it written anew"
            )
    for version in written:
        mark(root / asked.path / version.path)
    return _told(asked, root / asked.path, len(written), [version.key for version in versions if version not in written])


def look_for(warehouse: Warehouse, ledger: Ledger, asked: Asked) -> Reported:
    """The report as somebody else has written it, in a pod: every month's folder that is there is complete.

    Raises:
        NotAllowed: a month isn't closed.
        SettlementError: a folder is incomplete, or none is there.
    """
    root = warehouse.root / FOLDER / asked.path
    folders = {version: root / version.path for version in _closed(ledger, asked.months)}
    there = {version: folder for version, folder in folders.items() if folder.exists()}
    torn = [str(folder) for folder in there.values() if not (folder / SUCCESS).exists()]
    if torn or not there:
        lacks = f"{', '.join(torn)} is incomplete" if torn else f"{root} isn't there"
        raise SettlementError(f"{asked}: the report was made, and {lacks}", "clear the task: it is made again")
    return _told(asked, root, len(there), [version.key for version in folders if version not in there])


def _told(asked: Asked, folder: Location, months: int, missing: Sequence[str]) -> Reported:
    without = f"; it has no statement in {', '.join(missing)}" if missing else ""
    count = f"{months} month{'s' if months > 1 else ''}"
    return Reported("reported", f"{asked}: {count} as {asked.format} in {folder}{without}", str(folder))


def _closed(ledger: Ledger, months: Sequence[str]) -> list[Partition]:
    found = {month: closed_version(ledger, month) for month in months}
    still_open = [month for month, version in found.items() if version is None]
    if still_open:
        raise NotAllowed(
            f"{', '.join(still_open)}: not closed, so there is no report of it yet",
            "choose closed months: settlement ledger show --kind closed",
        )
    return [version for version in found.values() if version is not None]


def _context(warehouse: Warehouse, ledger: Ledger, engine: DuckDBEngine, version: Partition) -> Context:
    """Reads only: the release is the one of the version's statements, and nobody's run is at work."""
    statements = ledger.head_build("statements", version)
    assert statements is not None, "a closed version has statements"
    return Context(warehouse, ledger, engine, Release.load(statements.release, warehouse), statements.run_id, "")


def _render(context: Context, version: Partition, asked: Asked, out: Path) -> Path | None:
    """The folder with the partner's files of a month; None when it has no statement in it."""
    from settlement.reports.render import render_partner  # heavy

    with reported(context, version) as (con, facts):
        if not _has_statement(con, asked.partner_id):
            return None
        render_partner(con, facts, asked.partner_id, (asked.format,), out)
    return out / f"partner={asked.partner_id}"


def _has_statement(con: duckdb.DuckDBPyConnection, partner_id: int) -> bool:
    found = con.execute("SELECT count(*) FROM mart.statement WHERE partner_id = $id", {"id": partner_id}).fetchone()
    return found is not None and found[0] > 0


def _nothing(asked: Asked) -> SettlementError:
    return SettlementError(
        f"{asked}: it has no statement in any of these months",
        "look for the id among the month's totals: settlement totals --warehouse W --month YYYY-MM",
    )
