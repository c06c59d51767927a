"""What the invented service sells: every service and cohort of the rate card, at prices that let each leg win."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np


class Product(NamedTuple):
    """A row of products.csv, and how many of 100 users have it as their product (0: bought beside it)."""

    product_id: str
    name: str
    service: str
    cohort: str
    list_price_krw: int
    users_pct: int


PRODUCTS: Final = (
    Product("sub-new-basic", "무제한 듣기", "sub_stream", "new", 7_900, 38),
    Product("sub-new-hifi", '무제한 "하이파이", 원음 | FLAC', "sub_stream", "new", 10_900, 12),
    Product("sub-new-mini", "첫 달 1,000원", "sub_stream", "new", 1_000, 10),
    Product("sub-legacy", "무제한 듣기 (2019년 이전 자동결제)", "sub_stream", "legacy", 6_000, 10),
    Product("ad-free", "광고 듣기", "ad_stream", "new", 0, 16),
    Product("ad.radio:1", "라디오\t채널", "ad_stream", "new", 0, 8),
    Product("promo_trial", "=체험(1개월)", "promo", "new", 0, 6),
    Product("dl-single", "곡 다운로드", "download", "new", 770, 0),
    Product("dl-pack30", "다운로드 30곡", "download", "new", 9_900, 0),
)
INDEX: Final = {product.product_id: number for number, product in enumerate(PRODUCTS)}
AD_FREE: Final = INDEX["ad-free"]
AD_RADIO: Final = INDEX["ad.radio:1"]
SINGLE: Final = INDEX["dl-single"]
PACK: Final = INDEX["dl-pack30"]
PRICES: Final = np.array([product.list_price_krw for product in PRODUCTS], dtype=np.int64)
SERVICES: Final = np.array([product.service for product in PRODUCTS], dtype=object)
CHOSEN: Final = [product.users_pct for product in PRODUCTS if product.users_pct]
# Ids that no snapshot has: an old product, another case, a blank look-alike, the longest form.
UNKNOWN_IDS: Final = ("gone-2019", "SUB-NEW-BASIC", "sub-new-basic.", "x" * 64)
ALL_IDS: Final = np.array([product.product_id for product in PRODUCTS] + list(UNKNOWN_IDS), dtype=object)
