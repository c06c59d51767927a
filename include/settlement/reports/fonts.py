"""The Korean font of the documents, cut down once to what a month's documents show.

The whole font has 23,000 glyphs; to read and cut it anew for every partner would take most of a month's rendering.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from pylopdf_fonts_ko import sans_path

MISSING = "□"
"""Shown for each character that the font lacks (an emoji, a rare script) or that can't be seen (a control)."""
_ALWAYS = f" …{MISSING}"
# Tables that only shape vertical or complex text, which these documents don't have.
_UNUSED = ("BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx")


def composed(text: str) -> str:
    """Text with Hangul and accents composed: files from some systems take them apart, and the font joins nothing."""
    return unicodedata.normalize("NFC", text)


def cut_font(texts: Iterable[str], path: Path) -> None:
    """Write a font with the glyphs of `texts`, as far as there are any; the same characters give the same bytes."""
    options: Any = subset.Options(layout_features=[], hinting=False, desubroutinize=True, notdef_outline=True)
    options.drop_tables += _UNUSED
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted({*_ALWAYS}.union(*map(composed, texts)))))
    with TTFont(sans_path(), recalcTimestamp=False, lazy=True) as font:
        cutter.subset(font)
        font.save(path)
