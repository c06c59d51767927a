"""statement.pdf: one page to sign and file, whatever the number of products; it carries the manifest's control hash."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from settlement.reports.bridge import bridge, reason
from settlement.reports.items import ACCENT, FAINT, HAIR, INK, RULE, Box, Item, Line, Point, Text
from settlement.reports.labels import NOTHING, RIGHT_TYPES, TAX_KINDS, Label, label
from settlement.reports.manifest import SIGNED, manifest
from settlement.reports.model import FileRecord, Partner, ReportContext, Royalty
from settlement.reports.money import won6

TITLE = "음원 사용료 정산서"
MAX_ROWS = 15
"""Rows of the royalty table, headings and rests included; more would push the signatures off the page."""
_LEFT = 18.0
_FULL = 174.0
_HALF = 82.0
_RIGHT = _LEFT + _FULL - _HALF
_COLUMNS = (("재생 수", _LEFT + 80, 24.0), ("내역 합계(원)", _LEFT + 106, 37.0), ("정산액(원)", _LEFT + 145, 29.0))


class _Row(NamedTuple):
    """A row of the royalty table."""

    name: str
    id: str
    plays: int
    uwon: int
    krw: int
    is_head: bool = False


def write_papers(
    context: ReportContext, files: Sequence[tuple[Partner, Sequence[FileRecord]]], out: Path
) -> dict[int, FileRecord]:
    """Write the document of each partner that takes it; `files` are the partner's others, which the hash covers.

    A record counts the product rows that its page sums up: one per product and right type.
    """
    # Imported here: the PDF library is slow to load, and most commands write no document.
    from settlement.reports.document import pdf
    from settlement.reports.fonts import cut_font

    pages = {
        partner: list(layout(context, partner, manifest(context, partner, written)["control_hash"]))
        for partner, written in files
        if "pdf" in partner.formats
    }
    texts = [text for page in pages.values() for item in page if isinstance(item, Text) for text in (item.text, item.beside)]
    records: dict[int, FileRecord] = {}
    with tempfile.TemporaryDirectory(prefix="settlement-font-") as scratch:
        font = Path(scratch) / "font.otf"
        if pages:
            cut_font(texts, font)
        for partner, page in pages.items():
            title = f"{TITLE} {context.month} v{context.version} · ID {partner.partner_id}"
            records[partner.partner_id] = _write(pdf(page, title, context.document_time, font), partner, out)
    return records


def _write(data: bytes, partner: Partner, out: Path) -> FileRecord:
    path = out / partner.folder / SIGNED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return FileRecord(SIGNED, hashlib.sha256(data).hexdigest(), len(data), len(partner.royalties))


def layout(context: ReportContext, partner: Partner, control_hash: str) -> Iterator[Item]:
    """Everything on the partner's page."""
    yield from _head(context, partner)
    yield from _amount(partner)
    yield from _bridge(partner)
    yield from _adjustments(partner)
    yield from _advances(partner)
    yield from _royalties(partner)
    yield from _signatures()
    yield from _foot(context, partner, control_hash)


def _head(context: ReportContext, partner: Partner) -> Iterator[Item]:
    year, month = context.month.split("-")
    yield Text((_LEFT, 25), TITLE, 110, 21, bold=True)
    yield Text((_LEFT, 31), "Royalty statement", 110, colour=FAINT)
    yield Text((_LEFT + 110, 25), f"{year}년 {int(month)}월", _FULL - 110, 15, "R", bold=True)
    yield Text((_LEFT + 110, 31), f"버전 {context.version} · 문서 일자 {context.last_day}", _FULL - 110, 9, "R", FAINT)
    yield Line((_LEFT, 35), _FULL, INK, 0.4)
    s = partner.statement
    facts = (
        ("권리자", partner.name or "–", "권리자 ID", str(partner.partner_id)),
        ("구분", label(RIGHT_TYPES, partner.kind).ko, "DPID", partner.dpid or "–"),
        ("과세 구분", label(TAX_KINDS, s.tax_kind).ko or "–", "지급 기준액", f"{s.payout_threshold_krw:,}원"),
        ("정산 기간", f"{context.month}-01 ~ {context.last_day}", "활동 상태", "거래 중" if s.is_active else "거래 종료"),
    )
    for index, (left, left_value, right, right_value) in enumerate(facts):
        y = 42.5 + 6 * index
        yield Text((_LEFT, y), left, 20, 8.5, colour=FAINT)
        yield Text((_LEFT + 21, y), left_value, 82, 9.5)
        yield Text((_LEFT + 108, y), right, 22, 8.5, colour=FAINT)
        yield Text((_LEFT + 131, y), right_value, _FULL - 131, 9.5)


