"""The amounts: profile Royalty Reporting 1.0.1, a summary per product and right type, a block per release in it.

Every line's amount is in LI01.01 with six decimals. SY07 has their sum as AllocatedRevenue and the statement's whole won
as AllocatedNetRevenue: the difference, less than one won, is the rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import duckdb

from settlement.errors import SettlementError
from settlement.reports.dsr.records import (
    CURRENCY,
    TERRITORY,
    model,
    named,
    party,
    percentage,
    release_row,
    resource_row,
    service_name,
    won,
)
from settlement.reports.dsr.rows import Pool, Track, load_pools, pool_of, releases, royalty_tracks
from settlement.reports.dsr.writer import Row
from settlement.reports.model import Partner, Royalty
from settlement.reports.money import won6

_RECORD: Final = "AS02.01"
_NO_RELEASE: Final = "0"
"""DspReleaseId of a track whose album nobody knows; the cell is mandatory, and ids are above 0."""
RIGHTS: Final = {
    "producer": "MakeAvailableRight",
    "performer": "MakeAvailableRight",
    "author": "MakeAvailableRight",
}
"""Right type → the right exercised. All three are Korea's right of transmission (전송), which DDEX calls making available."""


class RoyaltyReport:
    """Summaries first, then blocks; `check` when all blocks were taken."""

    key = "royalty"

    def __init__(self, con: duckdb.DuckDBPyConnection, partner: Partner) -> None:
        self._con = con
        self._partner = partner
        self._royalties = sorted(partner.royalties, key=lambda r: (r.product_id, r.right_type))
        pools = load_pools(con)
        self._pools = {r.product_id: pool_of(pools, partner, r.product_id, r.right_type) for r in self._royalties}
        self._controller = {
            "RightsController": named(partner.name, f"#{partner.partner_id}"),
            "RightsControllerPartyId": f"DPID::{party(partner)}" if party(partner) else "",
        }
        self._lines: Counter[tuple[str, str]] = Counter()
        self._plays: Counter[tuple[str, str]] = Counter()
        self._uwon: Counter[tuple[str, str]] = Counter()

    def summaries(self) -> list[Row]:
        """SY07 per product and right type."""
        return [self._summary(royalty, self._pools[royalty.product_id]) for royalty in self._royalties]

    def blocks(self) -> Iterator[Iterator[Row]]:
        """RE01, and per track its record, its use and its amount, per product, right type and release."""
        number = 0
        for tracks in releases(royalty_tracks(self._con, self._partner)):
            yield self._block(tracks, number)
            number += len(tracks)

    def check(self) -> None:
        """Compare what was written with the partner's royalties, product by product and right by right.

        Raises:
            SettlementError: lines, plays or amounts differ.
        """
        for royalty in self._royalties:
            key = royalty.product_id, royalty.right_type
            written = self._lines.pop(key, 0), self._plays.pop(key, 0), self._uwon.pop(key, 0)
            if written != (royalty.lines, royalty.plays, royalty.royalty_uwon):
                raise self._differs(key, written, (royalty.lines, royalty.plays, royalty.royalty_uwon))
        for key, lines in self._lines.items():
            raise self._differs(key, (lines, self._plays[key], self._uwon[key]), (0, 0, 0))

    def _differs(self, key: tuple[str, str], written: tuple[int, int, int], stated: tuple[int, int, int]) -> SettlementError:
        found, expected = (f"{lines} lines, {plays} plays, {won6(uwon)} won" for lines, plays, uwon in (written, stated))
        where = f"DSR royalties of partner {self._partner.partner_id}, product {key[0]}, {key[1]}"
        hint = "look for a track or album that stands twice in the catalogue snapshot"
        return SettlementError(f"{where}: {found} were written, the statement has {expected}", hint)

    def _summary(self, royalty: Royalty, pool: Pool) -> Row:
        commercial_model, use_type = model(royalty.product_id, pool.service)
        return "SY07", {
            "SummaryRecordId": _summary_id(royalty.product_id, royalty.right_type),
            "CommercialModel": commercial_model,
            "UseType": use_type,
            "Territory": TERRITORY,
            "RightsType": RIGHTS.get(royalty.right_type, "UserDefined"),
            "ServiceDescription": service_name(royalty.product_id),
            "Usages": royalty.plays,
            "Currency": CURRENCY,
            "NetRevenue": won(pool.revenue_uwon),
            **self._controller,
            "AllocatedRevenue": won(royalty.royalty_uwon),
            "AllocatedNetRevenue": royalty.royalty_krw,
        }

    def _block(self, tracks: list[Track], before: int) -> Iterator[Row]:
        if tracks[0].album_id is not None:
            yield release_row(tracks[0])
        for index, track in enumerate(tracks, start=1):
            key = track.product_id, track.right_type
            self._lines[key] += 1
            self._plays[key] += track.plays
            self._uwon[key] += track.uwon
            yield resource_row(_RECORD, index, track)
            yield _use(track, before + index)
            yield self._amount(track)

    def _amount(self, track: Track) -> Row:
        return "LI01.01", {
            "SummaryRecordId": _summary_id(track.product_id, track.right_type),
            **self._controller,
            "RightSharePercentage": percentage(track.weight, track.plays),
            "RightsType": RIGHTS.get(track.right_type, "UserDefined"),
            "AllocatedNetRevenue": won(track.uwon),
            "AllocatedAmount": won(track.uwon),
        }


def _use(track: Track, transaction: int) -> Row:
    return "SU03.01", {
        "SalesTransactionId": transaction,
        "SummaryRecordId": _summary_id(track.product_id, track.right_type),
        "DspReleaseId": _NO_RELEASE if track.album_id is None else track.album_id,
        "Usages": track.plays,
        "NetRevenue": won(track.uwon),
    }


def _summary_id(product_id: str, right_type: str) -> str:
    return f"{product_id}:{right_type}"
