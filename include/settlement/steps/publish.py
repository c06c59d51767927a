"""Publish: the ledger's compare-and-set makes an audited candidate the head. It never computes.

Killed before the append: the old head stands. Killed after it: publication is done; run again, it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from settlement.errors import PublishRefused
from settlement.ledger.records import Build
from settlement.steps.audit import require_files, require_verdict
from settlement.steps.context import Context
from settlement.steps.pinning import unpin
from settlement.steps.pointers import follow
from settlement.warehouse import hash_json


@dataclass(frozen=True)
class Published:
    """How a publication ended: `new` head, `same` content already published, or `done` before by this candidate."""

    outcome: Literal["new", "same", "done"]
    build_id: str
    run_id: str


def publish(context: Context, build: Build) -> Published:
    """Publish a candidate; the metastore then points to the head.

    Raises:
        AuditFailed: there is no verdict on exactly these files that passed.
        PublishRefused: another run published first, or a pinned input is no longer published.
        EngineError: it is published, but the metastore couldn't be pointed to it: publish again.
    """
    published = _append(context, build)
    follow(context, context.ledger.build(published.build_id))
    return published


def _append(context: Context, build: Build) -> Published:
    head = context.ledger.head_build(build.stage, build.partition)
    if head is not None and head.build_id == build.build_id:
        return Published("done", head.build_id, head.run_id)
    verdict = require_verdict(context, build)
    require_files(context, build)
    if head is not None and _equal(head, build):
        return _same(context, head, build)
    pins = {build_id: (name.split("/")[0], unpin(name)) for name, build_id in build.pins.items()}
    body = {
        "files_hash": build.files_hash,
        "rows_hashes": dict(build.rows_hashes),
        "verdict": hash_json(verdict),
        "requested_by": context.requested_by,
    }
    try:
        context.ledger.publish(build, pins, body)
    except PublishRefused:
        # Another run may have published the very same content in between: that is no conflict.
        head = context.ledger.head_build(build.stage, build.partition)
        if head is not None and _equal(head, build):
            return _same(context, head, build)
        raise
    return Published("new", build.build_id, build.run_id)


def _equal(head: Build, build: Build) -> bool:
    """Same content; of a month also for the same reservation, which the stages after it ask for; of raw from the same files."""
    return (dict(head.rows_hashes), head.reservation, head.landing) == (
        dict(build.rows_hashes),
        build.reservation,
        build.landing,
    )


def _same(context: Context, head: Build, build: Build) -> Published:
    """Leave the head, and record that these inputs lead to it: the next run needn't compute them again."""
    body = {"inputs": build.inputs, "head": head.build_id}
    context.ledger.append("confirmed", context.run_id, body, build.partition, build.stage, build.build_id)
    return Published("same", head.build_id, head.run_id)
