"""Geometry of the pages' charts; the templates only draw. Counts and whole won in, pixels of a viewBox out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1040, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 4, 12, 28
_TICKS = 4


@dataclass(frozen=True)
class Segment:
    """A rectangle of a stacked bar: which series, which value, where."""

    series: str
    value: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bar:
    """A stacked bar with the label below it."""

    name: str
    label: str
    centre: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class StackedChart:
    """Everything the template needs to draw the chart; ticks are (value, y)."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, float], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    baseline: int = HEIGHT - _BOTTOM


def stacked_chart(names: Sequence[str], series: Sequence[str], counts: Mapping[tuple[str, str], int]) -> StackedChart:
    """A bar per name (`YYYY-MM-DD`, labelled by its day), stacked in order of `series`; counts by (name, series)."""
    top = _TOP
    bottom = HEIGHT - _BOTTOM
    highest = max((sum(counts.get((name, s), 0) for s in series) for name in names), default=0)
    step = _nice_step(highest)
    ceiling = max(step * -(-highest // step), step)
    slot = (WIDTH - _LEFT - _RIGHT) / max(len(names), 1)
    bars = []
    for index, name in enumerate(names):
        x, base, segments = _LEFT + slot * index, 0, []
        for key in series:
            value = counts.get((name, key), 0)
            if value > 0:
                y = bottom - (bottom - top) * (base + value) / ceiling
                height = (bottom - top) * value / ceiling
                segments.append(Segment(key, value, _r(x + slot * 0.14), _r(y), _r(slot * 0.72), _r(height)))
                base += value
        bars.append(Bar(name, str(int(name[-2:])), _r(x + slot / 2), tuple(segments)))
    ticks = tuple((value, _r(bottom - (bottom - top) * value / ceiling)) for value in range(0, ceiling + 1, step))
    return StackedChart(tuple(bars), ticks)


@dataclass(frozen=True)
class DivergingBars:
    """A horizontal bar per value, to the left of `zero` where the value is negative; bars are (x, width), all on one scale."""

    bars: tuple[tuple[float, float], ...]
    zero: float
    width: int


def diverging_bars(values: Sequence[int], width: int = 1000) -> DivergingBars:
    """Bars of signed values: zero lies where the lowest and the highest both just fit; a value of 0 has no width."""
    lowest, highest = min(values, default=0), max(values, default=0)
    left, right = max(-lowest, 0), max(highest, 0)
    span = max(left + right, 1)
    bars = tuple((_r(width * (left + min(value, 0)) / span), _r(width * abs(value) / span)) for value in values)
    return DivergingBars(bars, _r(width * left / span), width)


def split_bar(parts: Sequence[tuple[str, int]], width: int = 1000) -> list[tuple[str, float, float]]:
    """(name, x, width) of the parts of one horizontal bar; nothing where there is no total to split."""
    total = sum(value for _, value in parts)
    placed, before = [], 0
    for name, value in parts:
        if value > 0:
            placed.append((name, _r(width * before / total), _r(width * value / total)))
            before += value
    return placed


def _nice_step(highest: int) -> int:
    """1, 2 or 5 × 10^k, so that about four ticks reach the highest value."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * _TICKS >= highest:
                return step * factor
        step *= 10


def _r(pixels: float) -> float:
    return round(pixels, 2)
