"""A measured process: the lines of a settled month by the tables' queries, and by one query written by hand."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bench.measure import timed
from bench.one_day import runner
from settlement.engines.duckdb import Session
from settlement.engines.files import literal
from settlement.steps.context import Context
from settlement.warehouse import Partition

_BY_HAND = Path(__file__).with_name("lines.sql").read_text("utf-8")
_TABLE = "mart.settlement_line"


def main(landing: Path, warehouse: Path, month: str) -> None:
    """Print seconds of the tables, seconds of the query by hand, and whether both hash alike."""
    context = runner(landing, warehouse).context
    partition = Partition(month, 1)
    scratch = warehouse / ".bench"
    build = context.ledger.head_build("lines", partition)
    assert build is not None
    with context.session("lines", partition, dict(build.pins)) as session:
        ours = timed(lambda: _tables(context, session, partition, scratch), times=3)
        by_hand = timed(lambda: _copy(session, scratch / "by_hand"), times=3)
        table = context.release.catalog[_TABLE]
        hashes = [
            session.rows_hashes({table: folder})[_TABLE] for folder in (_folder(scratch, _TABLE, partition), scratch / "by_hand")
        ]
    shutil.rmtree(scratch)
    sys.stdout.write(f"{ours} {by_hand} {hashes[0] == hashes[1]}\n")


def _folder(scratch: Path, name: str, partition: Partition) -> Path:
    return scratch / name / partition.path / "build=bench"


def _tables(context: Context, session: Session, partition: Partition, scratch: Path) -> None:
    for table in context.release.catalog.of_stage("lines"):
        session.build(table, _folder(scratch, table.name, partition))
        session.add(table, [_folder(scratch, table.name, partition)])


def _copy(session: Session, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = literal(str(folder / "part-00000.parquet"))
    session.run(f"COPY ({_BY_HAND}) TO {target} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)", "lines by hand")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
