"""The audit log: whatever is changed, cut out or torn is seen."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from settlement.api.audit_log import AuditLog, verify
from settlement.api.problems import Busy


def _log(tmp_path: Path, lines: int = 4) -> AuditLog:
    log = AuditLog(tmp_path / "audit")
    for number in range(lines):
        log.append("allowed", {"who": "앤", "number": number})
    return log


def test_a_chain_holds_across_openings(tmp_path: Path) -> None:
    _log(tmp_path)
    last = _log(tmp_path).append("finished", {"rows": 1})
    verdict = verify(tmp_path / "audit" / "requests.jsonl")
    assert (verdict.lines, verdict.broken, verdict.last) == (9, None, last)


def test_many_writers_make_one_chain(tmp_path: Path) -> None:
    logs = [AuditLog(tmp_path / "audit") for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: logs[n % 4].append("allowed", {"number": n}), range(80)))
    assert (verify(logs[0].path).lines, verify(logs[0].path).broken) == (80, None)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_changed_line_is_seen(tmp_path: Path, number: int) -> None:
    log = _log(tmp_path)
    lines = log.path.read_text("utf-8").splitlines(keepends=True)
    entry = json.loads(lines[number])
    lines[number] = json.dumps({**entry, "who": "somebody else"}) + "\n"
    log.path.write_text("".join(lines), "utf-8")
    assert verify(log.path).broken == number + 1


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_line_that_was_taken_out_is_seen(tmp_path: Path, number: int) -> None:
    log = _log(tmp_path)
    lines = log.path.read_text("utf-8").splitlines(keepends=True)
    log.path.write_text("".join(lines[:number] + lines[number + 1 :]), "utf-8")
    assert verify(log.path).broken == number + 1


def test_a_torn_line_stays_and_the_chain_goes_on_behind_it(tmp_path: Path) -> None:
    log = _log(tmp_path)
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-20])
    log.append("allowed", {"number": 9})
    log.append("allowed", {"number": 10})
    assert log.path.read_bytes().startswith(whole[:-20] + b"\n")
    assert (verify(log.path).lines, verify(log.path).broken) == (5, None)


def test_garbage_that_nobody_speaks_of_is_seen(tmp_path: Path) -> None:
    log = _log(tmp_path, 1)
    with log.path.open("ab") as stream:
        stream.write(b"garbage\n")
    log.append("allowed", {})
    assert verify(log.path).broken == 3


def test_long_lines_are_chained_too(tmp_path: Path) -> None:
    log = _log(tmp_path, 1)
    for size in (70_000, 300_000, 10):
        log.append("allowed", {"question": "x" * size})
    assert (verify(log.path).lines, verify(log.path).broken) == (4, None)


def test_what_can_not_be_written_is_said(tmp_path: Path) -> None:
    log = _log(tmp_path)
    log.path.unlink()
    log.path.mkdir()
    with pytest.raises(Busy, match="the audit log can't be written"):
        log.append("allowed", {})


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    assert _log(tmp_path).path.parent.stat().st_mode & 0o077 == 0
