"""What a settled month hands out: usage.csv, statement.xlsx, statement.pdf, DSR and manifest.json per partner, index.html."""

from settlement.reports.guard import guarded, unguarded
from settlement.reports.manifest import control_hash
from settlement.reports.model import PartnerReport, ReportContext
from settlement.reports.render import render_month, render_partner

__all__ = ["PartnerReport", "ReportContext", "control_hash", "guarded", "render_month", "render_partner", "unguarded"]
