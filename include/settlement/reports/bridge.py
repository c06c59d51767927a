"""The bridge from royalty to payment (rules §7), in the order in which it is computed; every document shows these rows."""

from __future__ import annotations

from typing import NamedTuple

from settlement.reports.labels import Label
from settlement.reports.model import Partner


class Row(NamedTuple):
    """A figure of the statement in whole won.

    `sign` is what the figure does to the next result: `+`, `−`, `=` for a result, and nothing for what a result is
    split into. A figure that is taken off is stated as it is stored, without a minus.
    """

    name: str
    label: Label
    sign: str
    krw: int

    @property
    def is_result(self) -> bool:
        """Whether the rows above add up to it."""
        return self.sign == "="


def bridge(partner: Partner) -> tuple[Row, ...]:
    """The partner's eleven figures; the last is what is paid."""
    s = partner.statement
    return (
        Row("royalty", Label("정산액", "Royalty"), "+", s.royalty_krw),
        Row("adjustment", Label("조정", "Adjustment"), "+", s.adjustment_krw),
        Row("net", Label("순액", "Net"), "=", s.net_krw),
        Row("recouped", Label("선급금 차감", "Recouped"), "−", s.recouped_krw),
        Row("carried_in", Label("전월 이월", "Carried in"), "+", s.carried_in_krw),
        Row("due", Label("지급 대상", "Due"), "=", s.due_krw),
        Row("carried_out", Label("차월 이월", "Carried out"), "−", s.carried_out_krw),
        Row("payable", Label("지급액", "Payable"), "=", s.payable_krw),
        Row("vat", Label("부가세(10%)", "VAT"), "+", s.vat_krw),
        Row("withheld", Label("원천징수(3.3%)", "Withheld"), "−", s.withheld_krw),
        Row("paid", Label("실지급액", "Paid"), "=", s.paid_krw),
    )


def reason(partner: Partner) -> str:
    """Why nothing or everything is paid, in Korean; empty where the figures speak for themselves."""
    s = partner.statement
    if partner.is_suspense:
        return "보류 잔액은 지급하지 않고 발생 월별로 이월합니다."
    if s.payable_krw:
        below = s.payable_krw < s.payout_threshold_krw
        return "거래가 끝난 권리자이므로 지급 기준액과 관계없이 모두 지급합니다." if below and not s.is_active else ""
    if s.due_krw > 0:
        return f"지급 대상이 지급 기준액 {s.payout_threshold_krw:,}원보다 적어 다음 달로 이월합니다."
    if s.due_krw < 0:
        return "지급 대상이 0원보다 적어 다음 달로 이월합니다."
    return "이번 달에 지급할 금액이 없습니다."
