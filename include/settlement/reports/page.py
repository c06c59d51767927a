"""index.html of the month: one page that works offline, with everything a settlement desk looks at first."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from settlement.reports import labels, money
from settlement.reports.labels import Label, label
from settlement.reports.model import ReportContext
from settlement.reports.page_data import MonthView

FILE = "index.html"
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def write_page(view: MonthView, context: ReportContext, out: Path) -> None:
    """Write the page; every text from the catalogue is escaped, and the page runs no script at all."""
    html = environment().get_template("index.html.j2").render(view=view, context=context)
    (out / FILE).write_text(html, encoding="utf-8", newline="\n")


def environment() -> Environment:
    """What the templates of all pages are rendered with: every text is escaped, a name that is missing is an error."""
    env = Environment(
        loader=PackageLoader("settlement.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        count=_or_dash(lambda value: f"{value:,}"),
        signed=_or_dash(lambda krw: f"{krw:+,}" if krw else "0"),
        won=_or_dash(lambda uwon: f"{money.whole_won(uwon):,}"),
        won6=_or_dash(lambda uwon: money.won6(uwon, ",")),
        plain=_or_dash(money.plain),
        visible=_visible,
        right_type=_labels(labels.RIGHT_TYPES),
        service=_labels(labels.SERVICES),
        cohort=_labels(labels.COHORTS),
        leg=_labels(labels.LEGS),
        kind=_labels(labels.KINDS),
        bucket=_labels(labels.BUCKETS),
        state=_labels(labels.STATES),
    )
    env.globals.update(share=money.share)
    return env


def _labels(of: dict[str, Label]) -> Callable[[str], Label]:
    return lambda word: label(of, word)


def _or_dash(show: Callable[..., str]) -> Callable[..., str]:
    """A figure that is not there (a rate without such a leg) shows as a dash, never as 0."""
    return lambda value, *rest: "–" if value is None else show(value, *rest)


def _visible(text: Any) -> str:
    """Text that HTML may hold: control characters, which no page can show, become the replacement sign."""
    return _CONTROLS.sub("\ufffd", str(text))
