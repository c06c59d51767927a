"""Renders a settled month into a staging folder: every partner's files, then the page of the month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
from xlsxwriter.exceptions import XlsxFileError

from settlement.errors import EngineError, SettlementError
from settlement.reports.dsr import Sender, own_sender, write_dsr
from settlement.reports.manifest import write_manifest
from settlement.reports.model import FileRecord, Partner, PartnerReport, ReportContext
from settlement.reports.page import write_page
from settlement.reports.page_data import month_view
from settlement.reports.paper import write_papers
from settlement.reports.statement import write_statements
from settlement.reports.totals import load_month
from settlement.reports.usage import write_usages


def render_month(con: duckdb.DuckDBPyConnection, context: ReportContext, out: Path) -> list[PartnerReport]:
    """Write `partner=<id>/…` for suspense and every partner with a statement, and `index.html`, below `out`.

    The month is proven first: lines = royalties = pools, and every statement holds. Identical input gives identical
    bytes. `out` is a staging folder that the caller publishes: no marker is written, and after an error its content
    means nothing.

    Args:
        con: schema-qualified views, restricted to this month, version and catalogue snapshot; only read.
        context: month, version and hashes.
        out: empty folder (made if missing).

    Returns:
        A report per partner, suspense first, then by partner_id.

    Raises:
        SettlementError: the tables don't add up, `out` isn't empty or can't be written.
        EngineError: a query failed (memory, spill folder, a missing view).
    """
    with _rendering(context, out):
        month = load_month(con, context)
        reports = _write(con, context, month.partners, out)
        write_page(month_view(con, context.month, month, reports), context, out)
        return reports


def render_partner(
    con: duckdb.DuckDBPyConnection, context: ReportContext, partner_id: int, formats: Sequence[str], out: Path
) -> PartnerReport:
    """Write `partner=<id>/…` of one partner below `out`, in the given formats whatever its own are; no page.

    The month is proven first, and `out` is a staging folder, as in `render_month`.

    Args:
        con: views as for `render_month`.
        context: month, version and hashes.
        partner_id: a partner with a statement, or 0 for suspense.
        formats: of `csv`, `xlsx`, `pdf`, `dsr`.
        out: empty folder (made if missing).

    Raises:
        SettlementError: as `render_month`; or the partner has no statement in the month.
        EngineError: as `render_month`.
    """
    with _rendering(context, out):
        found = [p for p in load_month(con, context).partners if p.partner_id == partner_id]
        if not found:
            raise SettlementError(
                f"partner {partner_id} has no statement in {context.month} version {context.version}",
                "look for its id among the partners of the month",
            )
        (report,) = _write(con, context, [replace(found[0], formats=tuple(sorted(formats)))], out)
        return report


@contextmanager
def _rendering(context: ReportContext, out: Path) -> Iterator[None]:
    """An empty staging folder; what goes wrong while it is filled is an error for people."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise SettlementError(f"{out}: the reports' staging folder is not empty", "remove it and render again")
        yield
    except (OSError, XlsxFileError) as error:
        raise SettlementError(
            f"{out}: reports of {context.month} version {context.version} can't be written: {error}",
            "make room or grant access, then render again; nothing was published",
        ) from error
    except duckdb.Error as error:
        raise EngineError(
            f"reports of {context.month} version {context.version}: a query failed: {error}",
            "check the memory limit and spill folder in the settings, then render again",
        ) from error


def _write(con: duckdb.DuckDBPyConnection, context: ReportContext, partners: Sequence[Partner], out: Path) -> list[PartnerReport]:
    """Every file of the partners, in the formats that each has."""
    by_id = {partner.partner_id: partner for partner in partners}
    written = [
        write_usages(con, context.month, by_id, out),
        write_statements(con, context, by_id, out),
    ]
    files = [(p, [record for records in written for record in _of(records, p)]) for p in partners]
    for partner, records in files:
        if "dsr" in partner.formats:
            sender = Sender(**context.sender) if context.sender else own_sender()
            records.extend(write_dsr(con, context, partner, out, sender))
    papers = write_papers(context, files, out)
    return [_report(context, p, [*data, *_of(papers, p)], out) for p, data in files]


def _of(records: Mapping[int, FileRecord], partner: Partner) -> list[FileRecord]:
    return [records[partner.partner_id]] if partner.partner_id in records else []


def _report(context: ReportContext, partner: Partner, files: Sequence[FileRecord], out: Path) -> PartnerReport:
    """Close the partner's folder with the manifest over all its files."""
    manifest = write_manifest(context, partner, files, out / partner.folder)
    paths = tuple(f"{partner.folder}/{file.name}" for file in [*files, manifest])
    return PartnerReport(partner.partner_id, partner.name, partner.royalty_krw, partner.lines, paths)
