"""What moto's EMR and Glue lack, or do otherwise than AWS, as far as the settlement meets it."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.emr.exceptions import ValidationException
from moto.emr.models import Cluster, ElasticMapReduceBackend, Step
from moto.emr.responses import ElasticMapReduceResponse
from moto.glue.responses import GlueResponse

from local.services.emr_runner import ENDED, LOCK
from local.services.service import REGION

STEP_LIMIT = 256
_ARGUMENTS = 10_240
_LIVE = ("PENDING", "RUNNING", "CANCEL_PENDING")
_statistics: dict[tuple[str, str, tuple[str, ...]], dict[str, Any]] = {}
_known_status = Step.status.fget


def mend() -> None:
    """Put everything below in its place."""
    Step.status = property(_status)
    Cluster.add_steps = _add_steps
    Cluster.terminate = _terminate
    ElasticMapReduceBackend.add_job_flow_steps = _add_job_flow_steps
    ElasticMapReduceBackend.list_steps = _list_steps
    ElasticMapReduceResponse.default_region = REGION  # an address without a region says nothing of it
    ElasticMapReduceResponse.cancel_steps = _cancel_steps
    for scope in ("table", "partition"):
        setattr(GlueResponse, f"get_column_statistics_for_{scope}", _get_statistics)
        setattr(GlueResponse, f"update_column_statistics_for_{scope}", _update_statistics)
        setattr(GlueResponse, f"delete_column_statistics_for_{scope}", _delete_statistics)


# -- EMR ---------------------------------------------------------------------------------------------------------------


def _status(self: Any) -> dict[str, Any]:
    """With the details of a failure, which moto doesn't know."""
    status: dict[str, Any] = _known_status(self)
    details = getattr(self, "failure_details", None)
    return {**status, "FailureDetails": details} if details else status


def _add_steps(self: Any, steps: list[dict[str, Any]]) -> list[Any]:
    """Every step waits for the runner; moto's first one would run at once, by nobody."""
    added = [Step(state="PENDING", **step) for step in steps]
    with LOCK:
        self.steps.extend(added)
    return added


def _add_job_flow_steps(self: Any, job_flow_id: str, steps: list[dict[str, Any]]) -> list[Any]:
    cluster = self.describe_cluster(job_flow_id)
    if cluster.state in ("TERMINATING", *ENDED):
        raise ValidationException("A job flow that is shutting down, terminating, or finished may not be modified.")
    if sum(step.state in _LIVE for step in cluster.steps) + len(steps) > STEP_LIMIT:
        raise ValidationException(
            "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster exceeded."
        )
    for step in steps:
        if sum(map(len, step["hadoop_jar_step"].get("Args", []))) > _ARGUMENTS:
            raise ValidationException("Size of the arguments of a step exceeds the limit.")
    added: list[Any] = cluster.add_steps(steps)
    return added


def _list_steps(self: Any, cluster_id: str, step_ids: list[str] | None = None, step_states: list[str] | None = None) -> list[Any]:
    """The newest first; an unknown cluster is refused, as by EMR."""
    steps = reversed(self.describe_cluster(cluster_id).steps)
    return [s for s in steps if (not step_ids or s.id in step_ids) and (not step_states or s.state in step_states)]


def _terminate(self: Any) -> None:
    """Its steps end first; the runner does that."""
    if self.state not in ENDED:
        self.state = "TERMINATING"


def _cancel_steps(self: Any) -> ActionResult:
    """A waiting step is cancelled at once, one at work is asked to end, one that has ended can't be cancelled."""
    cluster = self.backend.describe_cluster(self._get_param("ClusterId"))
    wanted = self._get_param("StepIds", [])
    option = self._get_param("StepCancellationOption") or "SEND_INTERRUPT"
    with LOCK:
        told = [_cancel(step, option) for step in cluster.steps if step.id in wanted]
    return ActionResult({"CancelStepsInfoList": told})


def _cancel(step: Any, option: str) -> dict[str, str]:
    if step.state not in _LIVE:
        return {"StepId": step.id, "Status": "FAILED", "Reason": f"Step is already in state {step.state}."}
    step.cancellation = option
    if step.state == "PENDING":
        step.last_state_change_reason = "Step was cancelled by the user."
    step.state = "CANCELLED" if step.state == "PENDING" else "CANCEL_PENDING"
    return {"StepId": step.id, "Status": "SUBMITTED", "Reason": ""}


# -- Glue --------------------------------------------------------------------------------------------------------------


def _of(parameters: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    return parameters["DatabaseName"], parameters["TableName"], tuple(parameters.get("PartitionValues") or ())


def _get_statistics(self: Any) -> ActionResult:
    known = _statistics.get(_of(self.parameters), {})
    wanted = self.parameters.get("ColumnNames", [])
    return ActionResult({"ColumnStatisticsList": [known[name] for name in wanted if name in known], "Errors": []})


def _update_statistics(self: Any) -> ActionResult:
    known = _statistics.setdefault(_of(self.parameters), {})
    known |= {column["ColumnName"]: column for column in self.parameters["ColumnStatisticsList"]}
    return ActionResult({"Errors": []})


def _delete_statistics(self: Any) -> ActionResult:
    _statistics.get(_of(self.parameters), {}).pop(self.parameters["ColumnName"], None)
    return ActionResult({})
