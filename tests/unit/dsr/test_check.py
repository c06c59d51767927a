"""`settlement dsr check`: what a sound report holds, and the first fault of one that isn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from settlement.cli.dsr import app
from settlement.reports.dsr import DsrError, write_dsr
from tests.unit.dsr import made
from tests.unit.dsr.test_partner import month


def test_a_sound_report_is_summed_up(tmp_path: Path) -> None:
    found = month()
    files = write_dsr(found.con, made.CONTEXT, found.partner(), tmp_path)
    shown = CliRunner().invoke(app, ["check", *(str(tmp_path / "partner=7" / file.name) for file in files)])
    assert shown.exit_code == 0
    assert "BasicAudioProfile 1.2" in shown.output
    assert "RoyaltyReportingProfile 1.0.1" in shown.output
    assert "p1:author" in shown.output
    assert "401.123463" in shown.output


def test_text_of_a_foreign_file_is_no_markup(tmp_path: Path) -> None:
    files = made.write(tmp_path, [made.usage_block(1)])
    made.rewrite(files[0], lambda lines: [line.replace("p1", "[red]p1[/nothing]") for line in lines])
    shown = CliRunner().invoke(app, ["check", str(files[0])])
    assert shown.exit_code == 0
    assert "[red]p1[/nothing]" in shown.output


def test_a_fault_is_raised_with_its_place(tmp_path: Path) -> None:
    (path,) = made.write(tmp_path, [made.usage_block(1)])
    made.rewrite(path, lambda lines: lines[:-1])
    with pytest.raises(DsrError, match="there is no FOOT"):
        CliRunner().invoke(app, ["check", str(path)], catch_exceptions=False)
