"""Who is paid: the societies, the labels, their contracts (a part of them user-centric) and advances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from settlement.landing.generator.calendar import Span
from settlement.landing.generator.identifiers import dpid
from settlement.landing.generator.mixing import MILLION, Hashes, Ints, Ranks, draw
from settlement.landing.generator.names import label_name

KOMCA: Final = 1
KOSCAP: Final = 2
FKMP: Final = 3
_FIRST_LABEL: Final = 101
_SOCIETIES: Final = 3
MIN_PARTNERS: Final = _SOCIETIES + 2
SINCE: Final = "2000-01-01"
_SERVICES: Final = ("sub_stream", "ad_stream", "download")
_THRESHOLDS: Final = (0, 0, 1_000, 10_000, 50_000, 100_000)
_FORMATS: Final = ("csv|xlsx", "csv|xlsx|pdf", "dsr", "csv|dsr", "xlsx|pdf", "csv", "csv|xlsx|dsr|pdf")
_DPID_BASE: Final = 2_026_000_000

Row = tuple[object, ...]


class Partner(NamedTuple):
    """A row of partners.csv."""

    partner_id: int
    name: str
    kind: str
    dpid: str
    tax_kind: str
    payout_threshold_krw: int
    report_formats: str
    active_from: str
    active_to: str


@dataclass(frozen=True)
class Partners:
    """The partners of a span: three societies, and labels of which the first few hold most recordings."""

    seed: int
    span: Span
    count: int
    user_centric_ppm: int = 250_000

    @property
    def labels(self) -> int:
        """How many labels and distributors there are."""
        return self.count - _SOCIETIES

    def label_of(self, hashes: Hashes) -> Ints:
        """The label that each hash draws: label k is drawn with weight 1 / (k + 1)."""
        return _FIRST_LABEL + Ranks.zipf(self.labels, 1).of(hashes)

    def next_label(self, label: int, steps: int) -> int:
        """Another label than the given one, `steps` (1 …) further round."""
        return _FIRST_LABEL + (label - _FIRST_LABEL + 1 + steps % (self.labels - 1)) % self.labels

    def name(self, label: int) -> str:
        """A label's name."""
        return label_name(self.seed, label - _FIRST_LABEL)

    def rows(self) -> Iterator[Partner]:
        """The rows of partners.csv."""
        yield Partner(KOMCA, "KOMCA", "author", dpid(_DPID_BASE + KOMCA), "exempt", 0, "csv|dsr|pdf", SINCE, "")
        yield Partner(KOSCAP, "KOSCAP", "author", dpid(_DPID_BASE + KOSCAP), "exempt", 0, "csv|dsr", SINCE, "")
        yield Partner(FKMP, "FKMP", "performer", dpid(_DPID_BASE + FKMP), "exempt", 0, "csv|xlsx", SINCE, "")
        for label in range(_FIRST_LABEL, _FIRST_LABEL + self.labels):
            yield self._label(label)

    def _label(self, label: int) -> Partner:
        number = draw(self.seed, "partner", label)
        place = label - _FIRST_LABEL
        # The last label stops before the end of the span: it is paid whatever is due.
        leaves = (self.span.last - timedelta(days=8)).isoformat() if place == self.labels - 1 else ""
        return Partner(
            partner_id=label,
            name=self.name(label),
            kind="producer",
            dpid=dpid(_DPID_BASE + label) if number % 3 else "",
            tax_kind="withholding" if place % 5 == 4 else "vat_invoice",
            payout_threshold_krw=0 if place == 0 else _THRESHOLDS[number // 3 % len(_THRESHOLDS)],
            report_formats=_FORMATS[place % len(_FORMATS)],
            active_from=SINCE,
            active_to=leaves,
        )

    def contracts(self) -> Iterator[Row]:
        """The rows of contracts.csv: every ninth partner has none (pro rata by default), every fifth one that changes.

        Of the labels `user_centric_ppm` are user-centric under subscriptions; where a contract changes, it does so in the
        middle of the first month.
        """
        cut = self.span.months[0] + timedelta(days=14)
        for place, partner in enumerate(self.rows()):
            if place % 9 == 8:
                continue
            for service in _SERVICES:
                common = (partner.partner_id, partner.kind, service)
                method = self._method(partner, service)
                if place % 5 == 4:
                    yield (*common, "pro_rata", SINCE, cut.isoformat())
                    yield (*common, method, (cut + timedelta(days=1)).isoformat(), "")
                else:
                    yield (*common, method, SINCE, "")

    def _method(self, partner: Partner, service: str) -> str:
        place = partner.partner_id - _FIRST_LABEL
        # Whole labels, evenly over their order, so that large and small ones are among them.
        is_chosen = (place + 1) * self.user_centric_ppm // MILLION > place * self.user_centric_ppm // MILLION
        return "user_centric" if service == "sub_stream" and place >= 0 and is_chosen else "pro_rata"

    def advances(self, day: date) -> list[Row]:
        """The rows of advances.csv as of a day: some granted before the span, one more on the 10th of each month."""
        before = self.span.first - timedelta(days=40)
        grants = [(before + timedelta(days=place), place) for place in range(0, self.labels, 4)]
        grants += [(month.replace(day=10), 1 + 3 * number) for number, month in enumerate(self.span.months)]
        return [self._advance(number, *grant) for number, grant in enumerate(grants) if grant[0] <= day]

    def _advance(self, number: int, granted_on: date, place: int) -> Row:
        amount = 20_000 * (1 + draw(self.seed, "advance", number) % 25)
        return f"ADV-{granted_on:%Y%m%d}-{number}", _FIRST_LABEL + place % self.labels, granted_on.isoformat(), amount
