"""A statement computed again from the stored landed rows: the same, or the first stored input that differs is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from settlement.engines.duckdb import Session
from settlement.tables import Table
from tests.integration.bad import HouseIn
from tests.integration.example import LAST, MONTH, NEXT
from tests.integration.house import Answer, House, tree

DAY = "2026-02-16"


def rebuilt(house: House, partner: int = 2, *options: object, month: str = MONTH) -> Answer:
    """`audit rebuild`, working in memory."""
    work = house.root / "work"
    work.mkdir(exist_ok=True)
    answer = house.command("audit", "rebuild", "--month", month, "--partner", partner, "--work", work, *options)
    assert list(work.iterdir()) == []
    return answer


def folder(house: House, stage: str, table: str, day: str) -> Path:
    """The published files of a table of a day."""
    build_id = house.heads()[(stage, day, 0)]
    return house.warehouse / "tables" / table.replace(".", "/") / f"dt={day}" / f"build={build_id}"


def alter(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Write a Parquet file anew with other rows."""
    table = pq.read_table(path, partitioning=None)
    changed = change(table)
    assert not changed.equals(table)
    pq.write_table(changed, path)


def set_value(column: str, value: object, where: tuple[str, object]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        chosen = pc.fill_null(pc.equal(table[where[0]], pa.scalar(where[1], table[where[0]].type)), False)
        place, kind = table.schema.get_field_index(column), table.schema.field(column).type
        return table.set_column(place, table.schema.field(place), pc.if_else(chosen, pa.scalar(value, kind), table[column]))

    return change


def test_the_same_comes_out_again_and_nothing_is_touched(house_in: HouseIn) -> None:
    house = house_in("closed")
    before, records = tree(house.warehouse / "tables"), len(list(house.ledger.records()))
    answer = rebuilt(house)
    assert answer.code == 0, answer.said
    assert f"{MONTH} version 1, partner 2: the same came out again, from 28 stored builds" in answer.out
    for counted in ("tables of ods", "tables of daily", "tables of lines", "rows of the partner", "report files"):
        assert counted in answer.out
    assert tree(house.warehouse / "tables") == before
    assert len(list(house.ledger.records())) == records


def test_one_altered_row_of_a_stored_input_gives_another_hash(house_in: HouseIn) -> None:
    """A play of track 2 on a day on which partner 2 holds a share goes to track 3, which belongs to nobody."""
    house = house_in("closed")
    raw = folder(house, "raw", "raw.play", DAY)
    [path] = [file for file in raw.glob("*.parquet") if pq.read_metadata(file).num_rows]
    alter(path, set_value("track_id", "3", ("play_id", "b1")))
    answer = rebuilt(house)
    assert answer.code == 1
    assert f"altered: raw.play {DAY}: the rows in {raw} are not those that were sealed ({path.name})" in answer.out
    different = [line.split(":")[0] for line in answer.out.splitlines() if ", rebuilt " in line]
    assert different[:1] == [f"ods.play {DAY}"]
    for name in (
        "mart.settlement_line of partner 2",
        "mart.statement_royalty of partner 2",
        "partner=2/usage.csv",
        "partner=2/manifest.json",
    ):
        assert name in different
    published, again = (
        next(line for line in answer.out.splitlines() if line.startswith("mart.statement_royalty of"))
        .split(": published ")[1]
        .split(", rebuilt ")
    )
    assert published != again
    verdict = answer.out.strip().splitlines()[-1]
    assert verdict.startswith(
        f"{MONTH} version 1, partner 2 differs: the first stored file that was altered is of raw.play {DAY}"
    )
    assert verdict.endswith(f"with it ods.play {DAY} comes out differently")


def test_an_altered_row_of_a_stored_ods_table_is_named_and_the_statement_stands(house_in: HouseIn) -> None:
    house = house_in("closed")
    ods = folder(house, "ods", "ods.play", DAY)
    alter(ods / "part-00000.parquet", set_value("bucket", "abuse_flag", ("play_id", "b1")))
    answer = rebuilt(house)
    assert answer.code == 1
    assert f"altered: ods.play {DAY}: the rows in {ods} are not those that were sealed (part-00000.parquet)" in answer.out
    assert ", rebuilt " not in answer.out
    assert answer.out.strip().splitlines()[-1].endswith("(part-00000.parquet)")


def test_rows_that_were_never_what_the_rules_give_are_found(house_in: HouseIn) -> None:
    """Files, ledger and reports agree, but whoever computed the last days took a play for a bot's."""
    house = house_in("ending")
    real = Session.select

    def crooked(session: Session, table: Table) -> str:
        sql = real(session, table)
        excluded = "CASE WHEN play_id = 'x2' THEN 'abuse_flag' ELSE bucket END"
        return f"SELECT * REPLACE ({excluded} AS bucket) FROM ({sql}) AS s" if table.name == "ods.play" else sql

    with patch.object(Session, "select", crooked):
        run = house.run()
    assert run.code == 0, run.err
    answer = rebuilt(house)
    assert answer.code == 1
    assert "altered" not in answer.out.replace("no stored file was altered", "")
    assert "differs, though no stored file was altered: the first that does is ods.play 2026-02-26" in answer.out


def test_rules_that_were_edited_since_are_refused(house_in: HouseIn) -> None:
    house = house_in("closed")
    [release] = (house.warehouse / "releases").iterdir()
    path = release / "reference" / "rate_card.csv"
    path.write_text(path.read_text("utf-8").replace("700001", "700002"), "utf-8")
    answer = rebuilt(house)
    assert answer.code == 1
    assert f"{release}: its SQL and reference rows don't give its name" in answer.err
    path.unlink()
    assert f"release {release.name[:12]} can't be used" in rebuilt(house).err


def test_an_input_that_can_not_be_read_stops_the_rebuild_and_is_named(house_in: HouseIn) -> None:
    house = house_in("closed")
    raw = folder(house, "raw", "raw.payment", "2026-02-01")
    for path in raw.glob("*.parquet"):
        path.write_bytes(b"torn")
    answer = rebuilt(house)
    assert answer.code == 1
    assert f"altered: raw.payment 2026-02-01: {raw} can't be read" in answer.out
    assert "stopped: " in answer.out
    assert "the first stored file that was altered is of raw.payment 2026-02-01" in answer.out


@pytest.mark.parametrize(
    ("partner", "says"),
    [(99, f"partner 99 has nothing in {MONTH} version 1"), (1, "there are no statements of 2026-02 version 7")],
)
def test_what_is_not_there_is_not_rebuilt(partner: int, says: str, house_in: HouseIn) -> None:
    house = house_in("closed")
    options = [] if partner == 99 else ["--version", 7]
    answer = rebuilt(house, partner, *options)
    assert answer.code == 1
    assert says in answer.err


def test_published_files_that_are_gone_are_found(house_in: HouseIn) -> None:
    house = house_in("closed")
    shutil.rmtree(house.warehouse / "published" / f"month={MONTH}" / "version=1" / "partner=2")
    answer = rebuilt(house)
    assert answer.code == 1, answer.out
    assert "manifest.json" in answer.said


def test_an_open_month_is_rebuilt_without_reports(house_in: HouseIn) -> None:
    house = house_in("open")
    answer = rebuilt(house, 0)
    assert answer.code == 0, answer.said
    assert "report files" not in answer.out
    assert LAST[:7] in answer.out


def test_a_restatement_is_rebuilt_and_what_another_month_left_is_taken_as_stored(house_in: HouseIn) -> None:
    """The next month reads both versions of this one; their stored rows are compared with what was sealed."""
    house = house_in("next_days")
    assert house.run().code == 0
    card = house.reference / "rate_card.csv"
    card.write_text(card.read_text("utf-8").replace("105000", "900000"), "utf-8")
    request = ["restate", "request", "--month", MONTH, "--reason", "the rate was wrong", "--requested-by", "Ann"]
    assert house.command(*request, "--reference", house.reference).code == 0
    assert house.command("restate", "approve", "--month", MONTH, "--approved-by", "Bea").code == 0
    answer = rebuilt(house, 2, "--version", 2)
    assert answer.code == 0, answer.said
    assert f"{MONTH} version 2, partner 2: the same came out again" in answer.out
    assert "report files" not in answer.out
    assert "tables of statements" not in answer.out

    assert house.run(NEXT).code == 0
    build_id = house.heads()[("lines", MONTH, 2)]
    lines = house.warehouse / "tables/mart/statement_royalty" / f"month={MONTH}/version=2/build={build_id}"
    alter(lines / "part-00000.parquet", set_value("royalty_krw", 1, ("partner_id", 2)))
    answer = rebuilt(house, 2, month=NEXT)
    assert answer.code == 1
    assert f"altered: mart.statement_royalty {MONTH} version 2: the rows in {lines} are not those that were sealed" in answer.out
    different = [line.split(":")[0] for line in answer.out.splitlines() if ", rebuilt " in line]
    assert different[0] == f"mart.adjustment {NEXT} version 1"
    assert "partner=2/manifest.json" in different or "reports of the month" in different
