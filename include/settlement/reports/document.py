"""A one-page PDF in Korean: text that fits its box, never vanishes, and bytes that depend on the content alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TextMode
from fpdf.fonts import TTFFont

from settlement.reports.fonts import MISSING, composed
from settlement.reports.items import FAINT, Colour, Item, Line, Point, Text

_FONT = "korean"
_OUTLINE = 0.028  # of the size: as heavy as a bold weight, still open inside at 8 points
_MM_IN_POINT = 25.4 / 72
_GAP = 2.5
_NARROWEST = 6.0


def pdf(items: Iterable[Item], title: str, written: str, font: Path) -> bytes:
    """The page with its items drawn in their order.

    `written` is the document's time, ISO 8601 with offset; the clock has no part in the bytes, nor has the font's path.
    """
    page = _Page(title, written, font)
    for item in items:
        page.draw(item)
    return page.bytes()


class _Page:
    def __init__(self, title: str, written: str, font: Path) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_creation_date(datetime.fromisoformat(written))
        self._pdf.set_lang("ko")
        self._pdf.set_author("settlement")
        self._pdf.set_title(title)
        self._pdf.add_font(_FONT, fname=font)
        added = self._pdf.fonts[_FONT]
        assert isinstance(added, TTFFont)
        self._glyphs = added.cmap.keys()
        self._pdf.add_page()

    def draw(self, item: Item) -> None:
        if isinstance(item, Text):
            self._text(item)
        elif isinstance(item, Line):
            self._pdf.set_draw_color(*item.colour)
            self._pdf.set_line_width(item.weight)
            self._pdf.line(item.at[0], item.at[1], item.at[0] + item.width, item.at[1])
        else:
            self._pdf.set_fill_color(*item.colour)
            self._pdf.rect(*item.at, item.width, item.height, style="F")

    def bytes(self) -> bytes:
        return bytes(self._pdf.output())

    def _text(self, item: Text) -> None:
        text = self._shown(item.text)
        self._style(item.size, item.colour)
        needed = self._pdf.get_string_width(text)
        if item.whole and needed > item.width:
            self._style(item.size * item.width / needed, item.colour)
        elif needed > item.width:
            text = self._cut(text, item.width)
        used = self._pdf.get_string_width(text)
        x = item.at[0] + {"L": 0.0, "C": (item.width - used) / 2, "R": item.width - used}[item.align]
        self._put((x, item.at[1]), text, item.colour if item.bold else None)
        room = item.width - used - _GAP
        if item.beside and room > _NARROWEST:
            self._style(item.size * 0.8, FAINT)
            self._put((x + used + _GAP, item.at[1]), self._cut(self._shown(item.beside), room))

    def _style(self, size: float, colour: Colour) -> None:
        self._pdf.set_font(_FONT, size=size)
        self._pdf.set_text_color(*colour)

    def _put(self, at: Point, text: str, outline: Colour | None = None) -> None:
        """Draw text as it is; the font has one weight, an outline in the text's colour makes the bold one."""
        if not text:
            return
        if outline is None:
            self._pdf.text(*at, text)
            return
        weight = self._pdf.font_size_pt * _OUTLINE * _MM_IN_POINT
        with self._pdf.local_context(text_mode=TextMode.FILL_STROKE, line_width=weight):
            self._pdf.set_draw_color(*outline)
            self._pdf.text(*at, text)

    def _cut(self, text: str, width: float) -> str:
        """As much of the text as fits, with an ellipsis where it doesn't fit as a whole."""
        if self._pdf.get_string_width(text) <= width:
            return text
        low, high = 0, min(len(text), 500)  # no box takes more
        while low < high:
            middle = (low + high + 1) // 2
            if self._pdf.get_string_width(text[:middle].rstrip() + "…") <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…"

    def _shown(self, text: str) -> str:
        """Text as the page can show it: composed, one line, and a visible sign for each character without a glyph.

        Marks that only change how the character before them looks (variation selectors, joiners) count with it.
        """
        out: list[str] = []
        for character in composed(text):
            if ord(character) in self._glyphs:
                out.append(character)
            elif character in "\t\r\n\u2028\u2029":
                out.append(" ")
            elif character not in "\u200d\ufe0e\ufe0f" or not out:
                out.append(MISSING)
        return "".join(out)
