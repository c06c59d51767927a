"""Whether work may begin: what a landing day, a day and a month wait for, and when a landing is late."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies
from hypothesis import settings as hypothesis_settings

from settlement.landing.contract import KINDS, Kind
from settlement.landing.folders import Landing
from settlement.ledger import Build, Ledger
from settlement.pipeline import day_before, day_range, days_of
from settlement.settings import settings
from settlement.steps import watching
from settlement.steps.ready import day_waits_for, landing_due, landing_waits_for, month_waits_for, required
from settlement.warehouse import Partition
from tests.airflow.sink import Sink, sink

DAY, NEXT_DAY, MONTH = "2026-02-10", "2026-02-11", "2026-02"
NINE = time(9)
DUE = datetime(2026, 2, 11, tzinfo=UTC)  # 09:00 in Seoul
SECOND = timedelta(seconds=1)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)


def arrive(landing: Landing, *days: str, kinds: tuple[Kind, ...] = KINDS) -> None:
    for kind in kinds:
        for day in days:
            landing.folder(kind, day).mkdir(parents=True, exist_ok=True)
            (landing.folder(kind, day) / "_SUCCESS").touch()


def publish(ledger: Ledger, stage: str, key: str, kinds: tuple[Kind, ...] = (), reads: tuple[str, ...] = ()) -> str:
    """Make a build of a day or a month's version 1 its head, made from the heads of `stage/day`; returns its id."""
    partition = Partition(key, 1) if len(key) == 7 else Partition(key)
    head = ledger.head(stage, partition)
    expected = head.build_id if head else None
    pins = {name: found.build_id for name in reads if (found := ledger.head(name.split("/")[0], Partition(name.split("/")[1])))}
    landed = {kind: [] for kind in kinds}
    build = Build(f"{stage}-{key}-{head.seq if head else 0}", stage, partition, "run", "r", pins, "i", "f", {}, expected, landed)
    ledger.seal(build)
    ledger.publish(build, {}, {})
    return build.build_id


def close(ledger: Ledger, month: str) -> None:
    ledger.close(ledger.reserve(month, "inputs", "run", "Ann"), "run", {})


# -- a landing day -----------------------------------------------------------------------------------------------------


def test_a_landing_day_waits_for_every_kind_of_which_nothing_ever_came(landing: Landing) -> None:
    assert landing_waits_for(landing, DAY) == [f"{kind}/dt={DAY}" for kind in KINDS]


def test_a_landing_day_waits_for_folders_without_their_marker(landing: Landing) -> None:
    arrive(landing, DAY)
    (landing.folder("payments", DAY) / "_SUCCESS").unlink()
    assert landing_waits_for(landing, DAY) == [f"payments/dt={DAY}"]
    arrive(landing, DAY)
    assert landing_waits_for(landing, DAY) == []


def test_a_landing_day_does_not_wait_for_a_kind_that_began_later(landing: Landing) -> None:
    arrive(landing, DAY, kinds=("plays", "catalog"))
    arrive(landing, NEXT_DAY, kinds=("payments", "other_revenue"))
    assert landing_waits_for(landing, DAY) == []
    assert landing_waits_for(landing, NEXT_DAY) == [f"plays/dt={NEXT_DAY}", f"catalog/dt={NEXT_DAY}"]


# -- a day -------------------------------------------------------------------------------------------------------------


def test_a_day_needs_plays_of_thirty_days_every_payment_and_its_own_catalogue(landing: Landing) -> None:
    first, plays_first = "2025-12-01", day_before(DAY, 30)
    arrive(landing, *day_range(first, DAY))
    needed = required(landing, DAY)
    assert sorted(needed) == list(day_range(first, DAY))
    assert {day for day, kinds in needed.items() if "plays" in kinds} == set(day_range(plays_first, DAY))
    assert needed[first] == needed[day_before(plays_first)] == {"payments", "other_revenue"}
    assert needed[plays_first] == {"plays", "payments", "other_revenue"}
    assert needed[DAY] == set(KINDS)


def test_a_day_looks_back_no_further_than_what_ever_came_and_a_gap_counts(landing: Landing) -> None:
    arrive(landing, DAY, kinds=("plays", "catalog"))
    arrive(landing, "2026-02-07", kinds=("payments",))  # nothing on the 8th and 9th
    assert required(landing, DAY) == {
        "2026-02-07": {"payments"},
        "2026-02-08": {"payments"},
        "2026-02-09": {"payments"},
        DAY: set(KINDS),
    }


@pytest.mark.parametrize("first", [None, NEXT_DAY])
def test_a_day_needs_all_its_own_kinds_even_before_the_first_of_them_came(landing: Landing, first: str | None) -> None:
    if first is not None:
        arrive(landing, first)
    assert required(landing, DAY) == {DAY: set(KINDS)}


