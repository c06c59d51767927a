"""What a step's pod is called and by which labels it is found again."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

ATTEMPT = "settlement/attempt"
BUILD = "settlement/build"
FILES_HASH = "settlement/files-hash"
STAGE = "settlement/stage"
PARTITION = "settlement/partition"
DONE_BY = "settlement/work"
_HASH_CHARACTERS = 40  # a label's value has at most 63
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class PodName:
    """One piece of work of one task: the same for all tries that resume one another, another one for everything else.

    Args:
        component: what kind of work: `audit`.
        task: `<dag>/<run>/<task>`.
        attempt: rises when the task is cleared; tries of an attempt share it.
        image: with which the work is done.
        stage: of the pipeline; empty for none.
        partition: a day or a month.
        build_id: the build it is about; empty for none.
        files_hash: of that build's files; empty for none.
    """

    component: str
    task: str
    attempt: int
    image: str
    stage: str = ""
    partition: str = ""
    build_id: str = ""
    files_hash: str = ""

    @property
    def work(self) -> str:
        """Ten characters that are the same only for the same work."""
        parts = (self.component, self.task, str(self.attempt), self.image, self.build_id, self.files_hash)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]

    @property
    def labels(self) -> dict[str, str]:
        """Beside those that the provider gives: dag, task, run, try."""
        said = {
            "app.kubernetes.io/name": f"settlement-{self.component}",
            "app.kubernetes.io/part-of": "settlement",
            DONE_BY: self.work,
            ATTEMPT: str(self.attempt),
            STAGE: self.stage,
            PARTITION: self.partition,
            BUILD: self.build_id,
            FILES_HASH: self.files_hash[:_HASH_CHARACTERS],
        }
        return {name: value for name, value in said.items() if value}

    def __str__(self) -> str:
        """The pod's name: a second pod for the same work is refused by Kubernetes itself."""
        parts = [self.component, self.stage, self.partition, self.work]
        return _NOT_IN_A_NAME.sub("-", "-".join(part for part in parts if part).lower())

    def is_of(self, pod: Any) -> bool:
        """Whether a pod does this work."""
        labels = pod.metadata.labels or {}
        return all(labels.get(name) == value for name, value in self.labels.items())


def attempt_of(pod: Any) -> int:
    """The attempt for which a pod was made; -1 when it doesn't say."""
    said = (pod.metadata.labels or {}).get(ATTEMPT, "")
    return int(said) if said.isdecimal() else -1
