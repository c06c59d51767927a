"""A preview as files: every royalty that changes, and a page with a chart. The same preview, the same bytes."""

from __future__ import annotations

import csv
from pathlib import Path

from settlement.steps.preview import Preview

_COLUMNS = ("partner_id", "product_id", "right_type", "old_krw", "new_krw", "delta_krw")


def write_changes(found: Preview, path: Path) -> None:
    """Every royalty that changes as a CSV file, in whole won, largest change first."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(_COLUMNS)
        out.writerows([getattr(delta, column) for column in _COLUMNS] for delta in found.deltas)


def write_page(found: Preview, path: Path) -> None:
    """One page that works offline."""
    from settlement.reports.preview_data import PreviewReport  # templates and charts: other steps are spared them
    from settlement.reports.preview_page import write_preview

    write_preview(
        PreviewReport(
            month=found.month,
            against=found.against.version if found.against else None,
            totals_against=found.totals_against.version if found.totals_against else None,
            figures=found.figures,
            changes=found.deltas,
            warnings=found.warnings,
        ),
        path,
    )
