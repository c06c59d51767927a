"""Rules §8: versions of a closed month that are computed again, and what they post into the next month.

Open choices:
- Every restatement given is approved and posted, in the order given; a version that was never posted isn't here.
- A restatement is made while the month it posts into is the next to be settled: that month is later than the one it
  restates, no earlier than that of the restatement before, and at most the one after the last month asked for.
- Partner, product and right type that only one of the two versions has count as 0 in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .faults import BadInputError
from .landing import Landing
from .months import MonthFacts, MonthVersion, make_version
from .reference import Reference, read_reference
from .rights import read_rights

FIRST_VERSION = 1


@dataclass(frozen=True)
class Restatement:
    """A closed month to compute again.

    `settled` and `posted` are months `YYYY-MM`; `catalogue_day` is the newest snapshot, from which all but products is
    read; `reference` is a folder or its files' bytes by name, None for the reference of the ordinary runs.
    """

    settled: str
    posted: str
    catalogue_day: date
    reference: Path | Mapping[str, bytes] | None = None


@dataclass(frozen=True)
class Adjustment:
    """One row of the adjustment table: what a partner's royalty of a pool changed by, in won."""

    posted: str
    settled: str
    version_from: int
    version_to: int
    partner_id: int
    product_id: str
    right_type: str
    delta_krw: int


@dataclass(frozen=True)
class Versions:
    """Every version of every month by (month, version), and what the restatements posted."""

    of_months: Mapping[tuple[str, int], MonthVersion]
    adjustments: Sequence[Adjustment]

    def published(self, month: str) -> MonthVersion:
        """The version whose statements were published."""
        return self.of_months[month, FIRST_VERSION]

    def posted_into(self, month: str) -> list[Adjustment]:
        """What restatements posted into the month."""
        return [adjustment for adjustment in self.adjustments if adjustment.posted == month]


def restate(
    landing: Landing,
    reference: Reference,
    facts_of: Mapping[str, MonthFacts],
    firsts: Mapping[str, MonthVersion],
    restatements: Sequence[Restatement],
) -> Versions:
    """The first versions by month, with those of the restatements on top of them."""
    refuse_impossible(list(facts_of), restatements)
    of_months = {(month, FIRST_VERSION): version for month, version in firsts.items()}
    newest = dict.fromkeys(firsts, FIRST_VERSION)
    adjustments: list[Adjustment] = []
    for request in restatements:
        month = request.settled
        rules = reference if request.reference is None else read_reference(request.reference)
        new = make_version(facts_of[month], read_rights(landing, request.catalogue_day), rules.rate_card)
        adjustments += _adjustments(request, newest[month], of_months[month, newest[month]], new)
        newest[month] += 1
        of_months[month, newest[month]] = new
    return Versions(of_months, adjustments)


def refuse_impossible(months: Sequence[str], restatements: Sequence[Restatement]) -> None:
    """Refuses restatements that no order of runs could have made; `months` follow each other."""
    earliest = ""
    for request in restatements:
        closed = [month for month in months if month < request.posted]
        exists = request.posted in (*months, _month_after(months[-1]))
        if request.settled not in closed or not exists or request.posted < earliest:
            raise BadInputError(f"no restatement of {request.settled} can be posted into {request.posted} here")
        earliest = request.posted


def _month_after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1:04}-01" if number == 12 else f"{year:04}-{number + 1:02}"


def _adjustments(request: Restatement, number: int, old: MonthVersion, new: MonthVersion) -> list[Adjustment]:
    """A row for each partner, product and right type that changed."""
    deltas = Counter(_won(new))
    deltas.subtract(_won(old))
    return [
        Adjustment(request.posted, request.settled, number, number + 1, *key, delta) for key, delta in deltas.items() if delta
    ]


def _won(version: MonthVersion) -> dict[tuple[int, str, str], int]:
    return {(row.partner_id, row.product_id, row.right_type): row.krw for row in version.royalties}
