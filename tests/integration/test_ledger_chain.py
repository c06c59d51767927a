"""What the database can't say of itself: a chain cut off or rewritten as a whole, anchors that were taken away or edited."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from settlement.errors import SettlementError
from settlement.ledger import Ledger
from settlement.ledger.anchors import ANCHORED, Anchor, Anchors
from settlement.ledger.records import GENESIS, chain_hash
from settlement.ledger.verify import HASHED
from settlement.settings import settings
from settlement.warehouse import Partition
from tests.integration.bad import HouseIn
from tests.integration.example import MONTH
from tests.integration.house import House

Attack = Callable[[sqlite3.Connection], object]


def attack(house: House, *steps: Attack) -> None:
    """Change the database as somebody would who takes the guards away and puts them back."""
    with closing(sqlite3.connect(house.warehouse / "ledger.db")) as connection, connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        for step in steps:
            step(connection)
        for _, statement in guards:
            connection.execute(statement)


def sql(*statements: str) -> Attack:
    return lambda connection: [connection.execute(statement) for statement in statements]


def rehash(connection: sqlite3.Connection) -> None:
    """Give every record the hash that follows from its content and the record before: the chain agrees with itself."""
    connection.row_factory = sqlite3.Row
    before = GENESIS
    for row in connection.execute("SELECT * FROM record ORDER BY seq").fetchall():
        own = chain_hash(before, {name: row[name] for name in HASHED})
        connection.execute("UPDATE record SET prev_hash = ?, hash = ? WHERE seq = ?", (before, own, row["seq"]))
        before = own


def rederive(connection: sqlite3.Connection) -> None:
    """Make the heads those of the chain."""
    connection.execute("DELETE FROM head")
    connection.execute(
        "INSERT INTO head SELECT stage, partition, version, build_id, max(seq) FROM record WHERE kind = 'published' "
        "GROUP BY stage, partition, version"
    )


SWAPPED = sql(
    "UPDATE record SET seq = -1 WHERE seq = 70",
    "UPDATE record SET seq = 70 WHERE seq = 71",
    "UPDATE record SET seq = 71 WHERE seq = -1",
)
EVE = "UPDATE record SET body = replace(body, 'Bea', 'Eve') WHERE kind = 'approved'"


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([sql(EVE)], "was edited: its content doesn't give its hash"),
        ([SWAPPED], "record 70 doesn't follow the record before it"),
        ([sql("DELETE FROM record WHERE seq = 70")], "record 70 is missing: the next one is 71"),
        ([sql("DELETE FROM record WHERE kind = 'closed'")], "records were cut off after record"),
        ([sql("DELETE FROM record WHERE seq > 9"), rederive], "records were cut off after record 9: record"),
        ([sql("DELETE FROM record", "DELETE FROM head")], "records were cut off after record 0: record"),
        ([sql(EVE), rehash], "the chain was rewritten there or before (2 anchors disagree)"),
        ([SWAPPED, rehash, rederive], "the chain was rewritten there or before"),
        (
            [sql("DELETE FROM record WHERE seq = 70", "UPDATE record SET seq = seq - 1 WHERE seq > 70"), rehash, rederive],
            "the chain was rewritten there or before",
        ),
        ([sql("UPDATE head SET build_id = 'x' WHERE stage = 'pools'")], f"head of pools {MONTH} version 1 is not what"),
    ],
    ids=[
        "edited", "reordered", "removed", "closing cut off", "cut off, heads too", "emptied", "edited and rewritten",
        "reordered and rewritten", "removed and rewritten", "head edited",
    ],
)  # fmt: skip
def test_what_was_done_to_the_ledger_is_named(steps: list[Attack], says: str, house_in: HouseIn) -> None:
    house = house_in("closed")
    house.assert_chain_holds()
    attack(house, *steps)
    answer = house.command("ledger", "verify")
    assert answer.code == 1
    assert says in answer.out
    assert "the chain holds" not in answer.out


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([sql(EVE), rehash], "2 anchors disagree"),
        ([sql("DELETE FROM record WHERE kind = 'closed'")], "1 anchors name a record that isn't there"),
    ],
)
def test_without_anchors_those_attacks_would_not_show(steps: list[Attack], says: str, house_in: HouseIn) -> None:
    """Whoever also takes the anchors away is found by a copy elsewhere, or by one hash that somebody kept."""
    house = house_in("closed")
    kept = list(house.ledger.records())[-1].hash
    copy = house.root / "copy"
    shutil.copytree(house.warehouse / "anchors", copy)
    attack(house, *steps)
    shutil.rmtree(house.warehouse / "anchors")
    [problem] = house.ledger.problems()
    assert problem.startswith(f"there are no anchors in {house.warehouse / 'anchors'}, and ")
    house.ledger.anchor()  # and makes up new ones
    house.assert_chain_holds()
    assert says in house.command("ledger", "verify", "--anchors", copy).out
    assert f"no record has the hash {kept}" in house.command("ledger", "verify", "--head", kept).out


def test_a_copy_of_some_anchors_and_a_kept_hash_agree_with_a_sound_chain(house_in: HouseIn) -> None:
    house = house_in("closed")
    first, *_, last = house.ledger.anchors()
    copy = Anchors(house.root / "copy")
    copy.write(first)
    answer = house.command("ledger", "verify", "--anchors", copy.folder, "--head", first.hash, "--head", last.hash)
    assert answer.code == 0, answer.out
    anchored = sum(record.kind in ANCHORED for record in house.ledger.records())
    assert f"{anchored} anchors are as they were written" in answer.out
    assert "2 hashes that you kept are in the chain" in answer.out
    assert house.command("ledger", "verify", "--anchors", house.root / "nowhere").code == 1


def test_an_anchor_that_was_removed_is_missed(house_in: HouseIn) -> None:
    house = house_in("closed")
    taken = house.ledger.anchors()[5]
    (house.warehouse / "anchors" / taken.name).unlink()
    answer = house.command("ledger", "verify")
    assert answer.code == 1
    assert f"the anchor of record {taken.seq} (published) was removed from" in answer.out
    assert "(1 are missing)" in answer.out


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"hash":"', '"hash":"0')[:-1],
        lambda text: text.replace('"seq":', '"seq":1'),
        lambda _: "",
        lambda _: '{"seq": 1}',
        lambda _: '{"seq": "1", "hash": "a", "at": "2026-01-01", "count": 1}',
    ],
)
def test_an_anchor_that_was_edited_is_named(edit: Callable[[str], str], house_in: HouseIn) -> None:
    house = house_in("closed")
    path = house.warehouse / "anchors" / house.ledger.anchors()[-1].name
    path.chmod(0o644)
    path.write_text(edit(path.read_text("utf-8")), "utf-8")
    answer = house.command("ledger", "verify")
    assert answer.code == 1
    assert f"anchor {path} was edited" in answer.out


def test_every_publication_approval_and_closing_has_its_anchor(house_in: HouseIn) -> None:
    house = house_in("closed")
    records = [record for record in house.ledger.records() if record.kind in ANCHORED]
    anchors = house.ledger.anchors()
    assert [(a.seq, a.hash, a.at, a.count) for a in anchors] == [(r.seq, r.hash, r.at, r.seq) for r in records]
    assert {record.kind for record in records} == {"published", "approved", "closed"}
    for anchor in anchors:
        path = house.warehouse / "anchors" / anchor.name
        assert json.loads(path.read_text("utf-8")) == asdict(anchor)
        assert path.stat().st_mode & 0o222 == 0


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)


def close(ledger: Ledger, month: str) -> None:
    ledger.close(Partition(month, 1), "run", {})


def anchored(ledger: Ledger) -> list[int]:
    return [anchor.seq for anchor in ledger.anchors()]


def test_a_head_that_can_not_be_written_stops_no_append_and_is_made_up_for(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "anchors").write_text("a file is in the way")
    close(ledger, "2026-01")
    close(ledger, "2026-02")
    assert len(list(ledger.records(kind="closed"))) == 2
    assert "the ledger's head was not written to" in caplog.text
    (tmp_path / "anchors").unlink()
    close(ledger, "2026-03")
    assert anchored(ledger) == [1, 2, 3]
    assert ledger.problems() == []


def test_a_record_that_moves_nothing_has_no_anchor_until_the_run_ends(ledger: Ledger) -> None:
    close(ledger, "2026-01")
    ledger.append("begun", "run", {}, Partition("2026-02-01"), "raw")
    assert anchored(ledger) == [1]
    assert ledger.verify().unanchored == 1
    ledger.anchor()
    assert anchored(ledger) == [1, 2]
    assert ledger.verify().unanchored == 0


def test_an_anchor_is_never_overwritten(ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    close(ledger, "2026-01")
    [anchor] = ledger.anchors()
    ledger.anchor()
    assert caplog.text == ""
    path = tmp_path / "anchors" / anchor.name
    path.chmod(0o644)
    path.write_text("{}", "utf-8")
    anchors = Anchors(tmp_path / "anchors")
    with pytest.raises(SettlementError, match="holds something else"):
        anchors.write(anchor)
    assert path.read_text("utf-8") == "{}"


def test_the_newest_anchor_is_found_on_the_newest_day(tmp_path: Path) -> None:
    anchors = Anchors(tmp_path)
    assert anchors.newest() == 0
    for seq, day in ((3, "2026-01-31"), (12, "2026-02-01"), (101, "2026-02-01")):
        anchors.write(Anchor(seq, "a" * 64, f"{day}T00:00:00", seq))
    (tmp_path / "2026-02-02").mkdir()
    assert anchors.newest() == 101


def test_anchors_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_ANCHORS", str(tmp_path / "elsewhere"))
    settings.cache_clear()
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)
    close(ledger, "2026-01")
    settings.cache_clear()
    assert len(list((tmp_path / "elsewhere").rglob("*.json"))) == 1
    assert not (tmp_path / "anchors").exists()
    monkeypatch.undo()
    settings.cache_clear()
