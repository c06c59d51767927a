"""Who sends: our DPID as the settings say, a placeholder that is never sent in production."""

from __future__ import annotations

import pytest

from settlement.errors import SettlementError
from settlement.reports.dsr import UNREGISTERED, Sender, own_sender
from settlement.settings import settings


@pytest.fixture(autouse=True)
def _fresh_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DSR_DPID", "DSR_NAME", "ENV"):
        monkeypatch.delenv(f"SETTLEMENT_{name}", raising=False)
    monkeypatch.setattr("settlement.reports.dsr.sender.settings", settings.__wrapped__)


def test_without_a_dpid_the_placeholder_is_used_but_not_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_sender() == UNREGISTERED
    monkeypatch.setenv("SETTLEMENT_ENV", "production")
    with pytest.raises(SettlementError, match="SETTLEMENT_DSR_DPID is not set"):
        own_sender()


def test_the_settings_name_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_DSR_DPID", "PADPIDA2014122301Q")
    monkeypatch.setenv("SETTLEMENT_DSR_NAME", "스트리밍 주식회사")
    assert own_sender() == Sender("PADPIDA2014122301Q", "스트리밍 주식회사", "Streaming")
