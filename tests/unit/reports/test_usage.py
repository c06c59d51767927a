"""usage.csv of the hostile month."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from settlement.reports import usage
from settlement.reports.guard import unguarded
from settlement.reports.render import render_month
from settlement.reports.totals import load_month
from settlement.reports.usage import write_usages
from tests.unit.reports.month import CONTEXT, HEADER, POOLS, SCRIPT, contents, usage_rows


def test_usage_csv_has_guarded_text_and_a_rounding_row_to_the_byte(rendered):
    product = '2026-03,p1,"프리미엄, ""무제한""",producer'
    assert (rendered / "partner=1/usage.csv").read_bytes().decode("utf-8") == (
        "\ufeff" + HEADER
        + f"{product},royalty,,,,,3,,,,20,200.000000\r\n"
        + f'{product},royalty,1,0012345678905,{SCRIPT},"\'+라벨, (주)",1,KRA401100001,\'=1+1,a|b\tc,40,400.123456\r\n'
        + f'{product},royalty,2,,,,2,,"He said ""hi"",\r\nbye",별빛🌙,30,300.500000\r\n'
        + f"{product},won_rounding,,,,,,,,,0,0.376544\r\n"
    )  # fmt: skip


def test_usage_csv_of_suspense_says_the_kind_of_each_line(rendered):
    rows = usage_rows(rendered / "partner=0/usage.csv")
    assert [(r["product_id"], r["right_type"], r["kind"], r["track_id"], r["amount_won"]) for r in rows] == [
        ("'-p2", "producer", "no_plays", "0", "3.000000"),
        ("'-p2", "producer", "won_rounding", "", "0.000000"),
        ("p1", "author", "rounding", "0", "0.000001"),
        ("p1", "author", "won_rounding", "", "-0.000001"),
        ("p1", "producer", "rounding", "0", "0.000001"),
        ("p1", "producer", "unmatched", "3", "99.376543"),
        ("p1", "producer", "won_rounding", "", "-0.376544"),
    ]


def test_usage_csv_sums_to_each_statement_and_to_each_pool(con, out):
    con.execute("UPDATE ods.partner SET report_formats = 'csv'")
    reports = render_month(con, CONTEXT, out)
    pools: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for report in reports:
        rows = usage_rows(out / f"partner={report.partner_id}/usage.csv")
        assert sum(Decimal(r["amount_won"]) for r in rows) == report.royalty_krw
        for row in rows:
            pools[unguarded(row["product_id"]), row["right_type"]] += Decimal(row["amount_won"])
    assert pools == {(product, right): krw for product, right, _, krw in POOLS}


def test_usage_csv_is_the_same_whatever_the_batches(con, tmp_path, monkeypatch):
    render_month(con, CONTEXT, tmp_path / "a")
    monkeypatch.setattr(usage, "_BATCH_ROWS", 1)
    render_month(con, CONTEXT, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_no_cell_of_a_usage_csv_starts_a_formula_and_every_text_comes_back(con, out):
    hostile = [
        "=1+1",
        "+82 10",
        "-1",
        "@cmd",
        "\t=1",
        "\rx",
        "\nx",
        " =1",
        "\u3000＝1",
        "＋1",
        "'quoted",
        "''",
        "'=1",
        '"=1"',
        "a,=1\r\n=2",
    ]
    for number, text in enumerate(hostile):
        con.execute("UPDATE ods.track SET isrc = $t, title = $t, artist = $t WHERE track_id = 1", {"t": text})
        con.execute("UPDATE ods.album SET upc = $t, title = $t, label = $t", {"t": text})
        con.execute("UPDATE ods.product SET name = $t", {"t": text})
        partners = {partner.partner_id: partner for partner in load_month(con, CONTEXT).partners}
        write_usages(con, CONTEXT.month, partners, out / str(number))
        rows = usage_rows(out / str(number) / "partner=1/usage.csv")
        (row,) = [row for row in rows if row["track_id"] == "1"]
        texts = [row[column] for column in ("product", "upc", "album", "label", "isrc", "title", "artist")]
        assert [unguarded(cell) for cell in texts] == [text] * 7
        assert not any(cell.lstrip(" \u3000")[:1] in tuple("=+-@＝＋－＠\t\r\n") for cell in texts if cell.strip())
        assert sum(Decimal(r["amount_won"]) for r in rows) == 901
