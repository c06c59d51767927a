"""Korean labels, with a small English one beside where the page shows both; the order in which things are shown."""

from __future__ import annotations

from typing import NamedTuple


class Label(NamedTuple):
    """A word in Korean and in English."""

    ko: str
    en: str


RIGHT_TYPES = {
    "producer": Label("제작자", "Producer"),
    "author": Label("저작자", "Author"),
    "performer": Label("실연자", "Performer"),
}
SERVICES = {
    "sub_stream": Label("구독 스트리밍", "Subscription"),
    "ad_stream": Label("광고 스트리밍", "Ad-funded"),
    "download": Label("다운로드", "Download"),
    "promo": Label("프로모션", "Promotion"),
}
COHORTS = {
    "all": Label("전체", "All"),
    "new": Label("신규 가입", "New"),
    "legacy": Label("기존 가입", "Legacy"),
}
LEGS = {
    "unit_leg": Label("재생당 단가", "Per play"),
    "sub_leg": Label("가입자당 금액", "Per subscriber"),
    "rev_leg": Label("매출 배분", "Revenue share"),
}
KINDS = {
    "royalty": Label("정산", "Royalty"),
    "unmatched": Label("권리자 미확인", "Unmatched rights"),
    "no_plays": Label("재생 없음", "No plays"),
    "rounding": Label("배분 단수", "Rounding"),
    "won_rounding": Label("원 단위 조정", "Rounding to won"),
}
BUCKETS = {
    "qualified": Label("유효", "Qualified"),
    "over_cap": Label("상한 초과", "Over cap"),
    "too_short": Label("짧은 재생", "Too short"),
    "abuse_flag": Label("어뷰징 의심", "Abuse flag"),
    "unknown_product": Label("미등록 상품", "Unknown product"),
    "too_late": Label("기한 경과", "Too late"),
    "duplicate": Label("중복", "Duplicate"),
    "future": Label("미래 시각", "Future"),
    "malformed": Label("형식 오류", "Malformed"),
}
STATES = {
    "open": Label("검토 중", "Open"),
    "approved": Label("승인", "Approved"),
    "closed": Label("마감", "Closed"),
}
TAX_KINDS = {
    "vat_invoice": Label("세금계산서(부가세 별도)", "VAT invoice"),
    "withholding": Label("원천징수 3.3%", "Withholding"),
    "exempt": Label("면세", "Exempt"),
}
SUSPENSE = Label("보류", "Suspense")
NOTHING = "없음"
"""Said where a list that is always there has no rows."""


def label(labels: dict[str, Label], word: str) -> Label:
    """The label of a word; a word that has none stands for itself."""
    return labels.get(word, Label(word, word))


def position(labels: dict[str, Label], word: str) -> tuple[int, str]:
    """Sort key: the order above, unknown words last by name."""
    known = list(labels)
    return (known.index(word) if word in labels else len(known), word)
