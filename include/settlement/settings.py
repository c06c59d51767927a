"""Typed settings, read from SETTLEMENT_* environment variables: sizes, places and addresses, never secrets in the open."""

from __future__ import annotations

import os
from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from settlement.errors import SettlementError

SQLITE = "sqlite:///"
_PACKAGE = Path(__file__).parent
Kind = TypeVar("Kind", bound=BaseSettings)


class Settings(BaseSettings):
    """What an operator may set without touching code; every field is `SETTLEMENT_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="SETTLEMENT_", extra="ignore")

    duckdb_memory: str = Field("4GB", description="memory limit of one DuckDB build or audit")
    duckdb_threads: int = Field(os.cpu_count() or 1, ge=1, description="threads of one DuckDB build or audit")
    duckdb_spill: Path | None = Field(None, description="folder for spilled data; default: .spill in the warehouse")
    reader_processes: int = Field(os.cpu_count() or 1, ge=1, description="processes that parse landing files")
    anchors: str | None = Field(
        None, description="folder or s3://bucket/prefix for the ledger's anchors; default: anchors in the warehouse"
    )
    ledger_url: SecretStr | None = Field(
        None, description="sqlite:///<file> or the address of a PostgreSQL database; default: in the warehouse"
    )

    dsr_dpid: str = Field("", description="our DPID in DSR files; default: a placeholder that nobody may send")
    dsr_name: str = Field("", description="our full name in DSR files, as DDEX registered it")
    dsr_service: str = Field("Streaming", description="name of the service in DSR files")

    scratch: Path | None = Field(None, description="folder for files on their way to and from a bucket; default: temporary files")
    kms_key: str = Field("", description="KMS key that encrypts what is put in a bucket; default: the bucket's own")

    # What scheduled runs need on top; commands take the first three as options.
    landing: str | None = Field(None, description="landing root: a folder or s3://bucket/prefix")
    warehouse: str | None = Field(None, description="tables and published reports: a folder or s3://bucket/prefix")
    reference: Path | None = Field(None, description="folder of the reference data; default: the one in the package")
    env: Literal["dev", "staging", "production"] = Field("dev", description="environment, named in alerts")
    profile: Literal["embedded", "services"] = Field(
        "embedded", description="embedded: nothing else runs; services: real servers"
    )
    engine: Literal["duckdb", "hive", "emr"] = Field("duckdb", description="what computes the tables of a warehouse in a bucket")
    hive_host: str = Field("127.0.0.1", description="HiveServer2")
    hive_port: int = Field(10000, ge=1, description="HiveServer2")
    catalogue: Annotated[tuple[Literal["metastore", "glue"], ...], NoDecode] = Field(
        ("metastore",), min_length=1, description="where tables for people are kept: metastore, glue, or metastore,glue for both"
    )
    database: str = Field("", description="database in the metastore; default: settlement_<env>")
    poll_seconds: float = Field(60, ge=1, description="how often a waiting task looks whether it may go on")
    retry_seconds: float = Field(60, ge=0, description="wait before the first retry of a task; it doubles each time")
    landing_deadline: time = Field(time(9), description="KST time by which a day must have landed, the morning after")
    sentry_dsn: SecretStr | None = Field(None, description="Sentry address for failed tasks; unset: no events")
    commit: str = Field("", description="commit of the deployed package, recorded with every run")

    @field_validator("ledger_url")
    @classmethod
    def _names_a_ledger(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(SQLITE):
            from settlement.ledger.postgresql import parse  # it reads these settings, and only a server needs it

            try:
                parse(value.get_secret_value())
            except ValueError as error:
                raise ValueError(f"neither {SQLITE}<file> nor a server: {error}") from None
        return value

    @field_validator("catalogue", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        names = value.split(",") if isinstance(value, str) else value
        return tuple(dict.fromkeys(name.strip() for name in names)) if isinstance(names, list) else names

    @field_validator("ledger_url", mode="before")  # the last is the first to run: no later one has the bare text to show
    @classmethod
    def _hide(cls, value: object) -> object:
        return SecretStr(value) if isinstance(value, str) else value

    @property
    def metastore_database(self) -> str:
        """The database of the tables for people; that of builds is named after it."""
        return self.database or f"settlement_{self.env}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    return read(Settings)


def read(kind: type[Kind]) -> Kind:
    """Settings of a kind, of which every field has a default, from the environment.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    try:
        return kind()
    except ValidationError as error:
        raise _wrong_value(error, str(kind.model_config["env_prefix"])) from None


def _wrong_value(error: ValidationError, prefix: str) -> SettlementError:
    """The first value that settings refuse, by its variable: the prefix and the field's name."""
    first = error.errors()[0]
    name = f"{prefix}{str(first['loc'][0]).upper()}" if first["loc"] else prefix
    return SettlementError(f"{name} is set to {first['input']!r}: {first['msg']}", f"correct or unset {name}")


def split_names(value: object) -> object:
    """What is said as `a,b,c`, as a tuple; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def split_pairs(value: object) -> object:
    """What is said as `key=value,key=value`, as a dictionary; anything else as it is.

    Raises:
        ValueError: a part has no key or no `=`.
    """
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(key.strip() and equals for key, equals, _ in pairs):
        raise ValueError("it must be key=value,key=value")
    return {key.strip(): said.strip() for key, _, said in pairs}


def required(name: Literal["landing", "warehouse"]) -> str:
    """A place that scheduled runs can't do without.

    Raises:
        SettlementError: the variable isn't set.
    """
    value: str | None = getattr(settings(), name)
    if value is None:
        variable = f"SETTLEMENT_{name.upper()}"
        raise SettlementError(f"{variable} is not set", f"set {variable} for the scheduler and every worker")
    return value


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
