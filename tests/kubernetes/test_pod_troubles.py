"""Fault 19, and 14 where Kubernetes itself fails: pods that don't start, are ended, or lose the API they are watched by.

After each of them nothing is published, no pod is left, and a clear succeeds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.kubernetes.node import pressed
from tests.kubernetes.town import Town, context, in_phase, saying, soon, uids


@pytest.fixture(autouse=True)
def afterwards(town: Town) -> Iterator[None]:
    """What every one of these troubles must leave behind: nothing, and a task that may be cleared."""
    yield
    assert town.published() is None
    assert town.pods.all() == []
    assert "passed its audit" in town.operator().execute(context(number=4, tries=7))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"node_selector": "pool=none"}, r"no node takes pod settlement/audit-.*(didn't|did not) match.*\n  → wait for a node"),
        ({"cpu": "64", "start_seconds": "2"}, r"no node takes pod .*Insufficient cpu"),
        ({"image": "localhost/not-there:1"}, r"can't have its image localhost/not-there:1: ErrImageNeverPull"),
        (
            {"image": "localhost/not-there:1", "pull_policy": "IfNotPresent"},
            r"can't have its image .*(ErrImagePull|ImagePullBackOff)",
        ),
        ({"secret": "not-there"}, r'can\'t be made: secret "not-there" not found'),
        ({"service_account": "not-there"}, r"Kubernetes refuses pod .*serviceaccount \"not-there\" not found"),
    ],
    ids=["no such node", "too large", "image not there", "image can't be fetched", "no secret", "no service account"],
)
def test_19_a_pod_that_doesn_t_start_is_explained_and_leaves_nothing(town: Town, settings: dict[str, str], says: str) -> None:
    task = town.operator(**{"start_seconds": "8", **settings})
    with pytest.raises(AirflowException, match=says):
        task.execute(context())
    assert town.pods.all() == []


@pytest.mark.fault(19)
def test_a_pod_without_memory_says_so(town: Town) -> None:
    with pytest.raises(AirflowException, match=r"needed more memory than its 48Mi[\s\S]*→ raise SETTLEMENT_POD_MEMORY"):
        town.operator(memory="48Mi").execute(context())
    assert not town.verdict().exists()


@pytest.mark.fault(19)
def test_a_pod_that_takes_too_long_is_ended_and_says_so(town: Town) -> None:
    town.forward.hold()
    task = town.operator(run_seconds="5")
    # the worker's own steps don't pass through the forward
    with pytest.raises(AirflowException, match=r"ran longer than it may[\s\S]*→ raise SETTLEMENT_POD_RUN_SECONDS"):
        task.execute(context())
    town.forward.release()


# -- ended by its node ------------------------------------------------------------------------------------------------


@pytest.mark.fault(19)
def test_a_pod_that_fills_its_disk_is_evicted_and_says_so(town: Town) -> None:
    task = saying(town, "head -c 64M /dev/zero > /scratch/spilled; exec sleep 300", scratch="32Mi")
    with pytest.raises(AirflowException, match=r"needed more disk than its 32Mi[\s\S]*→ raise SETTLEMENT_POD_SCRATCH"):
        task.execute(context())


@pytest.mark.fault(19)
def test_a_node_without_room_evicts_the_pod_and_takes_no_other_until_it_has(town: Town) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        town.until(in_phase("Running"))
        with pressed(town.cluster):
            with pytest.raises(AirflowException, match=r"was ended by its node: Evicted: The node was low on resource"):
                attempt.passed()
            with pytest.raises(AirflowException, match=r"no node takes pod .*disk-pressure[\s\S]*→ wait for a node"):
                town.operator(start_seconds="2").execute(context(number=2))


@pytest.mark.fault(19)
def test_a_node_that_is_drained_takes_the_pod_away_and_the_retry_makes_another(town: Town) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        running = town.until(in_phase("Running"))
        town.pods.evict(running)
        with pytest.raises(AirflowException, match=r"somebody has removed pod [\s\S]*→ the task tries again, in another one"):
            attempt.passed()
    assert "passed its audit" in town.operator().execute(context(number=2))


# -- the API is away --------------------------------------------------------------------------------------------------


@pytest.mark.fault(14)
def test_an_api_server_that_restarts_in_the_middle_disturbs_nobody(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        running = town.until(in_phase("Running"))
        town.cluster.stop("kube-apiserver")
        with caplog.at_level(logging.WARNING):
            soon(lambda: "The Kubernetes API doesn't answer" in caplog.text)
        town.cluster.start("kube-apiserver")
        assert uids(town.pods.all()) == uids([running])
        town.forward.release()
        assert attempt.passed()


@pytest.mark.fault(14)
def test_an_api_server_that_stays_away_fails_the_try_and_the_next_one_finds_the_pod(town: Town) -> None:
    town.forward.hold()
    with town.trying(lost_seconds="2") as attempt:
        running = town.until(in_phase("Running"))
        town.cluster.stop("kube-apiserver")
        try:
            with pytest.raises(AirflowException, match=r"hasn't answered for 2 s.*\n  → see that the cluster runs"):
                attempt.passed()
        finally:
            town.cluster.start("kube-apiserver")
    town.until(in_phase("Succeeded"))
    task = town.operator()
    assert "passed its audit" in task.execute(context(number=2))
    assert task.pod.metadata.uid == running["metadata"]["uid"]