def test_a_day_waits_for_the_raw_partitions_that_nobody_has_published(landing: Landing, ledger: Ledger) -> None:
    arrive(landing, "2026-02-09", DAY)
    publish(ledger, "raw", DAY, KINDS)
    assert day_waits_for(ledger, landing, DAY) == [f"raw 2026-02-09 ({kind})" for kind in ("other_revenue", "payments", "plays")]
    publish(ledger, "raw", "2026-02-09", KINDS)
    assert day_waits_for(ledger, landing, DAY) == []


def test_a_raw_partition_that_was_published_without_a_kind_is_waited_for_until_it_is_published_with_it(
    landing: Landing, ledger: Ledger
) -> None:
    arrive(landing, DAY)
    publish(ledger, "raw", DAY, ("plays", "catalog"))
    assert day_waits_for(ledger, landing, DAY) == [f"raw {DAY} (other_revenue)", f"raw {DAY} (payments)"]
    publish(ledger, "raw", DAY, KINDS)
    assert day_waits_for(ledger, landing, DAY) == []


def test_what_is_published_is_enough_when_the_folders_have_gone(landing: Landing, ledger: Ledger) -> None:
    publish(ledger, "raw", DAY, KINDS)
    assert day_waits_for(ledger, landing, DAY) == []


# -- a month -----------------------------------------------------------------------------------------------------------


def settle_days(ledger: Ledger, month: str, *besides: str) -> None:
    for day in days_of(month):
        if day not in besides:
            publish(ledger, "daily", day)


def test_a_month_waits_for_each_of_its_days_whatever_other_stages_and_months_have(ledger: Ledger) -> None:
    settle_days(ledger, MONTH, "2026-02-01", "2026-02-28")
    settle_days(ledger, "2026-01")
    publish(ledger, "ods", "2026-02-28")
    assert month_waits_for(ledger, MONTH) == ["daily 2026-02-01", "daily 2026-02-28"]
    settle_days(ledger, MONTH)
    assert month_waits_for(ledger, MONTH) == []


def test_a_month_waits_for_the_closing_of_the_one_before(ledger: Ledger) -> None:
    settle_days(ledger, "2026-03")
    assert month_waits_for(ledger, "2026-03") == [], "nothing was ever settled: it may be the first"
    ledger.reserve(MONTH, "inputs", "run", "Ann")
    assert month_waits_for(ledger, "2026-03") == [f"the closing of {MONTH}"]
    close(ledger, MONTH)
    assert month_waits_for(ledger, "2026-03") == []
    assert month_waits_for(ledger, "2026-04") == [*(f"daily {day}" for day in days_of("2026-04")), "the closing of 2026-03"]


def test_a_month_waits_for_a_day_that_was_settled_before_its_inputs_were_published_again(ledger: Ledger) -> None:
    settle_days(ledger, MONTH, DAY)
    for stage, source in (("raw", ()), ("ods", (f"raw/{DAY}",)), ("daily", (f"ods/{DAY}",))):
        publish(ledger, stage, DAY, reads=source)
    assert month_waits_for(ledger, MONTH) == []
    publish(ledger, "raw", DAY)
    assert month_waits_for(ledger, MONTH) == [f"ods {DAY} (settled before raw {DAY} was published again)"]
    publish(ledger, "ods", DAY, reads=(f"raw/{DAY}",))
    assert month_waits_for(ledger, MONTH) == [f"daily {DAY} (settled before ods {DAY} was published again)"]
    publish(ledger, "daily", DAY, reads=(f"ods/{DAY}",))
    assert month_waits_for(ledger, MONTH) == []


def test_a_day_that_was_settled_again_with_the_same_content_is_not_waited_for(ledger: Ledger) -> None:
    settle_days(ledger, MONTH, DAY)
    publish(ledger, "raw", DAY)
    head = publish(ledger, "ods", DAY, reads=(f"raw/{DAY}",))
    publish(ledger, "daily", DAY)
    publish(ledger, "raw", DAY)
    assert len(month_waits_for(ledger, MONTH)) == 1
    raw = ledger.head("raw", Partition(DAY))
    assert raw is not None
    again = Build("again", "ods", Partition(DAY), "run-2", "r", {f"raw/{DAY}": raw.build_id}, "i2", "f", {}, head, {})
    ledger.seal(again)
    ledger.append("confirmed", "run-2", {"inputs": "i2", "head": head}, Partition(DAY), "ods", "again")
    assert month_waits_for(ledger, MONTH) == []
    publish(ledger, "raw", DAY)
    assert len(month_waits_for(ledger, MONTH)) == 1


# -- late --------------------------------------------------------------------------------------------------------------


