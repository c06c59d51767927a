"""Who sends the reports: our party in DDEX's register, once we have one."""

from __future__ import annotations

from dataclasses import dataclass

from settlement.errors import SettlementError
from settlement.reports.dsr.names import element
from settlement.reports.dsr.profiles import is_dpid
from settlement.reports.dsr.text import clean
from settlement.settings import settings


@dataclass(frozen=True)
class Sender:
    """The sender of a report.

    Attributes:
        dpid: DDEX Party Identifier without separators (`PADPIDA…`).
        name: full name, any text.
        service: name of the service; becomes an element of file names, so spaces and underscores turn into dashes.

    Raises:
        SettlementError: the DPID lacks its form, a name is empty, or nothing of the service can stand in a file name.
    """

    dpid: str
    name: str
    service: str

    def __post_init__(self) -> None:
        if not is_dpid(self.dpid):
            raise SettlementError(
                f"DSR sender: {self.dpid!r} is not the form of a DPID", "it reads PADPIDA and letters or digits"
            )
        if not clean(self.name):
            raise SettlementError("DSR sender: the name is empty", "set the full name that DDEX registered")
        element(self.service)


UNREGISTERED = Sender("PADPIDAUNASSIGNEDC", "Unregistered sender (placeholder)", "Streaming")
"""A placeholder of valid form that DDEX never gave to anybody: for tests only. Production needs DDEX's free
implementation licence and a DPID of our own."""


def own_sender() -> Sender:
    """The sender that the settings name; without a DPID the placeholder, which is never sent in production.

    Raises:
        SettlementError: as `Sender`; or this is production and we have no DPID.
    """
    own = settings()
    if own.dsr_dpid:
        return Sender(own.dsr_dpid, own.dsr_name, own.dsr_service)
    if own.env == "production":
        hint = "get a DPID and DDEX's free implementation licence, then set SETTLEMENT_DSR_DPID and SETTLEMENT_DSR_NAME"
        raise SettlementError("DSR sender: SETTLEMENT_DSR_DPID is not set", hint)
    return UNREGISTERED
