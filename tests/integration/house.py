"""A house to settle in: landing, reference data and warehouse in one folder, and the command as a function."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from errno import ENOTEMPTY
from pathlib import Path
from unittest.mock import patch

from settlement.cli import main
from settlement.cli.common import make_context
from settlement.export import EXPORTS
from settlement.ledger import Ledger
from settlement.ledger.records import Build
from settlement.pipeline import STAGES, months
from settlement.steps.context import Context
from settlement.warehouse import Warehouse
from tests.integration.example import MONTH
from tests.oracle import KEYS, Exports, render, settle
from tests.worlds.money import record_text
from tests.worlds.world import COLUMNS

REQUESTER, APPROVER = "Ann", "Bea"
DAILY_EXPORTS = ("usage_buckets", "revenue_daily", "play_bucket", "payment_bucket")
Tree = dict[str, bytes]


@dataclass(frozen=True)
class Answer:
    """How the command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All it said, on one line."""
        return " ".join(f"{self.out} {self.err}".split())


def settlement(*arguments: object) -> Answer:
    """Run the `settlement` command in this process; an exception that the command doesn't handle is not handled here."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["settlement", *map(str, arguments)]
    code: object = 0
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ending:
            code = ending.code
    assert isinstance(code, int | None)
    return Answer(code or 0, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class House:
    """A folder with a landing, reference data and a warehouse."""

    root: Path
    warehouse: Path

    @classmethod
    def at(cls, root: Path) -> House:
        return cls(root, root / "warehouse")

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def reference(self) -> Path:
        return self.root / "reference"

    # -- the command -----------------------------------------------------------------------------------------------

    def run_arguments(self, months: str = MONTH, by: str = REQUESTER, approver: str | None = APPROVER) -> list[str]:
        places = {"--landing": self.landing, "--reference": self.reference, "--warehouse": self.warehouse}
        approval = ["--approved-by", approver] if approver is not None else []
        options = [str(part) for pair in places.items() for part in pair]
        return ["run", *options, "--months", months, "--requested-by", by, *approval]

    def run(self, months: str = MONTH, *, by: str = REQUESTER, approver: str | None = APPROVER) -> Answer:
        """`settlement run`; without an approver the month stays open."""
        return settlement(*self.run_arguments(months, by, approver))

    def command(self, *arguments: object) -> Answer:
        """Another command on this warehouse."""
        return settlement(*arguments, "--warehouse", self.warehouse)

    def context(self, run_id: str, requested_by: str = REQUESTER) -> Context:
        """A run's context, for single steps."""
        context = make_context(self.warehouse, self.reference, requested_by)
        return Context(context.warehouse, context.ledger, context.engine, context.release, run_id, requested_by)

    @property
    def ledger(self) -> Ledger:
        return Ledger(Warehouse(self.warehouse).ledger_url, self.warehouse)

    # -- what came out ---------------------------------------------------------------------------------------------

    def export(self, table: str, *options: object) -> bytes:
        """The bytes that `settlement export` writes."""
        out = self.root / "exported.csv"
        answer = self.command("export", table, *options, "--out", out)
        assert answer.code == 0, answer.err
        return out.read_bytes()

    def exports(self, month: str = MONTH, version: int | None = None) -> Tree:
        """Every export of a month."""
        options = ["--month", month, *(["--version", version] if version is not None else [])]
        return {name: self.export(name, *options) for name in EXPORTS}

    def published(self) -> Tree:
        """Every file that partners could see."""
        return tree(self.warehouse / "published")

    def counted(self, kind: str) -> Counter[tuple[str, str, int]]:
        """How many records of a kind each stage, partition and version has."""
        records = self.ledger.records(kind=kind)
        return Counter((record.stage, record.partition.key, record.partition.version) for record in records)

    def heads(self) -> dict[tuple[str, str, int], str]:
        """The id of the published build of every stage and partition."""
        heads = [head for stage in STAGES for head in self.ledger.heads(stage.name).values()]
        return {(head.stage, head.partition.key, head.partition.version): head.build_id for head in heads}

    def builds(self) -> dict[tuple[str, str, int], Build]:
        """The published builds themselves."""
        return {key: self.ledger.build(build_id) for key, build_id in self.heads().items()}

    def hashes(self) -> dict[tuple[str, str, int], dict[str, str]]:
        """The content hashes of their tables."""
        return {key: dict(build.rows_hashes) for key, build in self.builds().items()}

    def assert_nothing_published(self) -> None:
        """No statements, no reports: nothing that a partner could see or a month could be closed with."""
        assert self.ledger.heads("statements") == {}
        assert self.published() == {}

    def assert_chain_holds(self) -> None:
        answer = self.command("ledger", "verify")
        assert answer.code == 0, answer.out
        assert "the chain holds" in answer.out

    # -- what lands ------------------------------------------------------------------------------------------------

    def folder(self, kind: str, day: str) -> Path:
        return self.landing / kind / f"dt={day}"

    def land(self, kind: str, day: str, files: Mapping[str, bytes]) -> None:
        """Deliver a folder: these files, gzipped, and nothing else."""
        folder = self.folder(kind, day)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(gzip.compress(data, 1, mtime=0))
        (folder / "_SUCCESS").touch()

    def snapshot(self, table: str, day: str) -> Path:
        return self.folder("catalog", day) / f"{table}.csv.gz"

    def write_snapshot(self, table: str, day: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Replace one file of a catalogue by these rows."""
        self.snapshot(table, day).write_bytes(gzip.compress(table_text(table, rows), 1, mtime=0))

    def write_reference(self, table: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Replace a reference file by these rows."""
        (self.reference / f"{table}.csv").write_bytes(table_text(table, rows))

    def expected(self, month: str = MONTH, version: int = 1) -> Tree:
        """The exports of a month as the oracle works them out from the same files, its one version under this number."""
        tables = settle(self.landing, self.reference, months(f"{MONTH}..{month}"))
        return {
            name: render(name, [{**row, "version": version} if "version" in row else row for row in rows]).encode()
            for name, rows in of_month(tables, month).items()
        }


def of_month(tables: Exports, month: str) -> Exports:
    """The rows of a month and its days; of adjustments those that are posted into it."""
    key = {name: "posted_month" if name == "adjustment" else "dt" if "dt" in KEYS[name] else "month" for name in tables}
    return {name: [row for row in rows if str(row[key[name]]).startswith(month)] for name, rows in tables.items()}


def table_text(table: str, rows: Iterable[tuple[str, ...]]) -> bytes:
    """A CSV file of a table's columns."""
    return "".join(f"{record_text(row)}\n" for row in (COLUMNS[table], *rows)).encode()


def tree(root: Path) -> Tree:
    """Path and content of every file below a folder; names that begin with a dot are nobody's business."""
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()] if root.is_dir() else []
    keys = {path.relative_to(root): path for path in paths}
    return {key.as_posix(): path.read_bytes() for key, path in keys.items() if not any(p.startswith(".") for p in key.parts)}


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder of thousands of small files; what was at the target goes.

    What looks at the target meanwhile may put files there, so the copy is made aside and takes the place at once.
    """
    made, gone = (target.with_name(f"{target.name}.{which}") for which in ("made", "gone"))
    shutil.rmtree(made, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(made)], check=True)
    while True:
        if target.exists():
            shutil.rmtree(gone, ignore_errors=True)
            target.rename(gone)
        try:
            made.rename(target)
        except OSError as error:
            if error.errno != ENOTEMPTY:
                raise
        else:
            break
    shutil.rmtree(gone, ignore_errors=True)
