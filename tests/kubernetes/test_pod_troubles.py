"""Fault 19, and 14 where Kubernetes itself fails: pods that don't start, are ended, or lose the API they are watched by.

After each of them nothing is published and no pod is left; after those that come in the middle a clear is seen to succeed.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest
from airflow.sdk.exceptions import AirflowException

from settlement_airflow.hooks import step_pods
from tests.kubernetes.disturbances import api_away, pressed, until_tainted
from tests.kubernetes.town import PATIENCE_SECONDS, Town, context, in_phase, saying, uids

# The kubelet's words for a pod that it removes, and for one that it finds when it starts.
_NO_ROOM = r"(The node was low on resource|Pod was rejected: The node had condition: \[DiskPressure\])"


@pytest.fixture
def afterwards(town: Town) -> Iterator[None]:
    """What trouble in the middle must leave behind: nothing, and a task that may be cleared."""
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
    assert town.published() is None


@pytest.mark.usefixtures("afterwards")
@pytest.mark.fault(19)
def test_a_pod_without_memory_says_so(town: Town) -> None:
    with pytest.raises(AirflowException, match=r"needed more memory than its 48Mi[\s\S]*→ raise SETTLEMENT_POD_MEMORY"):
        town.operator(memory="48Mi").execute(context())
    assert not town.verdict().exists()


@pytest.mark.usefixtures("afterwards")
@pytest.mark.fault(19)
def test_a_pod_that_takes_too_long_is_ended_and_says_so(town: Town) -> None:
    town.forward.hold()
    task = town.operator(run_seconds="5")
    # the worker's own steps don't pass through the forward
    with pytest.raises(AirflowException, match=r"ran longer than it may[\s\S]*→ raise SETTLEMENT_POD_RUN_SECONDS"):
        task.execute(context())
    town.forward.release()


# -- ended by its node ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("afterwards")
@pytest.mark.fault(19)
def test_a_pod_that_fills_its_disk_is_evicted_and_says_so(town: Town) -> None:
    task = saying(town, "head -c 64M /dev/zero > /scratch/spilled; exec sleep 300", scratch="32Mi")
    with pytest.raises(AirflowException, match=r"needed more disk than its 32Mi[\s\S]*→ raise SETTLEMENT_POD_SCRATCH"):
        task.execute(context())


@pytest.mark.usefixtures("afterwards")
@pytest.mark.fault(19)
def test_a_node_without_room_evicts_the_pod_and_takes_no_other_until_it_has(town: Town) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        town.until(in_phase("Running"))
        with pressed(town.cluster):
            with pytest.raises(AirflowException, match=rf"was ended by its node: Evicted: {_NO_ROOM}"):
                attempt.passed()
            until_tainted(town.cluster)
            with pytest.raises(AirflowException, match=r"no node takes pod .*untolerated taint[\s\S]*→ wait for a node"):
                town.operator(start_seconds="2").execute(context(number=2))


@pytest.mark.usefixtures("afterwards")
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


@pytest.mark.usefixtures("afterwards")
@pytest.mark.fault(14)
def test_an_api_server_that_restarts_in_the_middle_disturbs_nobody(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    unanswered = Event()
    said = step_pods._said
    monkeypatch.setattr(step_pods, "_said", lambda error: (unanswered.set(), said(error))[1])
    town.forward.hold()
    with town.trying() as attempt:
        running = town.until(in_phase("Running"))
        with api_away(town.cluster):
            assert unanswered.wait(PATIENCE_SECONDS)
        assert uids(town.pods.all()) == uids([running])
        town.forward.release()
        assert attempt.passed()


@pytest.mark.usefixtures("afterwards")
@pytest.mark.fault(14)
def test_an_api_server_that_stays_away_fails_the_try_and_the_next_one_finds_the_pod(town: Town) -> None:
    town.forward.hold()
    with town.trying(lost_seconds="2") as attempt:
        running = town.until(in_phase("Running"))
        with (
            api_away(town.cluster),
            pytest.raises(AirflowException, match=r"hasn't answered for 2 s.*\n  → see that the cluster"),
        ):
            attempt.passed()
    town.until(in_phase("Succeeded"))
    task = town.operator()
    assert "passed its audit" in task.execute(context(number=2))
    assert task.pod.metadata.uid == running["metadata"]["uid"]
