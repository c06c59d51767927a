"""Names of runs, and gates: what they ask, when they wait."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from settlement_airflow.operators.gate import LandingSensor, MonthGate, RawGate
from settlement_airflow.runs import RunName
from tests.dags.conftest import Fake, context


def test_a_run_is_named_by_its_dag_its_partition_and_who_asked() -> None:
    assert RunName.of(context("2026-02-28", "Ann")) == RunName("settlement_daily/manual__1", "2026-02-28", "Ann")
    assert RunName.of(context("2026-02")) == RunName("settlement_daily/manual__1", "2026-02", "service:scheduler")
    assert RunName.of(context(by="")).requested_by == "service:scheduler"
    assert (RunName.of(context("2026-02-28")).grain, RunName.of(context("2026-02")).grain) == ("day", "month")


@pytest.mark.parametrize(
    "key",
    [None, "", "today", "2026", "2026-2-1", "2026-02-28T00:00:00", " 2026-02-28", "2026-02-28\n", "２０２６-02-28", "2026-02-28|x", "../2026-02"],
)  # fmt: skip
def test_a_run_without_a_day_or_a_month_fails_at_once_and_says_what_is_wanted(key: str | None) -> None:
    with pytest.raises(
        AirflowFailException, match="must be a day YYYY-MM-DD or a month YYYY-MM; trigger the DAG again"
    ) as raised:
        RunName.of(context(key))
    assert repr(key or "") in str(raised.value)


@pytest.mark.parametrize("key", ["2026-02-31", "2026-13", "2026-00-10"])
def test_a_key_that_is_no_date_fails_at_once(key: str) -> None:
    with pytest.raises(AirflowFailException):
        RunName.of(context(key))


@pytest.mark.parametrize(("gate", "key"), [(LandingSensor, "2026-02"), (RawGate, "2026-02"), (MonthGate, "2026-02-28")])
def test_a_gate_refuses_a_key_of_the_other_grain_before_anything_is_started(
    gate: type[LandingSensor], key: str, fake: Fake
) -> None:
    folder = fake("open('started', 'w')")
    with pytest.raises(AirflowFailException, match="this DAG's partitions are"):
        gate(task_id="wait").execute(context(key))
    assert not (folder / "started").exists()


def test_an_open_gate_says_what_release_it_froze(fake: Fake) -> None:
    fake("answer({'outcome': 'released', 'sentence': ' '.join(sys.argv[3:]), 'waits_for': []})")
    sentence = RawGate(task_id="wait").execute(context(by="Ann"))
    assert sentence == "begin --run settlement_daily/manual__1 --partition 2026-02-28 --by=Ann --gate raw"


@pytest.mark.parametrize(
    ("gate", "name", "key"),
    [(LandingSensor, "landing", "2026-02-28"), (RawGate, "raw", "2026-02-28"), (MonthGate, "days", "2026-02")],
)
def test_a_closed_gate_waits_and_asks_anew_when_it_is_woken(gate: type[LandingSensor], name: str, key: str, fake: Fake) -> None:
    folder = fake(
        "answer({'outcome': 'released', 'sentence': 'x', 'waits_for': [] if os.path.exists(sys.argv[0] + '-open') else ['a', 'b']})"
    )
    operator = gate(task_id="wait")
    for ask in (lambda: operator.execute(context(key)), lambda: operator.execute_complete(context(key), {"sentence": "woken"})):
        with pytest.raises(TaskDeferred) as raised:
            ask()
        assert raised.value.trigger.serialize()[1] == {"gate": name, "partition": key}
        assert raised.value.method_name == "execute_complete"
        assert raised.value.timeout is None
    (folder / "python-open").touch()
    assert operator.execute_complete(context(key), {"sentence": "woken"}) == "x"
