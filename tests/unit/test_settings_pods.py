"""Settings of pods: what is refused, by its variable, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from settlement.errors import SettlementError
from settlement.settings import settings
from settlement.settings_pods import in_pods, pod_settings

DIGEST = "sha256:" + "0a" * 32


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    settings.cache_clear()
    pod_settings.cache_clear()
    yield
    settings.cache_clear()
    pod_settings.cache_clear()


def test_pods_need_nothing_and_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_pods()
    monkeypatch.setenv("SETTLEMENT_POD_IMAGE", f"r.test/audit@{DIGEST}")
    pod_settings.cache_clear()
    assert not in_pods(), "on the embedded profile nothing else runs"
    monkeypatch.setenv("SETTLEMENT_PROFILE", "services")
    settings.cache_clear()
    assert in_pods()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMAGE", "r.test/audit"),
        ("IMAGE", "r.test/audit:latest"),
        ("IMAGE", "r.test/audit@sha256:1"),
        ("NAMESPACE", "Settlement"),
        ("SERVICE_ACCOUNT", ""),
        ("MEMORY", "2G"),
        ("CPU", "two"),
        ("SCRATCH", "-1Gi"),
        ("TOLERATIONS", "spot"),
        ("TOLERATIONS", "spot=yes:Never"),
        ("NODE_SELECTOR", "pool"),
        ("PULL_POLICY", "Sometimes"),
        ("START_SECONDS", "0"),
    ],
)
def test_a_value_that_is_off_is_refused_by_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SETTLEMENT_POD_{name}", value)
    with pytest.raises(SettlementError, match=f"SETTLEMENT_POD_{name} is set to"):
        pod_settings()


@pytest.mark.parametrize("image", [f"r.test:5000/a/audit@{DIGEST}", "localhost/settlement-audit:1.2.0-abc"])
def test_an_image_is_named_by_digest_or_release(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    monkeypatch.setenv("SETTLEMENT_POD_IMAGE", image)
    assert pod_settings().image == image


def test_tolerations_and_the_share_of_the_memory_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_POD_TOLERATIONS", "spot=yes:NoSchedule, down:NoExecute")
    monkeypatch.setenv("SETTLEMENT_POD_MEMORY", "512Mi")
    assert pod_settings().parsed_tolerations == [
        {"key": "spot", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
        {"key": "down", "operator": "Exists", "effect": "NoExecute"},
    ]
    assert pod_settings().duckdb_memory == "307MiB"
