"""Cells that can't lie: text stays text, and a number is written as one only where Excel keeps it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from settlement.errors import SettlementError
from settlement.reports.money import won6

EXACT = 10**15
"""Excel keeps and shows 15 significant digits. Integers (whole won, plays, or micro-won behind an amount) from here on
are written as text: as numbers their last digits would silently turn into zeros."""
_TEXT_UNITS = 32_767
_FONT = "맑은 고딕"
_INK, _FAINT, _LINE, _FILL = "#1B1F24", "#66707A", "#C9D0D6", "#EEF2F5"
_HEAD = {"bold": True, "bg_color": _FILL, "bottom": 1, "bottom_color": _LINE, "text_wrap": True}
_TOTAL = {"bold": True, "top": 1, "top_color": _INK}
_WHOLE = {"num_format": "#,##0", "align": "right"}
_WON6 = {"num_format": "#,##0.000000", "align": "right"}

_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 18},
    "subtitle": {"font_color": _FAINT},
    "section": {"bold": True, "font_size": 12},
    "note": {"font_color": _FAINT, "italic": True},
    "key": {"font_color": _FAINT},
    "headline": {"bold": True, "font_size": 14, "align": "left", "num_format": '#,##0"원"'},
    "head": _HEAD,
    "head_right": _HEAD | {"align": "right"},
    "text": {},
    "code": {"font_name": "Consolas", "font_size": 9, "font_color": _FAINT},
    "rank": {"num_format": "0", "align": "left", "font_color": _FAINT},
    "whole": _WHOLE,
    "won6": _WON6,
    "total": _TOTAL,
    "total_whole": _TOTAL | _WHOLE,
    "total_won6": _TOTAL | _WON6,
}


def default_format() -> dict[str, Any]:
    """The workbook's own cell format; a new dict each time, since the writer changes the one it is given."""
    return {"font_name": _FONT, "font_size": 10}


class Styles:
    """The formats of one workbook by name."""

    def __init__(self, book: Workbook) -> None:
        base = {"font_name": _FONT, "font_size": 10, "valign": "vcenter", "font_color": _INK}
        self._formats = {name: book.add_format(base | style) for name, style in _STYLES.items()}

    def __getitem__(self, name: str) -> Any:
        return self._formats[name]


class Cells:
    """Writes a sheet's cells; every method takes row and column from 0 and a style's name.

    Raises:
        SettlementError: a cell that the sheet has no room for; Excel's writer would drop it without a word.
    """

    def __init__(self, sheet: Worksheet, styles: Styles) -> None:
        self.sheet = sheet
        self._styles = styles

    def text(self, row: int, column: int, text: str, style: str = "text") -> None:
        """Text as it is: never a formula, a link or a number."""
        self._placed(self.sheet.write_string(row, column, _fitting(text), self._styles[style]), row)

    def whole(self, row: int, column: int, value: int, style: str = "whole") -> None:
        """An integer (won, plays, counts)."""
        if abs(value) < EXACT:
            self._placed(self.sheet.write_number(row, column, value, self._styles[style]), row)
        else:
            self.text(row, column, f"{value:,}", style)

    def won6(self, row: int, column: int, uwon: int, style: str = "won6") -> None:
        """Micro-won, shown as won with six decimals; the number goes in as a decimal, so no float rounds it."""
        if abs(uwon) < EXACT:
            self._placed(self.sheet.write_number(row, column, Decimal(uwon).scaleb(-6), self._styles[style]), row)
        else:
            self.text(row, column, won6(uwon, ","), style)

    def _placed(self, code: int, row: int) -> None:
        if code < 0:
            raise SettlementError(
                f"statement.xlsx, sheet {self.sheet.get_name()}: row {row + 1} can't be written (code {code})",
                "the sheet has more rows than Excel takes; lower MAX_LINES",
            )


def _fitting(text: str) -> str:
    """Text cut to what a cell takes: 32,767 UTF-16 units."""
    if len(text) * 2 <= _TEXT_UNITS or len(text.encode("utf-16-le")) // 2 <= _TEXT_UNITS:
        return text
    return text[: _TEXT_UNITS // 2 - 1] + "…"
