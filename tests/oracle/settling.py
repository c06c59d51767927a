"""From landing folders to exports, month after month: the rules in their order.

Open choices:
- The days settled and exported are all days of the months asked for; folders landed before them are only looked back
  at, folders landed after the last month are not read.
"""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from .catalogue import Reference, read_products, read_reference, read_shares, read_tracks, refuse_user_centric
from .exports import Exports, Value, table
from .faults import BadInputError
from .landing import Folders, Landing, csv_rows, read_tree
from .lines import Line, Rights, Royalty, make_lines, make_royalties
from .plays import Bucketed, PlayHistory, bucket_day
from .pools import Pool, make_pools, total_month
from .revenue import Booked, Recognised, book_payments, recognise

VERSION = 1
REFERENCE_FILES = ("rate_card.csv", "service_rule.csv", "in_app_rule.csv")


@dataclass(frozen=True)
class SettledDays:
    """The input, and what its days came to: plays in buckets by landing day, revenue by day and product."""

    landing: Landing
    reference: Reference
    buckets: Mapping[date, list[Bucketed]]
    recognised: Recognised


@dataclass(frozen=True)
class MonthResult:
    """What one month comes to."""

    pools: Sequence[Pool]
    lines: Sequence[Line]
    royalties: Sequence[Royalty]


def settle(landing: Path, reference: Path, months: list[str]) -> Exports:
    """The exports of consecutive months (`YYYY-MM`), version 1, from the landing root and the reference folder.

    Raises `BadInputError` where the rules refuse the input.
    """
    reference_files = {name: (reference / name).read_bytes() for name in REFERENCE_FILES}
    return settle_folders(read_tree(landing), reference_files, months)


def settle_folders(folders: Folders, reference_files: Mapping[str, bytes], months: list[str]) -> Exports:
    """`settle` on file bytes: landing folders by path below the root, reference files by name."""
    landing = Landing(folders)
    reference = read_reference(*(csv_rows(reference_files[name]) for name in REFERENCE_FILES))
    days_of = _consecutive_months(months)
    all_days = [day for days in days_of.values() for day in days]
    booked = book_payments(landing, all_days[-1], reference.in_app_rules)
    recognised = recognise(landing, booked, all_days[-1])
    settled = SettledDays(landing, reference, _bucket_plays(landing, reference, all_days), recognised)
    results: dict[str, MonthResult] = {}
    carry: dict[str, int] = {}
    for month, days in days_of.items():
        results[month], carry = _settle_month(settled, days, carry)
    wanted = set(all_days)
    return {
        **_play_exports(settled.buckets),
        **_revenue_exports([entry for entry in booked if entry.payment.landed_on in wanted], recognised, wanted),
        **_month_exports(results),
    }


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


def _settle_month(settled: SettledDays, days: Sequence[date], carry: Mapping[str, int]) -> tuple[MonthResult, dict[str, int]]:
    daily_plays: dict[tuple[str, int], Counter[date]] = defaultdict(Counter)
    plays_by_product: Counter[str] = Counter()
    for day in days:
        for play in (entry.play for entry in settled.buckets[day] if entry.bucket == "qualified" and entry.play):
            daily_plays[play.product_id, play.track_id][day] += 1
            plays_by_product[play.product_id] += 1
    month_end = days[-1]
    landing = settled.landing
    refuse_user_centric(landing, month_end)
    totals = total_month(days, plays_by_product, settled.recognised, carry)
    pools = make_pools(totals, read_products(landing, month_end), settled.reference.rate_card, days[0])
    rights = Rights(read_tracks(landing, month_end), read_shares(landing, month_end))
    lines, royalties = [], []
    for pool in pools:
        of_pool = make_lines(pool, daily_plays, rights)
        lines += of_pool
        royalties += make_royalties(pool, of_pool)
    return MonthResult(pools, lines, royalties), totals.carry_out()


def _play_exports(buckets: Mapping[date, list[Bucketed]]) -> Exports:
    rows: Counter[tuple[str, str | None, str]] = Counter()
    totals: Counter[tuple[str, str]] = Counter()
    for day, entries in buckets.items():
        for entry in entries:
            rows[str(day), entry.play.play_id if entry.play else None, entry.bucket] += 1
            totals[str(day), entry.bucket] += 1
    return {
        "play_bucket": table("play_bucket", [(*key, count) for key, count in rows.items()]),
        "usage_buckets": table("usage_buckets", [(*key, count) for key, count in totals.items()]),
    }


def _revenue_exports(booked: Sequence[Booked], recognised: Recognised, wanted: set[date]) -> Exports:
    rows: Counter[tuple[str, str, str]] = Counter()
    bases: Counter[tuple[str, str, str]] = Counter()
    for entry in booked:
        key = str(entry.payment.landed_on), entry.payment.payment_id, entry.bucket
        rows[key] += 1
        bases[key] += entry.base_uwon
    daily: list[tuple[Value, ...]] = [
        (str(day), product_id, revenue.recognised, revenue.refunded, len(revenue.paying()))
        for (day, product_id), revenue in recognised.items()
        if day in wanted
    ]
    return {
        "payment_bucket": table("payment_bucket", [(*key, count, bases[key]) for key, count in rows.items()]),
        "revenue_daily": table("revenue_daily", daily),
    }


def _month_exports(results: Mapping[str, MonthResult]) -> Exports:
    rows: dict[str, list[tuple[Value, ...]]] = {"pool": [], "settlement_line": [], "statement_royalty": []}
    for month, result in results.items():
        rows["pool"] += [(month, VERSION, *_pool_row(pool)) for pool in result.pools]
        rows["settlement_line"] += [(month, VERSION, *_line_row(line)) for line in result.lines]
        rows["statement_royalty"] += [
            (month, VERSION, royalty.partner_id, royalty.product_id, royalty.right_type, royalty.uwon, royalty.krw)
            for royalty in result.royalties
        ]
    return {name: table(name, of_table) for name, of_table in rows.items()}


def _pool_row(pool: Pool) -> tuple[Value, ...]:
    totals = pool.qualified_plays, pool.subscribers, pool.revenue, pool.carry
    legs = pool.unit_leg, pool.sub_leg, pool.rev_leg
    return (pool.product_id, pool.right_type, *totals, *legs, pool.winner, pool.pool_uwon, pool.pool_krw)


def _line_row(line: Line) -> tuple[Value, ...]:
    key = line.product_id, line.track_id, line.right_type, line.partner_id, line.kind
    return (*key, line.plays, line.weight, line.amount_uwon, line.amount_uwon)
