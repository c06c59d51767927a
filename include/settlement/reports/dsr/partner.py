"""A partner's two DSR reports of a settled month: what was used, and what it earned."""

from __future__ import annotations

from pathlib import Path

import duckdb

from settlement.reports.dsr.names import first_day
from settlement.reports.dsr.profiles import profiles
from settlement.reports.dsr.records import TERRITORY, named, party
from settlement.reports.dsr.royalty import RoyaltyReport
from settlement.reports.dsr.sender import UNREGISTERED, Sender
from settlement.reports.dsr.usage import UsageReport
from settlement.reports.dsr.writer import MAX_FILE_BYTES, Header, write_report
from settlement.reports.model import FileRecord, Partner, ReportContext


def write_dsr(
    con: duckdb.DuckDBPyConnection,
    context: ReportContext,
    partner: Partner,
    out: Path,
    sender: Sender = UNREGISTERED,
    max_bytes: int = MAX_FILE_BYTES,
) -> list[FileRecord]:
    """Write the partner's usage and royalty reports into its folder below `out`.

    One partner at a time, whether or not its formats ask for it. A partner without royalties in the month gets no file:
    the profiles want a summary per product, and there is none. The same month gives the same bytes; memory doesn't grow
    with the partner's lines.

    Args:
        con: views restricted to this month, version and catalogue snapshot; only read.
        partner: as `load_month` gives it; its royalties are what the reports have to add up to.
        out: staging folder of the month.
        sender: who we are in DDEX's register.
        max_bytes: size before compression from which a report goes on in another file.

    Returns:
        The files, usage first, each report in order of its files.

    Raises:
        SettlementError: what was written doesn't add up to the statement, or a pool is missing.
        DsrError: a row breaks the profile; nothing in `out` counts then.
    """
    if not partner.royalties:
        return []
    records: list[FileRecord] = []
    for report in (UsageReport(con, partner), RoyaltyReport(con, partner)):
        header = _header(context, partner, sender, report.key)
        folder = out / partner.folder
        records += write_report(profiles()[report.key], header, report.summaries(), report.blocks(), folder, max_bytes)
        report.check()
    return records


def _header(context: ReportContext, partner: Partner, sender: Sender, key: str) -> Header:
    return Header(
        sender=sender,
        service=f"{sender.service}-{key.capitalize()}",
        recipient=party(partner) or str(partner.partner_id),
        recipient_dpid=party(partner),
        recipient_name=named(partner.name, f"#{partner.partner_id}"),
        period=context.month,
        first_day=first_day(context.month).isoformat(),
        last_day=context.last_day,
        territory=TERRITORY,
        created=context.document_time,
        message_id=f"{context.month}-v{context.version}-{partner.partner_id}-{key}",
    )
