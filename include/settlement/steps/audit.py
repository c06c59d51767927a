"""Audit: run every check on a sealed candidate and write the verdict, an object bound to the candidate's files_hash.

Killed before the verdict is in place: no verdict, so publish refuses. Run again: the same verdict, written as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from settlement.audit.checks import Finding, run_checks
from settlement.audit.identifiers import check_identifiers
from settlement.engines.duckdb import Session
from settlement.errors import AuditFailed
from settlement.landing.contract import Kind
from settlement.landing.reader import raw_table
from settlement.ledger.records import Build
from settlement.steps.context import Context
from settlement.storage import Location, atomic_file, list_files
from settlement.warehouse import canonical_json, files_hash


def audit(context: Context, build: Build) -> list[Finding]:
    """Audit a candidate; returns its warnings.

    Raises:
        AuditFailed: a `fail` check found rows, or the files aren't those that were sealed.
    """
    require_files(context, build)
    findings: list[Finding] = []
    folders = context.stage_folders(build)
    pins = dict(build.pins)
    given = context.inputs(build.stage, build.partition, pins)
    with context.session(build.stage, build.partition, pins) as session:
        _add_landing(session, build.landing)
        for table, folder in folders:
            session.add(table, [*given.get(table, []), folder])
        for table, _ in folders:
            findings += run_checks(session, table)
        if build.stage == "ods":
            findings += check_identifiers(session, build.partition.key, _bad_identifiers(context, build))
    write_verdict(context, build, findings)
    failed = [finding for finding in findings if finding.level == "fail"]
    if failed:
        raise _failure(build, failed)
    return findings


def require_files(context: Context, build: Build) -> None:
    """Refuse a candidate whose files changed since it was sealed."""
    files = list_files(context.warehouse.root, [folder for _, folder in context.stage_folders(build)])
    if files_hash(files) != build.files_hash:
        raise AuditFailed(
            f"{build.stage} {build.partition}: the files of build {build.build_id} are not those that were sealed",
            "build again",
        )


def write_verdict(context: Context, build: Build, findings: list[Finding]) -> None:
    verdict = {
        "build_id": build.build_id,
        "files_hash": build.files_hash,
        "passed": not any(finding.level == "fail" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }
    with atomic_file(context.warehouse.verdict(build.build_id)) as path:
        path.write_text(canonical_json(verdict), "utf-8")


def require_verdict(context: Context, build: Build) -> Mapping[str, Any]:
    """The verdict of a candidate.

    Raises:
        AuditFailed: it is missing, torn, of other files, or says no.
    """
    path = context.warehouse.verdict(build.build_id)
    where = f"{build.stage} {build.partition}: the verdict on build {build.build_id}"
    try:
        verdict: dict[str, Any] = json.loads(path.read_text("utf-8"))
        bound, passed, findings = verdict["files_hash"], verdict["passed"], findings_of(verdict)
    except (OSError, ValueError, KeyError, TypeError):
        raise AuditFailed(f"{where} is missing or torn", "run the audit again") from None
    if bound != build.files_hash:
        raise AuditFailed(f"{where} is about other files", "run the audit again")
    if passed is not True:
        raise _failure(build, [finding for finding in findings if finding.level == "fail"])
    return verdict


def findings_of(verdict: Mapping[str, Any]) -> list[Finding]:
    """What the checks of a verdict have found."""
    return [Finding(**finding) for finding in verdict["findings"]]


def _bad_identifiers(context: Context, build: Build) -> Location:
    return context.warehouse.verdict(build.build_id).with_name(f"{build.build_id}-identifiers.csv")


def _failure(build: Build, failed: list[Finding]) -> AuditFailed:
    lines = "\n  ".join(str(finding) for finding in failed)
    return AuditFailed(
        f"{build.stage} {build.partition}: the audit refuses build {build.build_id}:\n  {lines}",
        "correct what it names, then run again; nothing was published",
    )


def _add_landing(session: Session, landing: Mapping[Kind, Any]) -> None:
    """`landing.file`: the frozen files with the number of records that the reader cut from each."""
    rows = [
        {"file": f["name"], "table_name": raw_table(kind, f["name"].rsplit("/", 1)[-1]), "rows": f["rows"]}
        for kind, files in landing.items()
        for f in files
    ]
    schema = pa.schema([("file", pa.string()), ("table_name", pa.string()), ("rows", pa.int64())])
    session.con.execute("CREATE SCHEMA IF NOT EXISTS landing")
    session.con.register("landed_files", pa.Table.from_pylist(rows, schema=schema))
    session.con.execute("CREATE OR REPLACE VIEW landing.file AS SELECT * FROM landed_files")
