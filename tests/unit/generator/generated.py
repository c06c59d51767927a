"""A generated landing to look at: what was asked for, the rows that were written, the bucket of each play."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from settlement.landing.forms import epoch_day, instant
from settlement.landing.generator import Options, default_options, generate, parse_months
from settlement.landing.generator.products import PRODUCTS

CAP = 20
BUCKETS = {
    *("malformed", "future", "duplicate", "too_late", "unknown_product", "abuse_flag", "too_short", "over_cap"),
    "qualified",
}
SERVICE = {product.product_id: product.service for product in PRODUCTS}
GOOD = (
    '{"play_id":"p20260201-1","user_id":1000001,"subscription_id":7,"product_id":"sub-legacy","track_id":1000002,'
    '"started_at":"2026-02-01T10:11:12.5+09:00","ms_played":60000,"device":"app","country":"KR","offline":false,"flags":[]}'
)
FORMS = {
    "play_id": r"[A-Za-z0-9._:-]{1,64}",
    "user_id": r"\d{1,18}",
    "product_id": r"[A-Za-z0-9._:-]{1,64}",
    "track_id": r"\d{1,18}",
    "started_at": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)",
    "ms_played": r"\d{1,8}",
}
Json = dict[str, Any]


def write_reference(folder: Path, cap: str = str(CAP)) -> Path:
    rules = f"sub_stream,2000-01-01,,60000,{cap},x\nad_stream,2000-01-01,,60000,{cap},x\n"
    rules += "promo,2000-01-01,,60000,,x\ndownload,2000-01-01,,0,,x\n"
    header = "service,valid_from,valid_to,min_play_ms,max_plays_per_user_track_day,source\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service_rule.csv").write_text(header + rules)
    return folder


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    reference = write_reference(tmp_path_factory.mktemp("reference"))
    return default_options(parse_months("2026-01..2026-02"), 16_000, 7, reference)


@pytest.fixture(scope="module")
def landing(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("landing") / "L"
    generate(options, out)
    return out


def lines_of(landing: Path, day: date) -> list[bytes]:
    content = b"".join(gzip.decompress(path.read_bytes()) for path in sorted((landing / f"plays/dt={day}").glob("*.gz")))
    return [line.removesuffix(b"\r") for line in content.removesuffix(b"\n").split(b"\n")]


def rows_of(folder: Path, name: str = "*") -> list[dict[str, str]]:
    texts = (gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.glob(f"{name}.csv.gz")))
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)]


def every_row(landing: Path, kind: str) -> Iterator[tuple[date, dict[str, str]]]:
    for folder in sorted((landing / kind).iterdir()):
        for row in rows_of(folder):
            yield date.fromisoformat(folder.name[3:]), row


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refuse(token: str) -> None:
    raise ValueError(token)


def play_of(line: bytes) -> Json | None:
    """The play of a line, by rules §2.1 read plainly, its required fields as text; None when it is malformed."""
    try:
        value = json.loads(line, parse_constant=refuse, parse_float=lambda _: None)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    if not isinstance(value, dict) or len(line) > 1 << 20:
        return None
    texts = {name: str(value[name]) if type(value.get(name)) in (int, str) else "" for name in FORMS}
    fits = all(re.fullmatch(form, texts[name], re.ASCII) for name, form in FORMS.items())
    return {**value, **texts} if fits and int(texts["ms_played"]) <= 86_400_000 and instant(texts["started_at"]) else None


def bucket(play: Json | None, day: int, earlier: set[str], today: set[str], counts: Counter[tuple[str, str, int]]) -> str:
    """The bucket of a play by rules §2, given what was seen before it; keeps count."""
    if play is None:
        return "malformed"
    started = instant(play["started_at"])
    assert started is not None
    if started[1] > day:
        return "future"
    known = play["play_id"] in earlier or play["play_id"] in today
    today.add(play["play_id"])
    if known:
        return "duplicate"
    service = SERVICE.get(play["product_id"])
    verdicts = {
        "too_late": started[1] < day - 30,
        "unknown_product": service is None,
        "abuse_flag": play.get("flags") not in (None, []),
        "too_short": service != "download" and int(play["ms_played"]) < 60_000,
    }
    for name, applies in verdicts.items():
        if applies:
            return name
    key = (play["user_id"], play["track_id"], started[1])
    counts[key] += 1
    return "over_cap" if counts[key] > CAP and service in ("sub_stream", "ad_stream") else "qualified"


def plays_of(landing: Path, day: date) -> list[Json]:
    return [play for line in lines_of(landing, day) if (play := play_of(line))]


def buckets_of(landing: Path, days: tuple[date, ...]) -> dict[date, Counter[str]]:
    ids: dict[date, set[str]] = {}
    found: dict[date, Counter[str]] = {}
    for day in days:
        earlier = set().union(*(ids.get(day - timedelta(days=ago), set()) for ago in range(1, 31)))
        today: set[str] = set()
        counts: Counter[tuple[str, str, int]] = Counter()
        number = epoch_day(day.isoformat())
        assert number is not None
        found[day] = Counter(bucket(play_of(line), number, earlier, today, counts) for line in lines_of(landing, day))
        ids[day] = today
    return found
