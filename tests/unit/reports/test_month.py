"""The month as a whole: its files, their proof, and tables that are refused."""

from __future__ import annotations

import hashlib
import json

import pytest

from settlement.errors import EngineError, SettlementError
from settlement.reports import money
from settlement.reports.manifest import control_hash
from settlement.reports.model import PartnerReport
from settlement.reports.render import render_month
from tests.unit.reports.month import CONTEXT, HEADER, LINK, SCRIPT, Page, cells, contents, settled_month

DSR = "DSR_PADPIDA1_PADPIDAUNASSIGNEDC_Streaming-{}_2026-03_KR_1of1_20260331T235959.tsv.gz"
FILES = {
    0: ("usage.csv", "statement.xlsx", "manifest.json"),
    1: ("usage.csv", "statement.xlsx", DSR.format("Usage"), DSR.format("Royalty"), "statement.pdf", "manifest.json"),
    2: ("statement.xlsx", "statement.pdf", "manifest.json"),
    3: ("manifest.json",),
    4: ("usage.csv", "statement.xlsx", "statement.pdf", "manifest.json"),
}
WORTHLESS_LINE = """
INSERT INTO mart.settlement_line VALUES ('2026-03', 2, 'p1', 2, 'author', 0, 'unmatched', 5, 1, 0, 0);
"""


def test_reports_tell_royalty_lines_and_files_as_the_formats_ask(con, out):
    paths = {partner: tuple(f"partner={partner}/{name}" for name in names) for partner, names in FILES.items()}
    assert render_month(con, CONTEXT, out) == [
        PartnerReport(0, "보류", 102, 4, paths[0]),
        PartnerReport(1, LINK, 901, 3, paths[1]),
        PartnerReport(2, SCRIPT, 50, 1, paths[2]),
        PartnerReport(3, "이름\x01뿐", 7, 1, paths[3]),
        PartnerReport(4, "라인 없음", 0, 0, paths[4]),
    ]
    assert sorted(contents(out)) == sorted(["index.html", *(path for files in paths.values() for path in files)])


