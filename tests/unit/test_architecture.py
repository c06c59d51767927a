"""The shape of the house: arrows run one way, what is locked is what is declared, the wheel carries its data."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from settlement import pipeline
from settlement.engines.files import arrow_schema
from settlement.landing import reader
from settlement.settings import sql_dir
from settlement.tables import load

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "include" / "settlement").rglob("*.py"))


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_package_never_imports_airflow_or_dags(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"airflow", "dags", "plugins", "tests"}


def test_the_package_s_needs_are_locked_with_hashes() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    listed = set((ROOT / "requirements.in").read_text("utf-8").splitlines())
    assert set(declared) <= listed
    locked = (ROOT / "requirements.txt").read_text("utf-8")
    for name in (need.partition("[")[0] for need in declared):
        assert re.search(rf"^{re.escape(name)}(\[[a-z,]+\])?==", locked, re.MULTILINE), name
    for requirement in re.split(r"\n(?=[a-z])", locked):
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_the_reader_writes_what_the_raw_tables_declare() -> None:
    catalog = load(sql_dir())
    schemas = reader.schemas()
    assert set(schemas) == {table.name for table in catalog.of_stage("raw")}
    for name, schema in schemas.items():
        assert schema.equals(arrow_schema(catalog[name])), name


def test_every_table_belongs_to_a_known_stage_and_reads_only_stages_before_it() -> None:
    catalog = load(sql_dir())
    order = {stage.name: number for number, stage in enumerate(pipeline.STAGES)}
    for table in catalog.tables.values():
        if table.definition.stage is None:
            continue
        assert table.definition.stage in order
        for name in table.inputs:
            source = catalog[name].definition.stage
            assert source is None or order[source] <= order[table.definition.stage]


def test_money_is_never_a_float() -> None:
    for path in MODULES:
        if "generator" in path.parts or "importers" in path.parts or "reports" in path.parts:
            continue
        assert not re.search(r"\bfloat\(\s*[a-z_]*(krw|uwon)", path.read_text("utf-8")), path


def test_the_wheel_carries_tables_reference_data_templates_and_migrations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "settlement/_sql/mart/pool/query.sql",
        "settlement/_sql/mart/pool/table.yaml",
        "settlement/_sql/mart/pool/checks.sql",
        "settlement/_reference/rate_card.csv",
        "settlement/reports/templates/index.html.j2",
        "settlement/ledger/migrations/versions/0001_chain.py",
    } <= names
    assert not any(name.startswith(("tests/", "bench/")) or ".venv" in name for name in names)
