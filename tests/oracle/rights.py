"""Who holds what of a track on a day, and by which method it is paid (rules §1, §5).

Open choices:
- "That day", on which shares and methods are valid, is the landing day on which the play was settled, not its start date.
- Two contracts of one partner, right type and service that are valid on the same day overlap, even if they say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .catalogue import WHOLE_PPM, Contract, Share, read_contracts, read_shares, read_tracks
from .dated import one_at_most
from .faults import BadInputError
from .landing import Landing

SUSPENSE = 0


@dataclass(frozen=True)
class Holder:
    """A partner, or suspense, with its part of a track and right type on a day."""

    partner_id: int
    share_ppm: int
    user_centric: bool


class Rights:
    """Who holds what of the tracks of a catalogue snapshot, under which contract."""

    def __init__(self, tracks: set[int], shares: Sequence[Share], contracts: Sequence[Contract] = ()) -> None:
        self._shares: dict[tuple[int, str], list[Share]] = defaultdict(list)
        for share in shares:
            if share.track_id in tracks:
                self._shares[share.track_id, share.right_type].append(share)
        self._contracts: dict[tuple[int, str, str], list[Contract]] = defaultdict(list)
        for contract in contracts:
            self._contracts[contract.partner_id, contract.right_type, contract.service].append(contract)

    def on(self, day: date, track_id: int, right_type: str, service: str) -> list[Holder]:
        """The holders on the day, suspense with what is missing among them; their ppm sum to 1,000,000."""
        valid = [share for share in self._shares.get((track_id, right_type), ()) if share.covers(day)]
        held = {share.partner_id: share.share_ppm for share in valid}
        missing = WHOLE_PPM - sum(held.values())
        if len(held) != len(valid) or missing < 0:
            raise BadInputError(f"rights of track {track_id}, {right_type} overlap or exceed the whole on {day}")
        return [
            Holder(partner, ppm, self._is_user_centric(day, partner, right_type, service))
            for partner, ppm in {**held, SUSPENSE: missing}.items()
            if ppm > 0
        ]

    def _is_user_centric(self, day: date, partner_id: int, right_type: str, service: str) -> bool:
        contracts = self._contracts.get((partner_id, right_type, service), ())
        contract = one_at_most(day, contracts, f"contracts of partner {partner_id}, {right_type}, {service}")
        return contract is not None and contract.method == "user_centric"


def read_rights(landing: Landing, day: date) -> Rights:
    """The rights and contracts of snapshot `day`."""
    return Rights(read_tracks(landing, day), read_shares(landing, day), read_contracts(landing, day))


def read_rights_without_contracts(landing: Landing, day: date) -> Rights:
    """The rights of snapshot `day`, all pro rata (rules §9)."""
    return Rights(read_tracks(landing, day), read_shares(landing, day))