def test_manifest_proves_every_file_and_holds_the_control_totals(rendered):
    text = (rendered / "partner=1/manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert text == json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    totals = {"lines": 3, "plays": 90, "royalty_krw": 901, "royalty_uwon": "900623456"}
    files, _ = manifest.pop("files"), manifest.pop("control_hash")
    assert manifest == {
        "month": "2026-03", "version": 2, "document_time": "2026-03-31T23:59:59+09:00", "inputs_hash": "bb" * 32,
        "rules_hash": "aa" * 32, "rows_hashes": dict(CONTEXT.rows_hashes),
        "partner": {"partner_id": 1, "name": LINK, "kind": "producer", "dpid": "PADPIDA1", "tax_kind": "vat_invoice"},
        "control_totals": {
            "all": totals,
            "by_product_and_right_type": [{"product_id": "p1", "right_type": "producer", **totals}],
            "statement": {
                "royalty_krw": 901, "adjustment_krw": 199, "net_krw": 1100, "recouped_krw": 300, "carried_in_krw": 50,
                "due_krw": 850, "payable_krw": 850, "carried_out_krw": 0, "vat_krw": 85, "withheld_krw": 0, "paid_krw": 935,
            },
            "adjustments": {"rows": 2, "delta_krw": 199},
            "recoupments": {"rows": 2, "recouped_krw": 300},
        },
    }  # fmt: skip
    assert set(files) == set(FILES[1]) - {"manifest.json"}
    assert [files[name]["rows"] for name in ("usage.csv", "statement.xlsx", "statement.pdf")] == [4, 3, 1]
    for name, file in files.items():
        data = (rendered / "partner=1" / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("partner", FILES)
def test_control_hash_can_be_computed_again_and_covers_all_but_the_document(rendered, partner):
    manifest = json.loads((rendered / f"partner={partner}/manifest.json").read_text(encoding="utf-8"))
    rest = {key: value for key, value in manifest.items() if key != "control_hash"}
    rest["files"] = {name: file for name, file in manifest["files"].items() if name != "statement.pdf"}
    text = json.dumps(rest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    assert manifest["control_hash"] == hashlib.sha256(text.encode()).hexdigest() == control_hash(manifest)
    for changed in ({"version": 3}, {"files": {}, "version": 2, "month": "x"}, {"control_totals": {}}):
        assert control_hash(manifest | changed) != manifest["control_hash"]


def test_rendering_again_gives_the_same_bytes_whatever_the_order_of_rows(con, tmp_path):
    render_month(con, CONTEXT, tmp_path / "a")
    render_month(settled_month(backwards=True), CONTEXT, tmp_path / "elsewhere" / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "elsewhere" / "b")


def test_a_month_without_anything_still_has_a_page_and_suspense(out):
    (report,) = render_month(settled_month(empty=True), CONTEXT, out)
    assert (report.partner_id, report.royalty_krw, report.lines) == (0, 0, 0)
    assert (out / "partner=0/usage.csv").read_bytes() == ("\ufeff" + HEADER).encode()
    assert list(cells(out / "partner=0/statement.xlsx")) == ["요약", "조정", "선급금"]
    assert Page((out / "index.html").read_text(encoding="utf-8")).open == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE mart.settlement_line SET amount_uwon = amount_uwon + 1 WHERE partner_id = 3",
         "partner 3, product p1, performer: lines add up to 7.000001 won, the statement says 7.000000"),
        ("UPDATE mart.settlement_line SET amount_uwon = NULL WHERE track_id = 2", "1 amounts are missing"),
        ("DELETE FROM mart.settlement_line WHERE partner_id = 2", "partner 2, product p1, author: lines without"),
        ("DELETE FROM mart.statement_royalty WHERE partner_id = 2", "partner 2, product p1, author: lines without"),
        ("UPDATE mart.statement_royalty SET royalty_krw = 902 WHERE partner_id = 1", "902 won is not 900.623456 won"),
        ("UPDATE mart.statement_royalty SET royalty_krw = 900 WHERE partner_id = 1",
         "product p1, producer: statements add up to 999.000000 won, the pool is 1000.000000"),
        ("UPDATE mart.settlement_line SET pro_rata_uwon = 0 WHERE track_id = 2", "producer: pro-rata shadow add up"),
        ("UPDATE mart.pool SET pool_krw = 4 WHERE product_id = '-p2'", "product -p2, producer: lines add up to 3.000000"),
        ("DELETE FROM mart.pool WHERE product_id = '-p2'", "product -p2, producer: lines add up to 3.000000 won"),
        ("UPDATE mart.pool SET qualified_plays = NULL", "qualified_plays of the pool is missing"),
        ("DELETE FROM ods.partner WHERE partner_id = 2", "partner 2 has a statement for 2026-03, but the catalogue snapshot"),
        ("UPDATE mart.pool SET version = 1", "given rows of 2026-03 version 1"),
        ("INSERT INTO ods.track SELECT * FROM ods.track WHERE track_id = 1", "partner 1: 5 rows of 1301.123456 won"),
        (WORTHLESS_LINE + "INSERT INTO ods.track SELECT * FROM ods.track WHERE track_id = 2",
         "partner 0: 9 rows of 102.000000 won"),
    ],
)  # fmt: skip
def test_unsound_tables_are_refused_by_name(con, out, change, message):
    con.execute(change)
    with pytest.raises(SettlementError, match=message.replace("(", r"\(")):
        render_month(con, CONTEXT, out)


def test_a_track_named_twice_is_refused_for_the_statement_too(con, out):
    con.execute("UPDATE ods.partner SET report_formats = 'xlsx' WHERE partner_id = 1")
    con.execute("INSERT INTO ods.track SELECT * FROM ods.track WHERE track_id = 2")
    with pytest.raises(SettlementError, match=r"statement\.xlsx of partner 1"):
        render_month(con, CONTEXT, out)


def test_a_staging_folder_in_use_a_file_in_its_place_and_a_missing_view_are_refused(con, tmp_path):
    (tmp_path / "left-over").touch()
    with pytest.raises(SettlementError, match="not empty"):
        render_month(con, CONTEXT, tmp_path)
    with pytest.raises(SettlementError, match=r"2026-03 version 2 can't be written"):
        render_month(con, CONTEXT, tmp_path / "left-over")
    con.execute("DROP TABLE mart.usage_buckets")
    with pytest.raises(EngineError, match="usage_buckets"):
        render_month(con, CONTEXT, tmp_path / "new")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (money.won6(-1), "-0.000001"),
        (money.won6(10**21 + 5, ","), "1,000,000,000,000,000.000005"),
        (money.whole_won(500_000), 1),
        (money.whole_won(-499_999), 0),
        (money.plain(105_000, 4), "10.5"),
        (money.plain(440_000, 4), "44"),
        (money.plain(1_234_000_001, 6), "1,234.000001"),
        (money.share(1, 3), "33.3"),
        (money.share(-1, 1000), "-0.1"),
        (money.share(1, 0), "–"),
    ],
)
def test_amounts_are_shown_exactly(shown, expected):
    assert shown == expected
