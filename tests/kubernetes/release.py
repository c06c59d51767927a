"""A release of the chart in a namespace of its own, put there by helm as `charts/deploy` does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.kubernetes.cluster import Cluster
from tests.charts.rendering import CHART, Manifest, helm, manifests
from tests.kubernetes.pods import NAMESPACE
from tests.kubernetes.town import MANIFEST, SECRET, Town

PLACE = "settlement-chart"
_NAME = "settlement"
_PATIENCE = "5m"
_SECRETS = ("settlement-ledger-reader", "settlement-ledger-owner", "settlement-api")
# Of Kubernetes itself: events tell of what was there, endpoints copy a Service with its labels.
_NOT_THE_CHART_S = ("events", "endpoints")


@dataclass(frozen=True)
class Release:
    """The release `settlement` in the namespace.

    Args:
        cluster: that it is put into.
        values: of the environment that the tests are, in a file.
    """

    cluster: Cluster
    values: Path

    def install(self) -> None:
        self._helm("install", _NAME, CHART, *self._values(), "--wait", "--wait-for-jobs")

    def upgrade(self, *changes: str) -> None:
        """Put other values in place; `changes` are helm's `--set`."""
        self._helm("upgrade", _NAME, CHART, *self._values(), *(f"--set={one}" for one in changes), "--wait", "--wait-for-jobs")

    def rollback(self, revision: int) -> None:
        self._helm("rollback", _NAME, str(revision), "--wait", "--wait-for-jobs")

    def uninstall(self) -> None:
        self._helm("uninstall", _NAME, "--wait", "--cascade=foreground")

    def revisions(self) -> list[tuple[int, str]]:
        """Number and state of each revision."""
        said = json.loads(self._helm("history", _NAME, "--output=json", timeout=False))
        return [(one["revision"], one["status"]) for one in said]

    def manifest(self, revision: int) -> list[Manifest]:
        """What a revision says that there is."""
        return manifests(self._helm("get", "manifest", _NAME, f"--revision={revision}", timeout=False))

    def differences(self, revision: int) -> str:
        """What of a revision's objects isn't as the revision says; empty when all are."""
        text = "\n---\n".join(json.dumps(one) for one in self.manifest(revision))
        asked = ("diff", "--server-side", "--force-conflicts", f"--namespace={PLACE}", "--filename=-")
        done = self.cluster.asked(*asked, text=text, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    def made(self) -> set[str]:
        """Everything in the namespace that says of itself that helm has put it there, as `Kind/name`; pods and theirs left out."""
        asked = ("get", self._kinds(), f"--namespace={PLACE}", "--selector=app.kubernetes.io/managed-by=Helm", "--output=json")
        found = json.loads(self.cluster.kubectl(*asked))["items"]
        return {named(one) for one in found if not one["metadata"].get("ownerReferences")}

    def everything(self) -> set[str]:
        """Everything that lies in the namespace, as `Kind/name`."""
        found = json.loads(self.cluster.kubectl("get", self._kinds(), f"--namespace={PLACE}", "--output=json"))["items"]
        return {named(one) for one in found}

    def beyond(self) -> str:
        """What helm has put outside of namespaces."""
        kinds = self._kinds(namespaced="false")
        return self.cluster.kubectl("get", kinds, "--selector=app.kubernetes.io/managed-by=Helm", "--output=name").strip()

    def _kinds(self, namespaced: str = "true") -> str:
        """Every kind of object that can be listed."""
        said = self.cluster.kubectl("api-resources", "--verbs=list", f"--namespaced={namespaced}", "--output=name").split()
        return ",".join(kind for kind in said if kind.partition(".")[0] not in _NOT_THE_CHART_S)

    def _values(self) -> Sequence[str | Path]:
        return ("--values", CHART / "values-dev.yaml", "--values", self.values)

    def _helm(self, *arguments: str | Path, timeout: bool = True) -> str:
        where = (f"--kubeconfig={self.cluster.keys.kubeconfig}", f"--namespace={PLACE}")
        done = helm(*arguments, *where, *((f"--timeout={_PATIENCE}",) if timeout else ()))
        assert done.returncode == 0, done.stderr
        return done.stdout


def named(one: Manifest) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


@contextmanager
def own_namespace(town: Town) -> Iterator[Cluster]:
    """A namespace like the one of audits, with the Secrets that somebody has made by hand; they also say where the bucket is."""
    cluster = town.cluster
    text = MANIFEST.read_text().replace(f"name: {NAMESPACE}", f"name: {PLACE}")
    cluster.kubectl("apply", "--filename=-", text=text)
    kept: dict[str, Any] = json.loads(cluster.kubectl("get", "secret", SECRET, f"--namespace={NAMESPACE}", "--output=json"))
    for name in _SECRETS:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": PLACE},
            "data": kept["data"],
            "stringData": town.for_pods,
        }
        cluster.kubectl("apply", "--filename=-", text=json.dumps(secret))
    given = ("serviceaccount/default", "configmap/kube-root-ca.crt")  # by Kubernetes, a moment later
    cluster.kubectl("wait", f"--namespace={PLACE}", *given, "--for=create", "--timeout=60s")
    try:
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", PLACE, "--timeout=120s")


def values(town: Town, image: str) -> dict[str, Any]:
    """An environment whose places are the town's: small, and with the API's own image."""
    repository, _, tag = image.rpartition(":")
    places = ("SETTLEMENT_LANDING", "SETTLEMENT_WAREHOUSE", "AWS_REGION")
    return {
        "image": {"registry": "", "pullPolicy": "Never", "api": {"repository": repository, "tag": tag}},
        "settings": {
            **{name: town.variables[name] for name in places},
            "SETTLEMENT_ANCHORS": f"{town.variables['SETTLEMENT_WAREHOUSE']}/anchors",
        },
        "api": {
            "resources": {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
            "scratch": "1Gi",
            "graceSeconds": 30,
        },
        "ledger": {"verify": {"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}}},
        "airflow": {"migrate": {"enabled": False}},  # it needs Airflow's own image and database
    }
