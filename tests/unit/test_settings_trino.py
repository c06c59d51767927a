"""Settings of the Trino side: what is refused, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from settlement.errors import SettlementError
from settlement.settings_trino import TrinoSettings, trino_settings


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    trino_settings.cache_clear()
    yield
    trino_settings.cache_clear()


def test_without_settings_it_is_a_trino_on_this_machine() -> None:
    chosen = trino_settings()
    assert chosen.address == "http://127.0.0.1:8080"
    assert (chosen.catalog, chosen.connection) == ("hive", "")
    assert chosen.limits == {"query_max_run_time": "1800s"}
    assert trino_settings() is chosen


def test_variables_say_where_it_is_and_what_bounds_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"HOST": "trino.example", "PORT": "8443", "SCHEME": "https", "RUN_SECONDS": "60", "QUERY_MEMORY": "512MB"}
    for name, value in said.items():
        monkeypatch.setenv(f"SETTLEMENT_TRINO_{name}", value)
    assert trino_settings().address == "https://trino.example:8443"
    assert trino_settings().limits == {"query_max_run_time": "60s", "query_max_memory": "512MB"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCHEME", "ftp"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("HOST", ""),
        ("USER", ""),
        ("CATALOG", 'hive"."x'),
        ("CATALOG", "Hive"),
        ("SOURCE", "settlement/dev"),
        ("SOURCE", "a'b"),
        ("QUERY_MEMORY", "4"),
        ("QUERY_MEMORY", "0GB"),
        ("QUERY_MEMORY", "4GB;"),
        ("RUN_SECONDS", "0"),
        ("MAX_ROWS", "0"),
        ("REQUEST_SECONDS", "0"),
    ],
)
def test_a_value_that_is_off_is_refused_by_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SETTLEMENT_TRINO_{name}", value)
    with pytest.raises(SettlementError, match=rf"SETTLEMENT_TRINO_{name} is set to .*") as raised:
        trino_settings()
    assert raised.value.hint == f"correct or unset SETTLEMENT_TRINO_{name}"


def test_no_setting_could_hold_a_secret() -> None:
    assert not [
        name for name in TrinoSettings.model_fields if any(word in name for word in ("password", "token", "secret", "key"))
    ]