def _amount(partner: Partner) -> Iterator[Item]:
    why = reason(partner)
    yield Box((_LEFT, 67), _FULL, 18)
    yield Text((_LEFT + 5, 75 if why else 77.7), "실지급액", 60, 11, bold=True, beside="Amount to pay")
    yield Text((_LEFT + 5, 81), why, 92, 8, colour=FAINT)
    paid = f"{partner.statement.paid_krw:,}원"
    yield Text((_LEFT + 100, 79), paid, _FULL - 105, 22, "R", ACCENT, bold=True, whole=True)


def _bridge(partner: Partner) -> Iterator[Item]:
    yield from _section((_LEFT, 94), Label("지급액 계산", "From royalty to payment"), _HALF)
    for index, row in enumerate(bridge(partner)):
        y = 101 + 5.3 * index
        yield Text((_LEFT, y), row.sign, 5, align="C", colour=FAINT)
        yield Text((_LEFT + 7, y), row.label.ko, 26, bold=row.is_result)
        yield Text((_LEFT + 34, y), row.label.en, 18, 7.5, colour=FAINT)
        yield Text((_LEFT + 52, y), f"{row.krw:,}", _HALF - 52, align="R", bold=row.is_result, whole=True)
        yield Line((_LEFT, y + 1.7), _HALF, RULE if row.is_result else HAIR)


def _adjustments(partner: Partner) -> Iterator[Item]:
    yield from _section((_RIGHT, 94), Label("조정", "Adjustments of earlier months"), _HALF)
    rows = partner.adjustments
    if not rows:
        yield Text((_RIGHT, 101), NOTHING, _HALF, colour=FAINT)
        return
    months = sorted({a.settled_month for a in rows})
    several = f"{months[0]} ~ {months[-1]} ({len(months)}개월)"
    yield from _pairs(101, [
        ("다시 정산한 달", several if len(months) > 1 else months[0]),
        ("건수", f"{len(rows):,}"),
        ("늘어난 금액", f"{sum(max(a.delta_krw, 0) for a in rows):,}"),
        ("줄어든 금액", f"{sum(min(a.delta_krw, 0) for a in rows):,}"),
        ("조정 합계", f"{partner.statement.adjustment_krw:,}"),
    ])  # fmt: skip


def _advances(partner: Partner) -> Iterator[Item]:
    yield from _section((_RIGHT, 133), Label("선급금", "Advances"), _HALF)
    rows = partner.recoupments
    if not rows:
        yield Text((_RIGHT, 140), NOTHING, _HALF, colour=FAINT)
        return
    yield from _pairs(140, [
        (f"차감 전 잔액 ({len(rows):,}건)", f"{sum(r.open_before_krw for r in rows):,}"),
        ("이번 달 차감", f"{partner.statement.recouped_krw:,}"),
        ("차감 후 잔액", f"{sum(r.open_after_krw for r in rows):,}"),
    ])  # fmt: skip


