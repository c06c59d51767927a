"""Statements that don't hold are refused by name before a byte is written (rules §7, §8)."""

from __future__ import annotations

import pytest

from settlement.errors import SettlementError
from settlement.reports.model import Adjustment, Recoupment, SuspenseAge
from settlement.reports.render import render_month
from settlement.reports.totals import load_month
from tests.unit.reports.month import CONTEXT, settled_month


def test_partners_are_suspense_and_everyone_with_a_statement_lines_or_not(con):
    month = load_month(con, CONTEXT)
    assert [(p.partner_id, len(p.royalties), p.statement.paid_krw) for p in month.partners] == [
        (0, 3, 0), (1, 1, 935), (2, 1, 0), (3, 1, 97), (4, 0, 0),
    ]  # fmt: skip
    assert [p.statement.is_active for p in month.partners] == [True, True, True, False, True]
    assert month.ages == (
        SuspenseAge("2025-12", 0), SuspenseAge("2026-01", 40), SuspenseAge("2026-02", 81), SuspenseAge("2026-03", 102),
    )  # fmt: skip


@pytest.mark.parametrize("backwards", [False, True])
def test_adjustments_and_advances_come_in_their_order(backwards):
    with settled_month(backwards=backwards) as con:
        partner = load_month(con, CONTEXT).partners[1]
    name = '프리미엄, "무제한"'
    assert partner.adjustments == (
        Adjustment("2026-01", 1, 2, "p1", name, "producer", 200, "=재정산"),
        Adjustment("2026-01", 2, 3, "p1", name, "producer", -1, "@다시"),
    )
    assert partner.recoupments == (
        Recoupment("A-1", "2025-01-02", 200, 200, 200, 0),
        Recoupment("=B", "2025-02-03", 1000, 500, 100, 400),
    )


def test_an_open_advance_of_a_partner_without_a_statement_is_left_alone(con, out):
    assert not any(report.partner_id == 5 for report in render_month(con, CONTEXT, out))


STATEMENT = "UPDATE mart.statement SET {} WHERE partner_id = 1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (STATEMENT.format("royalty_krw = 902, net_krw = 1101, due_krw = 851, payable_krw = 851, paid_krw = 936"),
         "statement of partner 1: royalty is 902 won, Σ royalties is 901 won"),
        (STATEMENT.format("adjustment_krw = 198, net_krw = 1099, due_krw = 849, payable_krw = 849, paid_krw = 934"),
         "statement of partner 1: adjustment is 198 won, Σ adjustments is 199 won"),
        (STATEMENT.format("recouped_krw = 299, due_krw = 851, payable_krw = 851, paid_krw = 936"),
         "statement of partner 1: recouped is 299 won, Σ recoupments is 300 won"),
        (STATEMENT.format("net_krw = 1101"), "statement of partner 1: net is 1101 won"),
        (STATEMENT.format("due_krw = 849"), "statement of partner 1: due is 849 won"),
        (STATEMENT.format("carried_out_krw = 1"), "statement of partner 1: payable .* is 851 won, carried in .* is 850 won"),
        (STATEMENT.format("paid_krw = 936"), "statement of partner 1: paid is 936 won, payable .* is 935 won"),
        (STATEMENT.format("vat_krw = NULL"), "statement of partner 1: vat_krw is missing"),
        ("INSERT INTO mart.statement SELECT * FROM mart.statement WHERE partner_id = 3", "partner 3 has two statements"),
        ("DELETE FROM mart.statement WHERE partner_id = 3", "partner 3 has lines, adjustments or recoupments, but no statement"),
        ("DELETE FROM mart.statement WHERE partner_id = 0", "partner 0 has lines, .* but no statement"),
        ("UPDATE mart.advance_recoup SET recouped_krw = 1, open_after_krw = 69 WHERE partner_id = 5", "partner 5 .* no statement"),
        ("UPDATE mart.adjustment SET partner_id = 5 WHERE partner_id = 2", "partner 5 .* but no statement"),
        ("UPDATE mart.adjustment SET posted_month = '2026-04' WHERE partner_id = 2", "an adjustment posted into 2026-04"),
        ("UPDATE mart.adjustment SET delta_krw = NULL WHERE partner_id = 2", "adjustment of partner 2, .* is missing"),
        ("UPDATE mart.advance_recoup SET open_after_krw = 1 WHERE advance_id = 'A-1'", "advance A-1 of partner 1: 200 − 200 won"),
        ("UPDATE mart.suspense_age SET balance_krw = 41 WHERE origin_month = '2026-01'", "suspense is 224 won .* carries 223 won"),
        ("UPDATE mart.suspense_age SET balance_krw = NULL WHERE origin_month = '2026-01'", "suspense of 2026-01 is missing"),
        ("UPDATE mart.statement SET payable_krw = 223, carried_out_krw = 0, paid_krw = 223 WHERE partner_id = 0",
         "suspense is never paid"),
        ("UPDATE mart.statement SET version = 1", "given rows of 2026-03 version 1"),
        ("UPDATE mart.advance_recoup SET month = '2026-02'", "given rows of 2026-02 version 2"),
        ("UPDATE mart.suspense_age SET version = 1", "given rows of 2026-03 version 1"),
    ],
)  # fmt: skip
def test_unsound_statements_are_refused_by_name(con, out, change, message):
    con.execute(change)
    with pytest.raises(SettlementError, match=message):
        render_month(con, CONTEXT, out)
    assert list(out.iterdir()) == []


def test_a_month_without_suspense_is_refused(out):
    with settled_month(empty=True) as con:
        con.execute("DELETE FROM mart.statement")
        with pytest.raises(SettlementError, match=r"suspense .* has no statement"):
            render_month(con, CONTEXT, out)
