"""From landing folders to exports, month after month: the rules in their order.

Open choices:
- The days settled and exported are all days of the months asked for; folders landed before them are only looked back
  at, folders landed after the last month are not read, the catalogue of a restatement apart.
- The published version of every month is its first.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from .books import Books, close_month
from .catalogue import read_products
from .exports import Exports
from .faults import BadInputError
from .landing import Folders, Landing, read_tree
from .months import Days, MonthFacts, MonthVersion, first_version, month_facts, provisional_lines
from .plays import Bucketed, PlayHistory, bucket_day
from .reference import Reference, read_reference
from .restating import Restatement, Versions, restate
from .revenue import book_payments, recognise
from .tabulating import book_exports, daily_exports, play_exports, revenue_exports, version_exports


def settle(landing: Path, reference: Path, months: list[str], restatements: Sequence[Restatement] = ()) -> Exports:
    """The exports of consecutive months (`YYYY-MM`), published as version 1, from the landing root and the reference folder.

    `restatements`, in the order in which they were made, add versions and adjustments. Raises `BadInputError` where
    the rules refuse the input.
    """
    return _settle(read_tree(landing), read_reference(reference), months, restatements)


def settle_folders(
    folders: Folders, reference_files: Mapping[str, bytes], months: list[str], restatements: Sequence[Restatement] = ()
) -> Exports:
    """`settle` on file bytes: landing folders by path below the root, reference files by name."""
    return _settle(folders, read_reference(reference_files), months, restatements)


def _settle(folders: Folders, reference: Reference, months: list[str], restatements: Sequence[Restatement]) -> Exports:
    landing = Landing(folders)
    days_of = _consecutive_months(months)
    all_days = [day for days in days_of.values() for day in days]
    booked = book_payments(landing, all_days[-1], reference.in_app_rules)
    recognised = recognise(landing, booked, all_days[-1])
    settled = Days(landing, _bucket_plays(landing, reference, all_days), recognised)

    facts_of: dict[str, MonthFacts] = {}
    firsts: dict[str, MonthVersion] = {}
    carry: dict[str, int] = {}
    for month, days in days_of.items():
        facts_of[month] = month_facts(settled, days, carry)
        firsts[month] = first_version(settled, facts_of[month], reference.rate_card)
        carry = facts_of[month].totals.carry_out()
    versions = restate(landing, reference, facts_of, firsts, restatements)
    return {
        **play_exports(settled.buckets),
        **revenue_exports(booked, recognised, set(all_days)),
        **daily_exports({day: provisional_lines(settled, day, reference.rate_card) for day in all_days}),
        **version_exports(versions),
        **book_exports(_close_months(landing, days_of, versions)),
    }


def _close_months(landing: Landing, days_of: Mapping[str, Sequence[date]], versions: Versions) -> dict[str, Books]:
    books_of: dict[str, Books] = {}
    books = Books()
    for month, days in days_of.items():
        books = close_month(landing, days[-1], versions.published(month).royalties, versions.posted_into(month), books)
        books_of[month] = books
    return books_of


def _consecutive_months(months: list[str]) -> dict[str, list[date]]:
    """The days of each month, in order; refuses none and gaps."""
    days_of = {}
    for month in months:
        first = date.fromisoformat(f"{month}-01")
        days_of[month] = [first + timedelta(days=back) for back in range(monthrange(first.year, first.month)[1])]
    firsts = [days[0] for days in days_of.values()]
    lasts = [days[-1] for days in days_of.values()]
    if not months or any(last + timedelta(days=1) != first for last, first in zip(lasts, firsts[1:], strict=False)):
        raise BadInputError(f"months must follow each other: {months}")
    return days_of


def _bucket_plays(landing: Landing, reference: Reference, days: Sequence[date]) -> dict[date, list[Bucketed]]:
    history = PlayHistory(landing)
    return {day: bucket_day(history, day, read_products(landing, day), reference.service_rules) for day in days}
