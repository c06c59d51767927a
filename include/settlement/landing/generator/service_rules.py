"""The part of the reference data that a synthetic world needs: how long a play must last and how often it counts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from settlement.errors import BadInput
from settlement.landing.generator.products import PRODUCTS

_FILE = "service_rule.csv"
_COLUMNS = ("service", "valid_from", "valid_to", "min_play_ms", "max_plays_per_user_track_day")


class ServiceRule(NamedTuple):
    """A row of service_rule.csv; `cap` is None where plays are not capped."""

    service: str
    valid_from: date
    valid_to: date
    min_play_ms: int
    cap: int | None


@dataclass(frozen=True)
class ServiceRules:
    """The rows of service_rule.csv, asked by day."""

    source: str
    rows: tuple[ServiceRule, ...]

    def on(self, day: date) -> dict[str, ServiceRule]:
        """The rule of each service valid on a day."""
        return {row.service: row for row in self.rows if row.valid_from <= day <= row.valid_to}

    def require(self, day: date) -> None:
        """Raise BadInput when a service that we sell has no rule on a day: its plays could not be settled."""
        missing = sorted({product.service for product in PRODUCTS} - set(self.on(day)))
        if missing:
            reason = f"no rule for {', '.join(missing)} on {day}"
            raise BadInput(self.source, reason, hint="add the row, or choose another month")

    def min_play_ms(self, day: date) -> int:
        """The longest minimum of any service on a day."""
        return max(row.min_play_ms for row in self.on(day).values())

    def tightest_cap(self, day: date) -> ServiceRule | None:
        """The rule with the smallest cap on a day; None when nothing is capped."""
        capped = [(row.cap, row.service, row) for row in self.on(day).values() if row.cap is not None]
        return min(capped)[2] if capped else None


def read_service_rules(reference: Path) -> ServiceRules:
    """Read `service_rule.csv` of a reference folder; raises BadInput with file, row and reason."""
    path = reference / _FILE
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            records = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(str(path), f"cannot be read: {error}", hint="--reference names the reference folder") from error
    return ServiceRules(str(path), tuple(_rule(path, number, record) for number, record in enumerate(records, start=1)))


def _rule(path: Path, number: int, record: dict[str, str]) -> ServiceRule:
    missing = [name for name in _COLUMNS if record.get(name) is None]
    if missing:
        raise BadInput(str(path), f"no {', '.join(missing)}", row=number)
    try:
        return ServiceRule(
            service=record["service"],
            valid_from=date.fromisoformat(record["valid_from"]),
            valid_to=date.fromisoformat(record["valid_to"]) if record["valid_to"] else date.max,
            min_play_ms=int(record["min_play_ms"]),
            cap=int(record["max_plays_per_user_track_day"]) if record["max_plays_per_user_track_day"] else None,
        )
    except ValueError as error:
        raise BadInput(str(path), str(error), row=number) from error
