"""The rows of the statements: a partner's lines as its sheets show them, and its tracks with the highest royalty."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import duckdb

_BATCH_ROWS = 16_384


class Line(NamedTuple):
    """A detail row: a settlement line, or an album's lines where the tracks of a right type outgrow a sheet."""

    partner_id: int
    right_type: str
    product_id: str
    product: str
    album: str
    label: str
    upc: str
    track_id: str
    isrc: str
    title: str
    artist: str
    kind: str
    tracks: int
    plays: int
    uwon: int


class TopTrack(NamedTuple):
    """One of a partner's tracks with the highest royalty, over all products and right types."""

    partner_id: int
    title: str
    artist: str
    plays: int
    uwon: int


# `part` 0 keeps lines (or albums), 1 is what stands behind the largest albums. Largest amounts first: the first
# thing a partner looks for; ids break ties.
_LINES = """
WITH wanted AS (
    SELECT unnest(CAST($wanted AS BIGINT[])) AS partner_id
),
line AS (
    SELECT l.*, coalesce(t.album_id, 0) AS album_id
    FROM mart.settlement_line AS l SEMI JOIN wanted USING (partner_id) LEFT JOIN ods.track AS t USING (track_id)
),
large AS (
    SELECT partner_id, right_type FROM line GROUP BY ALL HAVING count(*) > $max_lines
),
album_line AS (
    SELECT partner_id, right_type, product_id, album_id, kind, count(DISTINCT track_id) AS tracks,
        sum(plays) AS plays, sum(amount_uwon) AS uwon
    FROM line SEMI JOIN large USING (partner_id, right_type) GROUP BY ALL
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY partner_id, right_type ORDER BY uwon DESC, product_id, album_id, kind)
        > $max_lines AS is_rest
    FROM album_line
),
detail AS (
    SELECT 0 AS part, partner_id, right_type, product_id, album_id, track_id, kind, 1 AS tracks, plays,
        amount_uwon AS uwon
    FROM line ANTI JOIN large USING (partner_id, right_type)
    UNION ALL
    SELECT 0, partner_id, right_type, product_id, album_id, NULL, kind, tracks, plays, uwon
    FROM ranked WHERE NOT is_rest
    UNION ALL
    SELECT 1, partner_id, right_type, product_id, NULL, NULL, kind, sum(tracks), sum(plays), sum(uwon)
    FROM ranked WHERE is_rest GROUP BY ALL
)
SELECT d.partner_id, d.right_type, d.product_id, coalesce(p.name, '') AS product,
    CASE WHEN d.part = 1 THEN '그 외 앨범' ELSE coalesce(a.title, '') END AS album, coalesce(a.label, '') AS label,
    coalesce(a.upc, '') AS upc, coalesce(CAST(nullif(d.track_id, 0) AS VARCHAR), '') AS track_id,
    coalesce(t.isrc, '') AS isrc, coalesce(t.title, '') AS title,
    coalesce(t.artist, CASE WHEN d.track_id IS NULL THEN a.artist END, '') AS artist,
    d.kind, CAST(d.tracks AS BIGINT) AS tracks, CAST(d.plays AS DECIMAL(38, 0)) AS plays,
    CAST(d.uwon AS DECIMAL(38, 0)) AS uwon
FROM detail AS d
LEFT JOIN ods.product AS p USING (product_id)
LEFT JOIN ods.album AS a USING (album_id)
LEFT JOIN ods.track AS t USING (track_id)
ORDER BY d.partner_id, list_position(['producer', 'author', 'performer'], d.right_type) NULLS LAST, d.right_type,
    d.product_id, d.part, d.uwon DESC, d.album_id, d.track_id, d.kind
"""
_TOP = """
WITH wanted AS (
    SELECT unnest(CAST($wanted AS BIGINT[])) AS partner_id
),
track_line AS (
    SELECT partner_id, track_id, sum(plays) AS plays, sum(amount_uwon) AS uwon
    FROM mart.settlement_line SEMI JOIN wanted USING (partner_id)
    WHERE track_id <> 0 GROUP BY partner_id, track_id
    QUALIFY row_number() OVER (PARTITION BY partner_id ORDER BY uwon DESC, track_id) <= $top
)
SELECT l.partner_id, coalesce(t.title, '#' || l.track_id), coalesce(t.artist, ''), l.plays, l.uwon
FROM track_line AS l LEFT JOIN ods.track AS t USING (track_id)
ORDER BY l.partner_id, l.uwon DESC, l.track_id
"""


def read_top_tracks(con: duckdb.DuckDBPyConnection, wanted: list[int], top: int) -> dict[int, list[TopTrack]]:
    """Up to `top` tracks of each of the `wanted` partners, highest royalty first."""
    rows = con.execute(_TOP, {"wanted": wanted, "top": top}).fetchall()
    tracks = (TopTrack(int(p), title, artist, int(plays), int(uwon)) for p, title, artist, plays, uwon in rows)
    return {partner_id: list(group) for partner_id, group in groupby(tracks, key=lambda track: track.partner_id)}


def read_lines(con: duckdb.DuckDBPyConnection, wanted: list[int], max_lines: int) -> Iterator[Line]:
    """Detail rows of the `wanted` partners, by partner, right type, product; in bounded memory.

    A right type with more than `max_lines` lines yields its `max_lines` largest albums, and a row per product for
    the rest.
    """
    for batch in con.sql(_LINES, params={"wanted": wanted, "max_lines": max_lines}).to_arrow_reader(_BATCH_ROWS):
        for *texts, tracks, plays, uwon in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield Line._make((*texts, tracks, int(plays), int(uwon)))
