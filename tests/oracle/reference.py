"""The effective-dated reference tables, typed (rules §10).

Open choice: an empty `min_play_ms` of a service rule is no minimum (0), as an empty cap is no cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .dated import Dated, validity
from .landing import csv_rows

REFERENCE_FILES = ("rate_card.csv", "service_rule.csv", "in_app_rule.csv")


@dataclass(frozen=True)
class RateRow(Dated):
    """A row of the rate card; a leg that the row lacks is None."""

    service: str
    cohort: str
    right_type: str
    no_pool: bool
    unit_price_uwon: int | None
    per_subscriber_krw: int | None
    revenue_rate_ppm: int | None


@dataclass(frozen=True)
class ServiceRule(Dated):
    """How long a play must be, and how many count per user, track and day (None: all)."""

    service: str
    min_play_ms: int
    cap: int | None


@dataclass(frozen=True)
class Reference:
    """The reference tables of rules §10."""

    rate_card: Sequence[RateRow]
    service_rules: Sequence[ServiceRule]
    in_app_rules: Sequence[Dated]


def read_reference(source: Path | Mapping[str, bytes]) -> Reference:
    """The three tables of a reference folder, or of its files' bytes by name."""
    rate_card, service_rules, in_app_rules = (
        [row.fields for row in csv_rows((source / name).read_bytes() if isinstance(source, Path) else source[name])]
        for name in REFERENCE_FILES
    )
    return Reference(
        [_rate_row(row) for row in rate_card],
        [_service_rule(row) for row in service_rules],
        [Dated(*validity(row)) for row in in_app_rules],
    )


def _rate_row(row: Mapping[str, str]) -> RateRow:
    legs = (_number(row[name]) for name in ("unit_price_uwon", "per_subscriber_krw", "revenue_rate_ppm"))
    names = row["service"], row["cohort"], row["right_type"]
    return RateRow(*validity(row), *names, row["no_pool"] == "true", *legs)


def _service_rule(row: Mapping[str, str]) -> ServiceRule:
    cap = _number(row["max_plays_per_user_track_day"])
    return ServiceRule(*validity(row), row["service"], _number(row["min_play_ms"]) or 0, cap)


def _number(text: str) -> int | None:
    return int(text) if text else None
