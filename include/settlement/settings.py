"""Typed settings, read from SETTLEMENT_* environment variables: sizes, places and addresses, never secrets in the open."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from settlement.errors import SettlementError

_SQLITE = "sqlite:///"
_PACKAGE = Path(__file__).parent


class Settings(BaseSettings):
    """What an operator may set without touching code; every field is `SETTLEMENT_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="SETTLEMENT_", extra="ignore")

    duckdb_memory: str = Field("4GB", description="memory limit of one DuckDB build or audit")
    duckdb_threads: int = Field(os.cpu_count() or 1, ge=1, description="threads of one DuckDB build or audit")
    duckdb_spill: Path | None = Field(None, description="folder for spilled data; default: .spill in the warehouse")
    reader_processes: int = Field(os.cpu_count() or 1, ge=1, description="processes that parse landing files")
    ledger_url: SecretStr | None = Field(None, description="sqlite:///<file>; default: in the warehouse")

    @field_validator("ledger_url")
    @classmethod
    def _is_sqlite(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(_SQLITE):
            raise ValueError(f"the ledger is a SQLite file so far: {_SQLITE}<file>")
        return value


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # every field has a default
    except ValidationError as error:
        first = error.errors()[0]
        name = f"SETTLEMENT_{str(first['loc'][0]).upper()}"
        raise SettlementError(f"{name} is set to {first['input']!r}: {first['msg']}", f"correct or unset {name}") from None


def _data_dir(name: str) -> Path:
    # The wheel carries the folder inside the package; a checkout keeps it beside the package.
    packaged = _PACKAGE / f"_{name}"
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def sql_dir() -> Path:
    """The tree of tables (`<schema>/<table>/`) that comes with this package."""
    return _data_dir("sql")


def reference_dir() -> Path:
    """The reference data (`rate_card.csv` …) that comes with this package."""
    return _data_dir("reference")
