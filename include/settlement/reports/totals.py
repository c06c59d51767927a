"""The month's partners and pools, read once and proven before a byte is written: lines = royalty = pool, exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import groupby
from typing import Any

import duckdb

from settlement.errors import SettlementError
from settlement.reports.balances import HINT, Balances, load_balances
from settlement.reports.labels import RIGHT_TYPES, SUSPENSE, position
from settlement.reports.model import SUSPENSE_ID, Month, Partner, Pool, ReportContext, Royalty
from settlement.reports.money import UWON, won6

_FOREIGN = """
SELECT DISTINCT month, version FROM (
    SELECT month, version FROM mart.pool UNION ALL SELECT month, version FROM mart.statement_royalty
    UNION ALL SELECT month, version FROM mart.statement UNION ALL SELECT month, version FROM mart.advance_recoup
    UNION ALL SELECT month, version FROM mart.suspense_age
) AS published
"""
_ROYALTIES = """
WITH lines AS (
    SELECT partner_id, product_id, right_type, count(*) AS line_count, sum(plays) AS plays,
        sum(amount_uwon) AS uwon, sum(pro_rata_uwon) AS shadow_uwon,
        count(*) - count(amount_uwon) + count(*) - count(pro_rata_uwon) AS unknown_amounts
    FROM mart.settlement_line
    GROUP BY ALL
)
SELECT coalesce(l.partner_id, s.partner_id) AS partner_id, coalesce(l.product_id, s.product_id) AS product_id,
    coalesce(l.right_type, s.right_type) AS right_type, coalesce(p.name, '') AS product,
    l.line_count, l.plays, l.uwon, l.shadow_uwon, l.unknown_amounts, s.royalty_uwon, s.royalty_krw
FROM lines AS l
FULL JOIN mart.statement_royalty AS s USING (partner_id, product_id, right_type)
LEFT JOIN ods.product AS p ON p.product_id = coalesce(l.product_id, s.product_id)
ORDER BY 1, 2, 3
"""
_PARTNERS = "SELECT partner_id, name, kind, dpid, report_formats FROM ods.partner"
_POOLS = """
SELECT o.product_id, coalesce(p.name, ''), o.right_type, o.service, o.cohort, o.qualified_plays, o.subscribers,
    o.revenue_uwon, o.carry_uwon, o.unit_leg_uwon, o.sub_leg_uwon, o.rev_leg_uwon, o.winner, o.pool_krw,
    o.rate_cohort, o.rate_valid_from, o.unit_price_uwon, o.per_subscriber_krw, o.revenue_rate_ppm, o.rate_source