def _royalties(partner: Partner) -> Iterator[Item]:
    yield from _section((_LEFT, 166), Label("권리·상품별 정산액", "Royalty by right type and product"), _FULL, 80)
    for title, x, width in _COLUMNS:
        yield Text((x, 166), title, width, 8, "R", FAINT)
    if not partner.royalties:
        yield Text((_LEFT, 173), "이번 달 정산 내역이 없습니다.", _FULL, colour=FAINT)
        return
    total = _Row("합계", "", partner.plays, partner.royalty_uwon, partner.royalty_krw, is_head=True)
    for index, row in enumerate([*_rows(partner.royalties), total]):
        y = 172.6 + 4.7 * index
        indent = 0 if row.is_head else 4
        beside = row.id if row.name else ""
        yield Text((_LEFT + indent, y), row.name or row.id, 78 - indent, 8.5, bold=row.is_head, beside=beside)
        for (_, x, width), figure in zip(_COLUMNS, (f"{row.plays:,}", won6(row.uwon, ","), f"{row.krw:,}"), strict=True):
            yield Text((x, y), figure, width, 8.5, "R", bold=row.is_head, whole=True)
        yield Line((_LEFT, y + 1.5), _FULL, RULE if row.is_head else HAIR)


def _rows(royalties: Sequence[Royalty]) -> list[_Row]:
    """A heading per right type, the products with the highest royalty below it, and one row for its rest."""
    groups = [list(group) for _, group in groupby(royalties, key=lambda r: r.right_type)]
    limit = max(MAX_ROWS - 2 * len(groups), 0)
    ranked = sorted(royalties, key=lambda r: (-r.royalty_krw, -r.royalty_uwon, r.right_type, r.product_id))
    largest = set(ranked[:limit])
    rows = []
    for group in groups:
        rows.append(_sum(label(RIGHT_TYPES, group[0].right_type).ko, group, is_head=True))
        kept = [r for r in ranked[:limit] if r.right_type == group[0].right_type]
        rows += [_Row(r.product, r.product_id, r.plays, r.royalty_uwon, r.royalty_krw) for r in kept]
        rest = [r for r in group if r not in largest]
        if rest:
            rows.append(_sum(f"그 외 상품 {len(rest):,}개", rest))
    return rows


def _sum(name: str, royalties: Sequence[Royalty], *, is_head: bool = False) -> _Row:
    plays, uwon = sum(r.plays for r in royalties), sum(r.royalty_uwon for r in royalties)
    return _Row(name, "", plays, uwon, sum(r.royalty_krw for r in royalties), is_head)


def _signatures() -> Iterator[Item]:
    for x, name in ((_LEFT, Label("발행", "Issued by")), (_RIGHT, Label("확인", "Confirmed by"))):
        yield Text((x, 259), name.ko, _HALF, 9.5, bold=True, beside=name.en)
        yield Text((x, 270), "성명", 12, 8, colour=FAINT)
        yield Text((x + 48, 270), "(서명 또는 인)", _HALF - 48, 8, "R", FAINT)
        yield Line((x, 272), _HALF, INK, 0.25)


def _foot(context: ReportContext, partner: Partner, control_hash: str) -> Iterator[Item]:
    yield Text((_LEFT, 279.5), "대사 해시 Control hash", 37, 7.5, colour=FAINT)
    yield Text((_LEFT + 38, 279.5), control_hash, _FULL - 38, 8, whole=True)
    yield Text((_LEFT + 38, 283.3), "manifest.json의 control_hash와 같아야 합니다.", _FULL - 38, 7, colour=FAINT)
    yield Line((_LEFT, 286), _FULL, HAIR)
    yield Text((_LEFT, 290), f"{TITLE} · {context.month} · v{context.version} · ID {partner.partner_id}", 120, 7.5, colour=FAINT)
    yield Text((_LEFT + _FULL - 20, 290), "1 / 1", 20, 7.5, "R", FAINT)


def _section(at: Point, name: Label, width: float, room: float = _HALF) -> Iterator[Item]:
    yield Text(at, name.ko, room, 10.5, bold=True, beside=name.en)
    yield Line((at[0], at[1] + 2.3), width, INK, 0.25)


def _pairs(y: float, pairs: Sequence[tuple[str, str]]) -> Iterator[Item]:
    for index, (key, value) in enumerate(pairs):
        yield Text((_RIGHT, y + 5.3 * index), key, 40)
        yield Text((_RIGHT + 40, y + 5.3 * index), value, _HALF - 40, align="R", whole=True)
        yield Line((_RIGHT, y + 5.3 * index + 1.7), _HALF, HAIR)
