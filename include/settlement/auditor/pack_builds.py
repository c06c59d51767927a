"""What an audit pack takes from the builds: pins and hashes, landed files, the rules used, verdicts, what was published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from settlement.audit.checks import MASKED
from settlement.auditor.pack_files import Rows, write_json
from settlement.auditor.pack_records import is_of
from settlement.auditor.rebuild_graph import Graph, landed
from settlement.engines.files import quote
from settlement.landing.contract import SUCCESS
from settlement.ledger import Build, Ledger, Record
from settlement.release import Release
from settlement.steps.context import Context
from settlement.storage import list_files
from settlement.warehouse import Partition, Warehouse, hash_json

_RATES = (
    "product_id", "right_type", "service", "cohort", "winner", "rate_cohort", "rate_valid_from", "rate_valid_to",
    "unit_price_uwon", "per_subscriber_krw", "revenue_rate_ppm", "rate_source",
)  # fmt: skip


def builds(records: Sequence[Record], found: Graph) -> list[dict[str, Any]]:
    """Every sealed build of the month and its days, and those of other months that the version read; `used` by the version."""
    used = {build.build_id for build in found.builds}
    sealed = (r for r in records if r.kind == "sealed" and (r.build_id in used or is_of(r, found.partition.key)))
    return [
        {
            "seq": r.seq, "at": r.at, "build_id": r.build_id, "stage": r.stage, "partition": r.partition.key,
            "version": r.partition.version, "run_id": r.run_id, "used": r.build_id in used,
            **{name: r.body[name] for name in ("release", "pins", "inputs", "files_hash", "rows_hashes")},
        }
        for r in sealed
    ]  # fmt: skip


def landing_rows(ledger: Ledger, found: Graph) -> Rows:
    """Every landed file that the version goes back to."""
    header = ("day", "kind", "file", "bytes", "sha256", "records", "build_id")
    rows = (
        (build.partition.key, kind, file["name"], file["bytes"], file["sha256"], file["rows"], build.build_id)
        for build in landed(ledger, found)
        for kind, files in sorted(build.landing.items())
        for file in files
    )
    return Rows(header, rows)


def rates_rows(context: Context, found: Graph) -> Rows:
    """The rate-card row behind every pool, as the pool keeps it."""
    pools = next(build for build in found.rebuilt if "mart.pool" in build.rows_hashes)
    table = Release.load(pools.release, context.warehouse).catalog["mart.pool"]
    columns = ", ".join(map(quote, _RATES))
    with context.engine.session({}) as session:
        session.add(table, [context.warehouse.build_dir(table.name, pools.partition, pools.build_id)])
        cursor = session.run(f"SELECT {columns} FROM mart.pool ORDER BY product_id, right_type", "rates of mart.pool")
        return Rows(_RATES, cursor.fetchall())


def published_rows(warehouse: Warehouse, partition: Partition) -> Rows:
    """Every file under the version's publish folder, its marks apart; none while the month is open."""
    folder = warehouse.published / partition.path
    files = (file for file in list_files(folder, [folder]) if not file["key"].endswith(SUCCESS))
    rows = ((_partner(file["key"]), file["key"], file["bytes"], file["sha256"]) for file in files)
    return Rows(("partner_id", "file", "bytes", "sha256"), rows)


def _partner(key: str) -> str:
    match = re.match(r"partner=([0-9]+)/", key)
    return match[1] if match else ""


def release_folders(warehouse: Warehouse, found: Graph) -> dict[str, Path]:
    """Folders of the frozen releases that the version was made with, by hash."""
    return {digest: Release.load(digest, warehouse).folder for digest in sorted({build.release for build in found.builds})}


def releases(warehouse: Warehouse, records: Sequence[Record], found: Graph) -> list[dict[str, Any]]:
    """Each release with its rules' hash, as manifests name it, and the package and commit that scheduled runs recorded."""
    listed = []
    for digest in release_folders(warehouse, found):
        runs = [r for r in records if r.kind == "released" and r.body["release"] == digest]
        packages = sorted({(r.body["package"], r.body["commit"]) for r in runs})
        listed.append(
            {
                "release": digest,
                "rules_hash": Release.load(digest, warehouse).rules_hash,
                "packages": [{"package": package, "commit": commit} for package, commit in packages],
                "builds": sum(build.release == digest for build in found.builds),
            }
        )
    return listed


def write_verdicts(warehouse: Warehouse, records: Sequence[Record], found: Graph, folder: Path) -> None:
    """The audit's verdict on each build of the version, samples without listeners, with the hash that its publication names."""
    recorded = {r.build_id: r.body.get("verdict", "") for r in records if r.kind == "published"}
    for build in found.builds:
        name = f"{build.stage}-{build.partition.key}-{build.build_id}"
        write_json(folder / f"{name}.json", _verdict(warehouse, build, recorded.get(build.build_id, "")))
        beside = warehouse.verdict(build.build_id)
        for path in beside.parent.glob(f"{build.build_id}-*.csv"):
            (folder / f"{name}{path.name.removeprefix(build.build_id)}").write_bytes(path.read_bytes())


def _verdict(warehouse: Warehouse, build: Build, recorded: str) -> dict[str, Any]:
    try:
        verdict: dict[str, Any] = json.loads(warehouse.verdict(build.build_id).read_text("utf-8"))
    except (OSError, ValueError):
        return {"build_id": build.build_id, "recorded_hash": recorded, "problem": "the verdict is missing or torn"}
    return {**verdict, "findings": list(_masked(verdict)), "hash": hash_json(verdict), "recorded_hash": recorded}


def _masked(verdict: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for finding in verdict["findings"]:
        sample = [{name: "…" if name in MASKED else value for name, value in row.items()} for row in finding["sample"]]
        yield {**finding, "sample": sample}
