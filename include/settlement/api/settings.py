"""Settings of the query API: where it listens, whom it believes, and how much anybody may ask."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from settlement.settings import read

_PREFIX = "SETTLEMENT_API_"


class ApiSettings(BaseSettings):
    """What an operator may set without touching code; every field is `SETTLEMENT_API_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    url: str = Field("", pattern=r"^(https?://\S+)?$", description="where people open the API; Airflow's navigation links to it")
    engine: Literal["duckdb", "trino"] = Field("duckdb", description="what computes answers")
    duckdb_memory: str = Field("1GB", description="memory of all answers that DuckDB computes at once; beyond it they spill")
    trino_password: SecretStr | None = Field(None, description="of SETTLEMENT_TRINO_USER, where Trino asks for one")

    issuer: str = Field("", description="who signs tokens, as their claim iss says it")
    audience: str = Field("settlement", min_length=1, description="whom tokens are for, as their claim aud says it")
    jwks_url: str = Field("", description="where the issuer publishes its keys: https://…")
    roles_claim: str = Field("roles", min_length=1, description="claim of a token that lists roles")

    audit: Path | None = Field(None, description="folder of the audit log; default: api-audit beside the ledger's locks")
    cursor_key: SecretStr | None = Field(
        None, min_length=32, description="signs cursors; the same for all servers of an address; default: made at the start"
    )

    max_rows: int = Field(5_000_000, ge=1, description="an answer with more rows is cut off and told as incomplete")
    page_rows: int = Field(1_000, ge=1, le=10_000, description="rows of a JSON page, where the request says nothing")
    query_seconds: float = Field(300, gt=0, description="a query that takes longer is cancelled")
    scan_bytes: int = Field(20_000_000_000, ge=1, description="a query that reads more bytes of files is refused")
    queries: int = Field(8, ge=1, le=64, description="queries at work at once; more are answered 503")
    user_queries: int = Field(4, ge=1, description="queries of one user at work at once; more are answered 429")
    user_requests: int = Field(600, ge=1, description="requests of one user in a minute; more are answered 429")
    body_bytes: int = Field(65_536, ge=1_024, description="largest body of a request")
    airflow_url: str = Field("", pattern=r"^(https?://\S+)?$", description="Airflow that writes reports and asks for approvals")
    airflow_user: str = Field("settlement-service", min_length=1, description="who asks and reads there")
    airflow_password_file: Path | None = Field(
        None, description="file with that user's password, or with a JSON object of passwords by user"
    )

    jobs_place: str | None = Field(
        None, description="folder or s3://bucket/prefix of jobs and their files; default: api-jobs beside the ledger's locks"
    )
    jobs: int = Field(2, ge=1, le=64, description="jobs of one server at work at once; others wait")
    user_jobs: int = Field(4, ge=1, description="jobs of one user that wait or are at work; more are answered 429")
    user_kept_jobs: int = Field(50, ge=1, description="jobs of one user that are kept; more are answered 429")
    job_rows: int = Field(50_000_000, ge=1, description="a job with more rows fails")
    job_scan_bytes: int = Field(200_000_000_000, ge=1, description="a job that reads more bytes of files fails")
    job_seconds: float = Field(3_600, gt=0, description="a job whose query takes longer fails")
    job_hours: float = Field(24, gt=0, description="how long a job and its file are kept after its end")
    job_lost_seconds: float = Field(30, gt=0, description="a job whose server has been silent for longer is told as failed")
    link_seconds: int = Field(300, ge=10, le=3_600, description="how long a link to a file in a bucket is good")

    @model_validator(mode="after")
    def _names_keys(self) -> ApiSettings:
        if self.issuer and not self.jwks_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("SETTLEMENT_API_JWKS_URL must say where the issuer's keys are, https://…")
        return self


@lru_cache(maxsize=1)
def api_settings() -> ApiSettings:
    """The API's settings of this process, read once.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    return read(ApiSettings)
