"""What the page of the month shows, gathered: figures, groups and orders, but no markup."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import duckdb

from settlement.reports.chart import StackedChart, split_bar, stacked_chart
from settlement.reports.labels import BUCKETS, KINDS, RIGHT_TYPES, position
from settlement.reports.model import SUSPENSE_ID, Month, Partner, PartnerReport, Pool, SuspenseAge
from settlement.reports.sums import Sums, sums

MAX_PARTNERS = 500
"""Partners listed one by one; the page of a month with more names the largest and sums up the rest."""

_BUCKETS = "SELECT dt, bucket, CAST(rows AS BIGINT) FROM mart.usage_buckets"
_REVENUE = """
SELECT r.product_id, coalesce(any_value(p.name), ''), coalesce(any_value(p.service), ''),
    sum(r.recognised_uwon), sum(r.refunded_uwon)
FROM mart.revenue_daily AS r LEFT JOIN ods.product AS p USING (product_id)
GROUP BY r.product_id ORDER BY r.product_id
"""
_SUSPENSE = """
SELECT kind, right_type, count(*), sum(plays), sum(amount_uwon)
FROM mart.settlement_line WHERE partner_id = 0 GROUP BY ALL
"""


@dataclass(frozen=True)
class PoolGroup:
    """The pools of one product, which share its plays, subscribers and revenue."""

    head: Pool
    pools: tuple[Pool, ...]


@dataclass(frozen=True)
class SuspenseKind:
    """What suspense holds of one kind; amounts in uwon by right type."""

    kind: str
    lines: int
    plays: int
    amounts: dict[str, int]

    @property
    def uwon(self) -> int:
        """Σ over right types."""
        return sum(self.amounts.values())


@dataclass(frozen=True)
class Revenue:
    """A product's month: recognised net and refunded in uwon, subscribers and pools where it has any."""

    product_id: str
    product: str
    service: str
    recognised_uwon: int
    refunded_uwon: int
    subscribers: int | None
    pool_krw: int | None


@dataclass(frozen=True)
class Listed:
    """A partner in the list, with its links (name, path relative to the page)."""

    partner: Partner
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MonthView:
    """The page's content; `partners` are all but suspense, `unlisted` those that the list leaves out."""

    pool_groups: tuple[PoolGroup, ...]
    right_types: tuple[tuple[str, int], ...]
    split: tuple[tuple[str, float, float], ...]
    pool_krw: int
    line_uwon: int
    listed: tuple[Listed, ...]
    unlisted: Sums
    partners: Sums
    everyone: Sums
    suspense: Listed
    suspense_kinds: tuple[SuspenseKind, ...]
    ages: tuple[SuspenseAge, ...]
    days: tuple[str, ...]
    buckets: tuple[str, ...]
    counts: dict[tuple[str, str], int]
    chart: StackedChart
    revenue: tuple[Revenue, ...]

    def bucket_total(self, bucket: str) -> int:
        """Rows of a bucket in the month."""
        return sum(self.counts.get((day, bucket), 0) for day in self.days)

    def day_total(self, day: str) -> int:
        """Rows of a day over all buckets."""
        return sum(self.counts.get((day, bucket), 0) for bucket in self.buckets)

    @property
    def plays(self) -> int:
        """Landed rows of the month."""
        return sum(self.bucket_total(bucket) for bucket in self.buckets)


def month_view(
    con: duckdb.DuckDBPyConnection,
    name: str,
    month: Month,
    reports: Sequence[PartnerReport],
) -> MonthView:
    """Gather the page's content; `name` is the month as `YYYY-MM`, `reports` are the partners' in the same order."""
    listed = [
        Listed(partner, tuple((path.rsplit("/", 1)[-1], path) for path in report.files))
        for partner, report in zip(month.partners, reports, strict=True)
    ]
    paid = [entry for entry in listed if entry.partner.partner_id != SUSPENSE_ID]
    paid.sort(key=lambda entry: (-entry.partner.royalty_krw, entry.partner.partner_id))
    by_right = _by_right_type(month.pools)
    days, buckets, counts = _plays(con, name)
    return MonthView(
        pool_groups=_pool_groups(month.pools),
        right_types=by_right,
        split=tuple(split_bar(by_right)),
        pool_krw=sum(pool.pool_krw for pool in month.pools),
        line_uwon=sum(p.royalty_uwon for p in month.partners),
        listed=tuple(paid[:MAX_PARTNERS]),
        unlisted=sums(entry.partner for entry in paid[MAX_PARTNERS:]),
        partners=sums(entry.partner for entry in paid),
        everyone=sums(month.partners),
        suspense=next(entry for entry in listed if entry.partner.partner_id == SUSPENSE_ID),
        suspense_kinds=_suspense(con),
        ages=month.ages,
        days=days,
        buckets=buckets,
        counts=counts,
        chart=stacked_chart(days, buckets, counts),
        revenue=_revenue(con, month.pools),
    )


def _pool_groups(pools: Sequence[Pool]) -> tuple[PoolGroup, ...]:
    shared = attrgetter("product_id", "qualified_plays", "subscribers", "revenue_uwon", "carry_uwon")
    groups = groupby(pools, key=shared)
    members = [tuple(group) for _, group in groups]
    return tuple(PoolGroup(group[0], group) for group in members)


def _by_right_type(pools: Sequence[Pool]) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = defaultdict(int)
    for pool in pools:
        sums[pool.right_type] += pool.pool_krw
    return tuple(sorted(sums.items(), key=lambda item: position(RIGHT_TYPES, item[0])))


def _plays(con: duckdb.DuckDBPyConnection, month: str) -> tuple[tuple[str, ...], tuple[str, ...], dict[tuple[str, str], int]]:
    """Every day of the calendar month, the buckets (known ones always), rows by (day, bucket)."""
    counts = {(str(day), bucket): int(rows) for day, bucket, rows in con.execute(_BUCKETS).fetchall()}
    year, number = map(int, month.split("-"))
    days = tuple(f"{month}-{day:02d}" for day in range(1, monthrange(year, number)[1] + 1))
    buckets = tuple(sorted(BUCKETS.keys() | {bucket for _, bucket in counts}, key=lambda b: position(BUCKETS, b)))
    return days, buckets, counts


def _suspense(con: duckdb.DuckDBPyConnection) -> tuple[SuspenseKind, ...]:
    rows = sorted(con.execute(_SUSPENSE).fetchall(), key=lambda row: position(KINDS, row[0]))
    kinds = []
    for kind, group in groupby(rows, key=lambda row: str(row[0])):
        members = list(group)
        amounts = {str(row[1]): int(row[4]) for row in members}
        kinds.append(SuspenseKind(kind, sum(row[2] for row in members), sum(int(row[3]) for row in members), amounts))
    return tuple(kinds)


def _revenue(con: duckdb.DuckDBPyConnection, pools: Sequence[Pool]) -> tuple[Revenue, ...]:
    subscribers = {pool.product_id: pool.subscribers for pool in pools}
    krw: dict[str, int] = defaultdict(int)
    for pool in pools:
        krw[pool.product_id] += pool.pool_krw
    return tuple(
        Revenue(product_id, name, service, int(net), int(refunded), subscribers.get(product_id), krw.get(product_id))
        for product_id, name, service, net, refunded in con.execute(_REVENUE).fetchall()
    )
