"""The audit pack: everything that proves a version of a month, in one zip whose bytes follow from ledger and warehouse alone."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from settlement.auditor.pack_builds import (
    builds,
    landing_rows,
    published_rows,
    rates_rows,
    release_folders,
    releases,
    write_verdicts,
)
from settlement.auditor.pack_files import write_csv, write_json, write_lines
from settlement.auditor.pack_records import access_rows, chain_lines, decisions, head, population_rows, publication_rows
from settlement.auditor.pack_text import readme
from settlement.auditor.rebuild_graph import Graph, graph
from settlement.steps.context import Context
from settlement.storage import atomic_file, list_files
from settlement.warehouse import Partition

SUMS = "SHA256SUMS"
_OLDEST = (1980, 1, 1, 0, 0, 0)  # the time of every file in the zip, which has to have one


@dataclass(frozen=True)
class Pack:
    """What was packed: how many files, the ledger up to which record, and what `ledger verify` has to say of it."""

    files: int
    records: int
    problems: Sequence[str]


def pack(context: Context, partition: Partition, out: Path) -> Pack:
    """Write the pack of a version, whole or not at all.

    Raises:
        NotArrived: the version has no statements.
        OSError: `out` can't be written.
    """
    found = graph(context.ledger, partition)
    with tempfile.TemporaryDirectory(prefix="settlement-pack-") as folder:
        root = Path(folder)
        packed = _fill(context, found, root)
        files = list_files(root, [root])
        write_lines(root / SUMS, (f"{file['sha256']}  {file['key']}\n" for file in files))
        _zip(root, out)
    return Pack(len(files) + 1, packed.records, packed.problems)


def _fill(context: Context, found: Graph, root: Path) -> Pack:
    ledger, partition = context.ledger, found.partition
    records = list(ledger.records())
    state = ledger.verify()
    last = records[-1]
    write_lines(root / "README.txt", [readme(partition, last.seq)])
    write_csv(root / "population.csv", population_rows(records, partition))
    write_csv(root / "publications.csv", publication_rows(records, partition))
    write_csv(root / "access.csv", access_rows(records))
    write_json(root / "approvals.json", decisions(records, partition))
    write_lines(root / "chain.jsonl", chain_lines(row for row in ledger.chain() if row[2]["seq"] <= last.seq))
    write_json(root / "head.json", head(last, ledger.anchors(), state))
    write_json(root / "builds.json", builds(records, found))
    write_csv(root / "landing.csv", landing_rows(ledger, found))
    write_csv(root / "rates_used.csv", rates_rows(context, found))
    write_csv(root / "published.csv", published_rows(context.warehouse, partition))
    write_json(root / "releases.json", releases(context.warehouse, records, found))
    for digest, source in release_folders(context.warehouse, found).items():
        for part in ("sql", "reference"):
            shutil.copytree(source / part, root / "releases" / digest / part)
    write_verdicts(context.warehouse, records, found, root / "verdicts")
    return Pack(0, last.seq, state.problems)


def _zip(root: Path, out: Path) -> None:
    with atomic_file(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # as a plain file, whatever packs it
            with (root / name).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)
