"""What a page of the statement is laid out from: texts, lines and boxes with their places, but no PDF yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Align: TypeAlias = Literal["L", "R", "C"]
Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]
"""Millimetres from the upper left corner of an A4 page; widths and heights are in millimetres too, sizes in points."""

INK: Colour = (27, 31, 36)
FAINT: Colour = (95, 104, 113)
RULE: Colour = (176, 184, 191)
HAIR: Colour = (222, 226, 229)
FILL: Colour = (241, 244, 246)
ACCENT: Colour = (34, 87, 127)


@dataclass(frozen=True)
class Text:
    """A line of text with its baseline at `at`.

    Attributes:
        width: the text is cut with an ellipsis to it; a figure (`whole`) gets smaller instead, for no digit may be lost.
        beside: smaller, fainter text behind it in the same box, as far as there is room.
    """

    at: Point
    text: str
    width: float
    size: float = 9
    align: Align = "L"
    colour: Colour = INK
    bold: bool = False
    whole: bool = False
    beside: str = ""


@dataclass(frozen=True)
class Line:
    """A horizontal line."""

    at: Point
    width: float
    colour: Colour = RULE
    weight: float = 0.2


@dataclass(frozen=True)
class Box:
    """A filled rectangle without a border."""

    at: Point
    width: float
    height: float
    colour: Colour = FILL


Item: TypeAlias = Text | Line | Box
