"""A partner's lines of the month, streamed in the order of its reports, and the pools behind them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

import duckdb

from settlement.errors import SettlementError
from settlement.reports.balances import HINT
from settlement.reports.model import Partner

_BATCH_ROWS: Final = 16_384
MAX_TRACKS: Final = 2_000
"""Tracks in a block: a release that has more, as an album of unknown tracks may, takes several blocks."""


class Track(NamedTuple):
    """A track under a product as a report names it; texts are the catalogue's, empty where it has none.

    `right_type` is empty in usage reports. `album_id` is None for a track that the catalogue lacks, `duration_ms` too.
    """

    product_id: str
    right_type: str
    album_id: int | None
    track_id: int
    plays: int
    weight: int
    uwon: int
    isrc: str
    iswc: str
    title: str
    artist: str
    duration_ms: int | None
    upc: str
    album: str
    album_artist: str
    label: str


class Pool(NamedTuple):
    """What a summary says of a product and right type; `list_price_krw` is None where the catalogue lacks the product."""

    product_id: str
    right_type: str
    service: str
    subscribers: int
    revenue_uwon: int
    list_price_krw: int | None


_NAMED = """
SELECT l.product_id, l.right_type, t.album_id, l.track_id, l.plays, l.weight, l.uwon,
    coalesce(t.isrc, '') AS isrc, coalesce(t.iswc, '') AS iswc, coalesce(t.title, '') AS title,
    coalesce(t.artist, '') AS artist, t.duration_ms, coalesce(a.upc, '') AS upc, coalesce(a.title, '') AS album,
    coalesce(a.artist, '') AS album_artist, coalesce(a.label, '') AS label
FROM line AS l
LEFT JOIN ods.track AS t USING (track_id)
LEFT JOIN ods.album AS a USING (album_id)
ORDER BY l.product_id, l.right_type, t.album_id NULLS LAST, l.track_id
"""
_ROYALTIES = f"""
WITH line AS (
    SELECT product_id, right_type, track_id, plays, CAST(weight AS DECIMAL(38, 0)) AS weight,
        CAST(amount_uwon AS DECIMAL(38, 0)) AS uwon
    FROM mart.settlement_line WHERE partner_id = $partner
)
{_NAMED}"""
# A play counts once per right type; whoever holds several rights in a track is told its plays once.
_PLAYS = """
SELECT product_id, '' AS right_type, track_id, max(plays) AS plays, CAST(0 AS DECIMAL(38, 0)) AS weight,
    CAST(0 AS DECIMAL(38, 0)) AS uwon
FROM mart.settlement_line WHERE partner_id = $partner GROUP BY product_id, track_id
"""
_USAGE = f"WITH line AS ({_PLAYS}) {_NAMED}"
_USED = f"SELECT product_id, CAST(sum(plays) AS BIGINT) FROM ({_PLAYS}) AS used GROUP BY product_id ORDER BY product_id"
_POOLS = """
SELECT o.product_id, o.right_type, o.service, o.subscribers, CAST(o.revenue_uwon AS DECIMAL(38, 0)), p.list_price_krw
FROM mart.pool AS o LEFT JOIN ods.product AS p USING (product_id)
"""


def royalty_tracks(con: duckdb.DuckDBPyConnection, partner: Partner) -> Iterator[Track]:
    """The partner's lines, by product, right type, album and track."""
    return _stream(con, _ROYALTIES, partner)


def used_tracks(con: duckdb.DuckDBPyConnection, partner: Partner) -> Iterator[Track]:
    """The partner's tracks with their plays, by product, album and track; `weight` and `uwon` are 0."""
    return _stream(con, _USAGE, partner)


def plays_by_product(con: duckdb.DuckDBPyConnection, partner: Partner) -> dict[str, int]:
    """Plays of the partner's tracks per product, as a usage report counts them, by product."""
    return dict(con.execute(_USED, {"partner": partner.partner_id}).fetchall())


def load_pools(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Pool]:
    """The month's pools by product and right type."""
    rows = [Pool._make((*row[:4], int(row[4]), row[5])) for row in con.execute(_POOLS).fetchall()]
    return {(pool.product_id, pool.right_type): pool for pool in rows}


def pool_of(pools: dict[tuple[str, str], Pool], partner: Partner, product_id: str, right_type: str) -> Pool:
    """The pool that a partner's lines were paid from.

    Raises:
        SettlementError: there is none.
    """
    pool = pools.get((product_id, right_type))
    if pool is None:
        raise SettlementError(f"partner {partner.partner_id} has lines of {product_id}, {right_type}, which has no pool", HINT)
    return pool


def releases(tracks: Iterator[Track]) -> Iterator[list[Track]]:
    """Runs of tracks of one product, right type and album, at most MAX_TRACKS at a time."""
    for _, run in groupby(tracks, key=lambda track: (track.product_id, track.right_type, track.album_id)):
        part: list[Track] = []
        for track in run:
            if len(part) == MAX_TRACKS:
                yield part
                part = []
            part.append(track)
        yield part


def _stream(con: duckdb.DuckDBPyConnection, query: str, partner: Partner) -> Iterator[Track]:
    """One ordered pass: the engine sorts, and spills if it must; a batch of rows is in memory at a time."""
    for batch in con.sql(query, params={"partner": partner.partner_id}).to_arrow_reader(_BATCH_ROWS):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield Track._make((*row[:5], int(row[5]), int(row[6]), *row[7:]))
