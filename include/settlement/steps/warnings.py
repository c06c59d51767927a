"""Warnings of the audits behind a month: of its stages and of the days that it was made from, added up by check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from settlement.ledger.records import Build, pin
from settlement.reports.changes import Warned
from settlement.steps.context import Context
from settlement.steps.pinning import stage_of, unpin


def warnings_of(context: Context, last: Build) -> list[Warned]:
    """Warnings of the days and stages that `last` goes back to, by check."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for build_id, partition in _audited(context, last):
        for finding in _findings(context, build_id):
            if finding["level"] == "warn":
                found.setdefault(f"{finding['table']} {finding['check']}", []).append((partition, finding))
    return [
        Warned(check, rows[0][1]["meaning"], sum(f["rows"] for _, f in rows), len({p for p, _ in rows}), min(p for p, _ in rows))
        for check, rows in sorted(found.items())
    ]


def _audited(context: Context, last: Build) -> Iterator[tuple[str, str]]:
    """Builds of the month's days and stages that `last` read, itself included, by its pins: not what was published since."""
    month = last.partition.key
    yield last.build_id, month
    for name, build_id in last.pins.items():
        read = unpin(name)
        if read == last.partition or (not read.is_month and read.key[:7] == month):
            yield build_id, read.key
        if stage_of(name) == "ods" and read.key[:7] == month:
            raw = context.ledger.build(build_id).pins.get(pin("raw", read))
            if raw is not None:
                yield raw, read.key


def _findings(context: Context, build_id: str) -> list[dict[str, Any]]:
    path = context.warehouse.verdict(build_id)
    verdict: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    findings: list[dict[str, Any]] = verdict.get("findings", [])
    return findings
