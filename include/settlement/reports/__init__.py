"""What a settled month hands out: usage.csv, statement.xlsx and manifest.json per partner, index.html for the month."""

from settlement.reports.model import PartnerReport, ReportContext
from settlement.reports.render import render_month

__all__ = ["PartnerReport", "ReportContext", "render_month"]
