"""Names of EMR steps: the store in which an attempt is found again, whatever became of the worker that submitted it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_FORM = re.compile(
    r"settlement/(?P<env>[a-z]+)/(?P<stage>[a-z_]+)/(?P<partition>[0-9-]+(?:v[0-9]+)?)"
    r"/(?P<run>[0-9a-f]{12})/(?P<attempt>[0-9]+)-(?P<build_id>[0-9a-z-]+)/(?P<script>[0-9a-f]{16})"
)
LIVE = ("PENDING", "RUNNING", "CANCEL_PENDING")
GONE, LATE = "GONE", "LATE"  # beside EMR's own states: the cluster is gone; the step takes longer than it may


@dataclass(frozen=True)
class StepName:
    """What a step computes, for whom, and with which text.

    As text: `settlement/<env>/<stage>/<partition>/<run>/<attempt>-<build>/<script>`.
    A retry of an attempt computes the same name. A clear brings a new attempt with a new build, so another name. A changed
    script is another name too.

    Args:
        env: environment.
        stage: the stage's name.
        partition: a day, a month, or a month with its version: `2026-02v3`.
        run: hash of the run's name in the ledger; see `run_token`.
        attempt: seq of the attempt's record in the ledger: of two attempts, the greater one is right.
        build_id: the build that the step writes.
        script: the first 16 hex digits of the script's SHA-256.
    """

    env: str
    stage: str
    partition: str
    run: str
    attempt: int
    build_id: str
    script: str

    def __post_init__(self) -> None:
        if _FORM.fullmatch(str(self)) is None:
            raise ValueError(f"{self} is no name of a step")

    def __str__(self) -> str:
        task = f"settlement/{self.env}/{self.stage}/{self.partition}/{self.run}"
        return f"{task}/{self.attempt}-{self.build_id}/{self.script}"

    @classmethod
    def parse(cls, text: str) -> StepName | None:
        """The name that a step has, or None for a step of somebody else."""
        found = _FORM.fullmatch(text)
        return None if found is None else cls(**{**found.groupdict(), "attempt": int(found["attempt"])})

    @property
    def work(self) -> tuple[str, str, str]:
        """What it is about, whoever asked: environment, stage, partition."""
        return self.env, self.stage, self.partition

    @property
    def task(self) -> tuple[str, str, str, str]:
        """The task it belongs to: attempts of one task must never be at work side by side."""
        return (*self.work, self.run)


@dataclass(frozen=True)
class Step:
    """A step as EMR lists it.

    Args:
        id: `s-…`.
        cluster: id of its cluster, `j-…`.
        name: its name as text; see `StepName.parse`.
        state: PENDING, RUNNING, CANCEL_PENDING, COMPLETED, CANCELLED, FAILED or INTERRUPTED.
        created: when it was submitted.
        reason: what EMR says about its failure or cancellation, if anything.
        log_file: s3:// address of its log, where EMR names one.
    """

    id: str
    cluster: str
    name: str
    state: str
    created: datetime
    reason: str = ""
    log_file: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it may still write."""
        return self.state in LIVE

    @classmethod
    def of(cls, cluster: str, listed: dict[str, Any]) -> Step:
        """A step out of an answer of ListSteps."""
        status = listed["Status"]
        details = status.get("FailureDetails") or {}
        reason = details.get("Message") or details.get("Reason") or (status.get("StateChangeReason") or {}).get("Message") or ""
        created = status["Timeline"]["CreationDateTime"]
        created = created if created.tzinfo else created.replace(tzinfo=UTC)
        return cls(listed["Id"], cluster, listed["Name"], status["State"], created, reason, details.get("LogFile") or "")

    def __str__(self) -> str:
        return f"step {self.id} on cluster {self.cluster} ({self.state})"


def run_token(run_id: str) -> str:
    """A run's name in the ledger as it stands in step names: run ids may be long and hold any character."""
    return hashlib.sha256(run_id.encode()).hexdigest()[:12]


def script_token(script_sha256: str) -> str:
    """A script's hash as it stands in step names."""
    return script_sha256[:16]


def sha256(script: str) -> str:
    """The hash that a script is named by."""
    return hashlib.sha256(script.encode()).hexdigest()
