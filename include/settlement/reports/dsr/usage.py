"""The usage report: profile Basic Audio 1.2, a summary per product, a block per product and release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import duckdb

from settlement.errors import SettlementError
from settlement.reports.dsr.records import (
    CURRENCY,
    DOWNLOADS,
    TERRITORY,
    model,
    release_row,
    resource,
    resource_row,
    service_name,
    won,
)
from settlement.reports.dsr.rows import Pool, Track, load_pools, plays_by_product, pool_of, releases, used_tracks
from settlement.reports.dsr.writer import Row
from settlement.reports.model import Partner
from settlement.reports.money import UWON

_RECORD: Final = "AS02.02"


class UsageReport:
    """Summaries first, then blocks; `check` when all blocks were taken."""

    key = "usage"

    def __init__(self, con: duckdb.DuckDBPyConnection, partner: Partner) -> None:
        self._con = con
        self._partner = partner
        self._expected = plays_by_product(con, partner)
        self._found: Counter[str] = Counter()
        pools = load_pools(con)
        right_types = {r.product_id: r.right_type for r in partner.royalties}  # R and S are the product's, whatever the right
        self._pools = {product: pool_of(pools, partner, product, right_types.get(product, "")) for product in self._expected}

    def summaries(self) -> list[Row]:
        """SY01.01 per product."""
        return [_summary(self._pools[product], plays) for product, plays in self._expected.items()]

    def blocks(self) -> Iterator[Iterator[Row]]:
        """RE01, the tracks, and how often each was used, per product and release."""
        number = 0
        for tracks in releases(used_tracks(self._con, self._partner)):
            pool = self._pools[tracks[0].product_id]
            yield self._block(tracks, pool, number)
            number += len(tracks)

    def check(self) -> None:
        """Compare the plays written with the plays of the lines.

        Raises:
            SettlementError: they differ.
        """
        if self._found != Counter(self._expected):
            raise SettlementError(
                f"DSR usage of partner {self._partner.partner_id}: {sum(self._found.values())} plays were written, "
                f"its lines have {sum(self._expected.values())}",
                "look for a track or album that stands twice in the catalogue snapshot",
            )

    def _block(self, tracks: list[Track], pool: Pool, before: int) -> Iterator[Row]:
        if tracks[0].album_id is not None:
            yield release_row(tracks[0])
        for index, track in enumerate(tracks, start=1):
            yield resource_row(_RECORD, index, track)
        for index, track in enumerate(tracks, start=1):
            self._found[track.product_id] += track.plays
            yield _usage(pool, track, resource(index), before + index)


def _summary(pool: Pool, plays: int) -> Row:
    commercial_model, use_type = model(pool.product_id, pool.service)
    return "SY01.01", {
        "SummaryRecordId": pool.product_id,
        "CommercialModel": commercial_model,
        "UseType": use_type,
        "Territory": TERRITORY,
        "ServiceDescription": service_name(pool.product_id),
        "Usages": plays,
        "Subscribers": pool.subscribers if commercial_model == "SubscriptionModel" else None,
        "CurrencyOfReporting": CURRENCY,
        "NetRevenue": won(pool.revenue_uwon),
    }


def _usage(pool: Pool, track: Track, reference: str, transaction: int) -> Row:
    cells: Mapping[str, object] = {
        "SummaryRecordId": pool.product_id,
        "SalesTransactionId": transaction,
        "TransactedResource": reference,
        "IsRoyaltyBearing": True,
    }
    if model(pool.product_id, pool.service) != DOWNLOADS:
        return "SU02", {**cells, "NumberOfStreams": track.plays}
    price = None if pool.list_price_krw is None else won(pool.list_price_krw * UWON * 10 // 11)
    sale = {"SalesUpgrade": False, "Usages": track.plays, "Returns": 0, "PriceConsumerPaidExcSalesTax": price}
    return "SU01", {**cells, **sale}
