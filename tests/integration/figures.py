"""Figures of a month read from its exports, under the names that previews and approvers see."""

from __future__ import annotations

import csv
import io

from tests.integration.bad import reference_rows, with_fields
from tests.integration.house import House, Tree

Royalties = dict[tuple[str, str, str], int]
FIGURES = {
    "royalties": "royalty_krw",
    "adjustments": "adjustment_krw",
    "recouped from advances": "recouped_krw",
    "carried in": "carried_in_krw",
    "payable": "payable_krw",
    "carried out": "carried_out_krw",
    "VAT": "vat_krw",
    "withheld": "withheld_krw",
    "paid": "paid_krw",
}


def change_rates(house: House) -> None:
    """Another unit price for the subscription, another share of advertising."""
    other = {"sub_stream": {"unit_price_uwon": "999999999"}, "ad_stream": {"revenue_rate_ppm": "300000"}, "download": {}}
    house.write_reference("rate_card", [with_fields("rate_card", r, other[r[0]]) for r in reference_rows("rate_card")])


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def royalties(exports: Tree) -> Royalties:
    """Whole won of an export, but for the zeros."""
    rows = rows_of(exports["statement_royalty"])
    return {(r["partner_id"], r["product_id"], r["right_type"]): int(r["royalty_krw"]) for r in rows if int(r["royalty_krw"])}


def changes(old: Royalties, new: Royalties) -> list[tuple[str, str, str, int, int, int]]:
    """The rows that a preview's CSV must have."""
    found = [(*key, old.get(key, 0), new.get(key, 0), new.get(key, 0) - old.get(key, 0)) for key in old.keys() | new.keys()]
    return sorted((row for row in found if row[5]), key=lambda row: (-abs(row[5]), int(row[0]), row[1], row[2]))


def totals(exports: Tree) -> dict[str, int]:
    """What the statements of an export add up to, by the names that a preview gives."""
    rows = rows_of(exports["statement"])
    found = {name: sum(int(row[column]) for row in rows) for name, column in FIGURES.items()}
    suspense = sum(int(row["royalty_krw"]) for row in rows if row["partner_id"] == "0")
    return {**found, "royalties of partners": found["royalties"] - suspense, "royalties in suspense": suspense}
