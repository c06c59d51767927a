"""A step in a Kubernetes pod, safe against whatever dies in between."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException

from settlement.settings_pods import pod_settings
from settlement_airflow.hooks.pod_names import PodName
from settlement_airflow.hooks.pod_spec import CONTAINER, pod_arguments, restrict
from settlement_airflow.hooks.pod_troubles import step_s_answer, terminated, why_ended
from settlement_airflow.hooks.step_pods import StepPodsHook
from settlement_airflow.hooks.step_process import refused
from settlement_airflow.operators.step import StepMixin
from settlement_airflow.wording import in_airflow_s_words

_LOG_SECONDS = 5.0  # how long the rest of a log may take once its pod has ended


@dataclass(frozen=True)
class Work:
    """What a pod is to do: its name, and the step with its options."""

    name: PodName
    arguments: Sequence[str]


class StepPodOperator(StepMixin, KubernetesPodOperator):
    """Run one step in a pod of the release's image and prove what it came to by its output.

    Worker killed → the pod lives on; the retry finds it by its labels and attaches, or takes up what it has come to meanwhile.
    Dispatched twice → the pod's name follows from its work, so Kubernetes refuses a second one; both tries watch the first.
    Cleared, marked or stopped → the pod is removed; what the signal didn't reach is removed by the next attempt, which makes
    nothing before the old pod is gone. A retry resumes, a clear starts over.
    Not started in time, no image, no node → the pod is removed, and the task says why in a sentence, with Kubernetes' events.
    Log gaps, a log that breaks off → the log is for people: nothing is decided by it.
    Success is exit code 0 and what `finish` proves from the output: neither is enough.

    Not deferrable. The provider's trigger removes the pod when it is cancelled, also when another triggerer only takes over;
    it takes the pod's phase for the result; and when the pod is gone it believes the event. A step lasts minutes.

    Of the provider it takes the pod's specification, the client, the reading of logs and the fields of the task's page;
    its `execute` begins anew where it should adopt, and removes without seeing the end.
    """

    ui_color = "#f5ecd2"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**pod_arguments(pod_settings()), **kwargs}, deferrable=False)
        self._pods: StepPodsHook | None = None

    @abstractmethod
    def prepare(self, context: Any) -> Work | str:
        """What the pod is to do; or the sentence that says why there is nothing to do. The same for all tries of an attempt."""

    @abstractmethod
    def finish(self, context: Any, name: PodName) -> str:
        """Prove the result by the step's output, and say so in a sentence; raises when it isn't there or is wrong."""

    def execute(self, context: Any) -> str:
        with in_airflow_s_words():
            work = self.prepare(context)
        if isinstance(work, str):
            self.log.info(work)
            return work
        self._run(context, work)
        return self.finish(context, work.name)

    def on_kill(self) -> None:
        """Called by Airflow when the task is cleared, marked or stopped while it runs."""
        self._killed = True
        StepMixin.on_kill(self)
        if self._pods is not None and self.pod is not None:
            seen = self._pods.kill(self.pod)
            self.log.info("Pod %s is %s", self.pod.metadata.name, "removed" if seen else "asked to end; the next try looks again")

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> Any:
        """The pod, restricted: also those containers that a cluster policy has added to it."""
        return restrict(super().build_pod_request_obj(context, dry_run=dry_run))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _run(self, context: Any, work: Work) -> None:
        """Have the work done by a pod; returns when it has ended well and is gone."""
        self.name = str(work.name)
        self.labels = work.name.labels
        self.annotations = {"settlement/files-hash": work.name.files_hash} if work.name.files_hash else {}
        self.arguments = list(work.arguments)
        pods = self._pods = StepPodsHook(self.client, pod_settings())
        selector = ",".join(f"{name}={value}" for name, value in self._get_ti_pod_labels(context, False).items())
        self.pod = pods.ensure(work.name, self.build_pod_request_obj(context), selector)
        context["ti"].xcom_push(key="pod_name", value=self.pod.metadata.name)
        context["ti"].xcom_push(key="pod_namespace", value=self.pod.metadata.namespace)
        try:
            self._require_success(self._watched(pods, self.pod))
        finally:
            if not self._killed:  # whoever killed the task has removed it
                self._tidy(pods, self.pod)

    def _watched(self, pods: StepPodsHook, pod: Any) -> Any:
        """Wait for a pod's end, its log beside; returns the pod as it was then."""
        pods.started(pod)
        reading = Thread(target=self._read_log, args=(pod,), daemon=True, name=f"log of {pod.metadata.name}")
        reading.start()
        ended = pods.ended(pod)
        reading.join(_LOG_SECONDS)
        return ended

    def _read_log(self, pod: Any) -> None:
        try:
            self.pod_manager.fetch_container_logs(pod, CONTAINER, follow=True, container_name_log_prefix_enabled=False)
        except Exception as error:
            self.log.warning("The pod's log can't be read on (%s): the verdict doesn't depend on it", type(error).__name__)

    def _require_success(self, pod: Any) -> None:
        ended = terminated(pod)
        if pod.status.phase == "Succeeded" and ended is not None and ended.exit_code == 0:
            return
        answer = step_s_answer(pod) if ended is not None and not pod.status.reason else None
        if answer is not None:
            raise refused(answer, ended.exit_code, self.log)
        assert self._pods is not None
        raise AirflowException(why_ended(pod, self._pods.events(pod)))

    def _tidy(self, pods: StepPodsHook, pod: Any) -> None:
        """Remove the pod. That it can't be now changes nothing of the result: the next attempt, or ops, will."""
        try:
            pods.remove([pod])
        except Exception as error:
            self.log.warning("Pod %s is left: %s", pod.metadata.name, error)