def test_a_landing_is_due_at_nine_in_seoul_the_morning_after_which_is_midnight_in_utc() -> None:
    assert landing_due(DAY, NINE) == DUE
    assert landing_due("2026-02-28", NINE) == datetime(2026, 3, 1, tzinfo=UTC)
    assert landing_due("2027-12-31", time(0, 30)) == datetime(2027, 12, 31, 15, 30, tzinfo=UTC)


@hypothesis_settings(deadline=None, database=None, derandomize=True)
@given(day=strategies.dates(date(2013, 1, 1), date(2040, 1, 1)), deadline=strategies.times())
def test_a_deadline_is_always_nine_hours_earlier_in_utc(day: date, deadline: time) -> None:
    due = landing_due(day.isoformat(), deadline)
    assert due.tzinfo is UTC
    assert (due + timedelta(hours=9)).replace(tzinfo=None) == datetime.combine(day + timedelta(days=1), deadline)


@pytest.fixture(scope="module")
def sentry() -> Iterator[Sink]:
    with sink() as kept:
        yield kept


@pytest.fixture
def watched(tmp_path: Path, landing: Landing, sentry: Sink, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """The place that watchers look at, and the Sentry that they tell."""
    sentry.received.clear()
    monkeypatch.setenv("SETTLEMENT_LANDING", str(landing.root))
    monkeypatch.setenv("SETTLEMENT_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("SETTLEMENT_SENTRY_DSN", sentry.dsn)
    another_process()
    yield sentry
    another_process()


def another_process() -> None:
    """Forget what a process keeps: what happens next is as if it happened in another one."""
    settings.cache_clear()
    watching._place.cache_clear()


def late(gate: str = "landing", after: timedelta = SECOND) -> list[str]:
    return list(watching.look(gate, DAY, DUE + after))


def records(kind: str = "late") -> list[tuple[str, str]]:
    return [(record.run_id, record.partition.key) for record in watching._place().ledger.records(kind=kind)]


def test_a_late_landing_is_recorded_and_reported_once_whoever_looks(watched: Sink, landing: Landing) -> None:
    arrive(landing, DAY, kinds=("plays", "catalog"))
    waiting = [f"payments/dt={DAY}", f"other_revenue/dt={DAY}"]
    assert late() == late() == waiting
    another_process()
    assert late() == waiting
    arrive(landing, DAY, kinds=("payments",))
    assert late() == waiting[1:]
    assert records() == [("watch", DAY)]
    (event,) = watched.received
    assert event["message"].startswith(f"landing {DAY} was due at 2026-02-11 00:00 UTC")
    assert all(folder in event["message"] for folder in waiting)
    (record,) = watching._place().ledger.records(kind="late")
    assert record.body == {"due": DUE.isoformat(), "waiting": waiting}


def test_of_many_who_look_at_once_one_reports(watched: Sink) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: late(), range(16)))
    assert len(seen) == 16
    assert records() == [("watch", DAY)]
    assert len(watched.received) == 1


def test_each_late_day_is_reported(watched: Sink) -> None:
    for day in (DAY, NEXT_DAY):
        watching.look("landing", day, DUE + timedelta(days=9))
    assert records() == [("watch", DAY), ("watch", NEXT_DAY)]
    first, second = watched.received
    assert first["event_id"] != second["event_id"]


def test_before_the_deadline_nothing_is_late_and_at_the_deadline_it_is(watched: Sink) -> None:
    late(after=-SECOND)
    assert records() == []
    assert watched.received == []
    late(after=timedelta(0))
    assert records() == [("watch", DAY)]
    assert len(watched.received) == 1


def test_a_landing_that_is_there_is_not_late_however_late_it_came(watched: Sink, landing: Landing) -> None:
    arrive(landing, DAY)
    assert late(after=timedelta(days=99)) == []
    assert records() == []
    assert watched.received == []


def test_another_deadline_is_kept_to(watched: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_LANDING_DEADLINE", "10:30")
    another_process()
    late(after=timedelta(minutes=89))
    assert watched.received == []
    late(after=timedelta(minutes=90))
    assert len(watched.received) == 1


def test_only_a_landing_can_be_late(watched: Sink) -> None:
    assert late("raw") == [f"raw {DAY} ({kind})" for kind in sorted(KINDS)]
    assert list(watching.look("days", MONTH, DUE + timedelta(days=99)))[-1] == "daily 2026-02-28"
    assert records() == []
    assert watched.received == []


def test_without_an_address_a_late_landing_is_still_recorded(watched: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTLEMENT_SENTRY_DSN")
    another_process()
    late()
    assert records() == [("watch", DAY)]
    assert watched.received == []


def test_looking_changes_nothing_but_the_late_record(watched: Sink) -> None:
    for gate in ("landing", "raw"):
        late(gate)
    assert len(watched.received) == 1
    assert [record.kind for record in watching._place().ledger.records()] == ["late"]
    assert watching._place().ledger.problems() == []
