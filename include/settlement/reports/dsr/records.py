"""Records that both reports share, and how catalogue values become cells."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from settlement.errors import SettlementError
from settlement.reports.balances import HINT
from settlement.reports.dsr.names import element
from settlement.reports.dsr.profiles import fits, is_dpid
from settlement.reports.dsr.rows import Track
from settlement.reports.dsr.text import clean
from settlement.reports.dsr.writer import Row
from settlement.reports.model import Partner
from settlement.reports.money import won6

TERRITORY: Final = "KR"
CURRENCY: Final = "KRW"
NOBODY: Final = "[unknown]"
"""DisplayArtistName of a track or album whose artist the catalogue leaves empty; the cell is mandatory."""
RELEASE: Final = "R1"
DOWNLOADS: Final = ("PayAsYouGoModel", "PermanentDownload")
MODELS: Final = {
    "sub_stream": ("SubscriptionModel", "OnDemandStream"),
    "ad_stream": ("AdvertisementSupportedModel", "Stream"),
    "download": DOWNLOADS,
    "promo": ("FreeOfChargeModel", "OnDemandStream"),
}
"""Service → commercial model and use type."""
_SEPARATORS: Final = str.maketrans("", "", "-. ")


def model(product_id: str, service: str) -> tuple[str, str]:
    """Commercial model and use type of a product's service.

    Raises:
        SettlementError: a service that has none.
    """
    if service not in MODELS:
        raise SettlementError(f"product {product_id}: service {service!r} has no commercial model in DSR", HINT)
    return MODELS[service]


def release_row(track: Track) -> Row:
    """RE01 of a track's album."""
    return "RE01", {
        "ReleaseReference": RELEASE,
        "DspReleaseId": track.album_id,
        "ICPN": code("icpn", track.upc),
        "DisplayArtistName": named(track.album_artist, NOBODY),
        "Title": named(track.album, f"#{track.album_id}"),
        "Label": track.label,
    }


def resource_row(record: str, number: int, track: Track) -> Row:
    """AS02.01 or AS02.02 of a track, the block's resource `number`."""
    return record, {
        "ResourceReference": resource(number),
        "DspResourceId": track.track_id,
        "ISRC": code("isrc", track.isrc),
        "Title": named(track.title, f"#{track.track_id}"),
        "DisplayArtistName": named(track.artist, NOBODY),
        "Duration": duration(track.duration_ms or 0),
        "ResourceType": "SoundRecording",
        "ISWC": code("iswc", track.iswc),
    }


def resource(number: int) -> str:
    """Reference of the block's resource `number`."""
    return f"A{number}"


def named(text: str, otherwise: str) -> str:
    """Text for a mandatory cell: `otherwise` where nothing would be left of it."""
    return text if clean(text) else otherwise


def code(kind: str, text: str) -> str:
    """An identifier without separators, in capitals; empty where it lacks the form that the cell asks for."""
    compact = clean(text).upper().translate(_SEPARATORS)
    return compact if fits(kind, compact) else ""


def party(partner: Partner) -> str:
    """The partner's DPID without separators; empty where the catalogue has none, or none of the form."""
    compact = clean(partner.dpid).translate(_SEPARATORS)
    return compact if is_dpid(compact) else ""


def service_name(product_id: str) -> str:
    """ServiceDescription of a product: its id without what the cell may not hold; empty where nothing is left."""
    try:
        return element(product_id)
    except SettlementError:
        return ""


def duration(ms: int) -> str:
    """Milliseconds as PT[hH][mM]s[.fff]S, in whole seconds where they are whole."""
    seconds, rest = divmod(max(ms, 0), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"PT{f'{hours}H' if hours else ''}{f'{minutes}M' if hours or minutes else ''}{seconds}{fraction}S"


def won(uwon: int) -> str:
    """Micro-won as won with six decimals, zero as `0`."""
    return won6(uwon) if uwon else "0"


def percentage(weight: int, plays: int) -> str:
    """Weight (plays × ppm) over plays as a percentage: the share, or its mean over the month's plays, to six decimals."""
    if not plays or not weight:
        return "0"
    share = (Decimal(weight) / (Decimal(plays) * 10_000)).quantize(Decimal("1e-6"), ROUND_HALF_UP)
    return f"{share.normalize():f}"
