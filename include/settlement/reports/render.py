"""Renders a settled month into a staging folder: every partner's files, then the page of the month."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
from xlsxwriter.exceptions import XlsxFileError

from settlement.errors import EngineError, SettlementError
from settlement.reports.manifest import write_manifest
from settlement.reports.model import FileRecord, Partner, PartnerReport, ReportContext
from settlement.reports.page import write_page
from settlement.reports.page_data import month_view
from settlement.reports.statement import write_statements
from settlement.reports.totals import load_month
from settlement.reports.usage import write_usages


def render_month(con: duckdb.DuckDBPyConnection, context: ReportContext, out: Path) -> list[PartnerReport]:
    """Write `partner=<id>/…` for suspense and every partner with lines, and `index.html`, below `out`.

    The month is proven first (lines = statements = pools); identical input gives identical bytes. `out` is a staging
    folder that the caller publishes: no marker is written, and after an error its content means nothing.

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
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise SettlementError(f"{out}: the reports' staging folder is not empty", "remove it and render again")
        return _render(con, context, out)
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


def _render(con: duckdb.DuckDBPyConnection, context: ReportContext, out: Path) -> list[PartnerReport]:
    partners, pools = load_month(con, context)
    by_id = {partner.partner_id: partner for partner in partners}
    usages = write_usages(con, context.month, by_id, out)
    statements = write_statements(con, context, by_id, out)
    reports = [_report(context, partner, [usages, statements], out) for partner in partners]
    write_page(month_view(con, context.month, partners, pools, reports), context, out)
    return reports


def _report(context: ReportContext, partner: Partner, written: list[Mapping[int, FileRecord]], out: Path) -> PartnerReport:
    files = [records[partner.partner_id] for records in written if partner.partner_id in records]
    manifest = write_manifest(context, partner, files, out / partner.folder)
    paths = tuple(f"{partner.folder}/{file.name}" for file in [*files, manifest])
    return PartnerReport(partner.partner_id, partner.name, partner.royalty_krw, partner.lines, paths)
