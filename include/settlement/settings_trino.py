"""Settings of the Trino side: where queries are asked, as whom, and how long and how large one may be."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from settlement.settings import read

_PREFIX = "SETTLEMENT_TRINO_"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_SIZE = re.compile(r"[1-9][0-9]*(kB|MB|GB|TB)")


class TrinoSettings(BaseSettings):
    """What an operator may set without touching code; every field is `SETTLEMENT_TRINO_<NAME>`.

    Secrets aren't among them: a password or a token is in the Airflow connection, which goes before host, port, user and scheme.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    connection: str = Field("", description="Airflow connection with the password or token; default: asked without one")
    host: str = Field("127.0.0.1", min_length=1, description="Trino's coordinator")
    port: int = Field(8080, ge=1, le=65_535, description="Trino's coordinator")
    scheme: Literal["http", "https"] = Field("http", description="https where Trino asks for a password or a token")
    user: str = Field("settlement", min_length=1, description="who asks")
    catalog: str = Field("hive", description="catalogue in which the tables for people are")
    source: str = Field("settlement", description="what Trino's list of queries names as their source")

    run_seconds: int = Field(1800, ge=1, description="a query that takes longer, its wait in the queue included, is ended")
    query_memory: str = Field("", description="memory of one query over all machines, such as 4GB; default: Trino's own limit")
    max_rows: int = Field(100_000, ge=1, description="a query with more rows fails: results go through the worker's memory")
    request_seconds: float = Field(30, gt=0, description="how long one request to Trino may go unanswered")
    confirm_seconds: float = Field(60, gt=0, description="how long to wait until a cancelled query has really ended")

    @field_validator("catalog", "source")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("it must be lower-case letters, digits, - and _, a letter first")
        return value

    @field_validator("query_memory")
    @classmethod
    def _is_size(cls, value: str) -> str:
        if value and not _SIZE.fullmatch(value):
            raise ValueError("it must be a size such as 512MB or 4GB")
        return value

    @property
    def address(self) -> str:
        """Where Trino and its web pages are, as settings say it: `http://host:port`."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def limits(self) -> dict[str, str]:
        """Session properties that bound every query."""
        time = {"query_max_run_time": f"{self.run_seconds}s"}
        return {**time, "query_max_memory": self.query_memory} if self.query_memory else time


@lru_cache(maxsize=1)
def trino_settings() -> TrinoSettings:
    """The Trino settings of this process, read once.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    return read(TrinoSettings)