FROM mart.pool AS o
LEFT JOIN ods.product AS p USING (product_id)
ORDER BY o.product_id
"""
_POOL_OPTIONAL = {
    "unit_leg_uwon", "sub_leg_uwon", "rev_leg_uwon", "unit_price_uwon", "per_subscriber_krw", "revenue_rate_ppm",
}  # fmt: skip
_POOL_INTEGERS = {"qualified_plays", "subscribers", "revenue_uwon", "carry_uwon", "pool_krw"} | _POOL_OPTIONAL


def load_month(con: duckdb.DuckDBPyConnection, context: ReportContext) -> Month:
    """The month's partners (suspense and everyone with a statement), pools and ages of suspense.

    Raises:
        SettlementError: the views show another month or version, a line has no amount, Σ lines is not the royalty,
            a pool doesn't add up in lines, shadow or won, a statement doesn't hold (see `load_balances`), or the
            catalogue lacks a partner that has one.
    """
    _check_month(con, context)
    rows = con.execute(_ROYALTIES).fetchall()
    pools = [_pool(row) for row in con.execute(_POOLS).fetchall()]
    for row in rows:
        _check_statement(row)
    _check_pools(rows, pools)
    pools.sort(key=lambda pool: (pool.product_id, position(RIGHT_TYPES, pool.right_type)))
    royalties = _royalties(rows)
    balances = load_balances(con, context, royalties)
    return Month(tuple(_partners(con, royalties, balances, context)), tuple(pools), balances.ages)


def _check_month(con: duckdb.DuckDBPyConnection, context: ReportContext) -> None:
    for month, version in con.execute(_FOREIGN).fetchall():
        if (month, version) != (context.month, context.version):
            wanted = f"{context.month} version {context.version}"
            raise SettlementError(f"reports of {wanted} were given rows of {month} version {version}", HINT)


def _check_statement(row: tuple[Any, ...]) -> None:
    partner, product, right = row[:3]
    where = f"partner {partner}, product {product}, {right}"
    uwon, unknown, royalty_uwon, royalty_krw = row[6], row[8], row[9], row[10]
    if uwon is None or royalty_uwon is None or royalty_krw is None:
        raise SettlementError(f"{where}: lines without a statement, or a statement without lines", HINT)
    if unknown:
        raise SettlementError(f"{where}: {unknown} amounts are missing (NULL)", HINT)
    if uwon != royalty_uwon:
        said = won6(int(royalty_uwon))
        raise SettlementError(f"{where}: lines add up to {won6(int(uwon))} won, the statement says {said}", HINT)
    if abs(royalty_krw * UWON - int(uwon)) >= UWON:
        raise SettlementError(f"{where}: {royalty_krw} won is not {won6(int(uwon))} won rounded to a neighbour", HINT)


def _check_pools(rows: Iterable[tuple[Any, ...]], pools: Iterable[Pool]) -> None:
    """Σ amount = Σ shadow = pool_krw × 10^6 and Σ won = pool_krw, per product and right type."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        total = sums[row[1], row[2]]
        total[0] += int(row[6])
        total[1] += int(row[7])
        total[2] += int(row[10]) * UWON
    expected = {(p.product_id, p.right_type): p.pool_krw * UWON for p in pools}
    for key in sorted(sums.keys() | expected.keys()):
        for what, found in zip(("lines", "pro-rata shadow", "statements"), sums.get(key, [0, 0, 0]), strict=True):
            pool = expected.get(key, 0)
            if found != pool:
                where = f"product {key[0]}, {key[1]}"
                raise SettlementError(f"{where}: {what} add up to {won6(found)} won, the pool is {won6(pool)}", HINT)


def _royalties(rows: list[tuple[Any, ...]]) -> dict[int, tuple[Royalty, ...]]:
    """Royalties per partner, in order of right type and product."""
    return {
        partner_id: tuple(sorted(map(_royalty, group), key=lambda r: (position(RIGHT_TYPES, r.right_type), r.product_id)))
        for partner_id, group in groupby(rows, key=lambda row: int(row[0]))
    }


def _partners(
    con: duckdb.DuckDBPyConnection, royalties: Mapping[int, tuple[Royalty, ...]], balances: Balances, context: ReportContext
) -> Iterator[Partner]:
    catalogue = {int(row[0]): row[1:] for row in con.execute(_PARTNERS).fetchall()}
    catalogue[SUSPENSE_ID] = (SUSPENSE.ko, "", "", "csv|xlsx")
    for partner_id in sorted(balances.statements):
        if partner_id not in catalogue:
            snapshot = f"the catalogue snapshot of {context.last_day}"
            raise SettlementError(f"partner {partner_id} has a statement for {context.month}, but {snapshot} lacks it", HINT)
        name, kind, dpid, formats = catalogue[partner_id]
        yield Partner(
            partner_id,
            name,
            kind,
            dpid,
            tuple(sorted(set(formats.split("|")) - {""})),
            royalties.get(partner_id, ()),
            balances.statements[partner_id],
            balances.adjustments.get(partner_id, ()),
            balances.recoupments.get(partner_id, ()),
        )


def _royalty(row: tuple[Any, ...]) -> Royalty:
    return Royalty(row[1], row[3], row[2], int(row[4]), int(row[5]), int(row[9]), int(row[10]))


def _pool(row: tuple[Any, ...]) -> Pool:
    pool = dict(zip((field.name for field in fields(Pool)), row, strict=True))
    for name in _POOL_INTEGERS:
        if pool[name] is not None:
            pool[name] = int(pool[name])
        elif name not in _POOL_OPTIONAL:
            raise SettlementError(f"product {row[0]}, {row[2]}: {name} of the pool is missing (NULL)", HINT)
    return Pool(**pool)
