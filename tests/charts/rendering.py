"""Rendering the chart as a deployment does: an environment's values, and the images of a release."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.helm import tool

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "settlement"
AIRFLOW = ROOT / "charts" / "airflow"
RELEASE = Path(__file__).parent / "release.yaml"
GOLDEN = Path(__file__).parent / "golden"
ENVIRONMENTS = ("dev", "staging", "production")
Manifest = Mapping[str, Any]


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm; what it says is in the answer, also when it refuses."""
    return subprocess.run([tool("helm"), *arguments], capture_output=True, text=True, check=False)


def template(environment: str, *more: str | Path) -> subprocess.CompletedProcess[str]:
    """Render the chart with an environment's values and a release's images."""
    values = ("--values", CHART / f"values-{environment}.yaml", "--values", RELEASE)
    return helm("template", "settlement", CHART, "--namespace", "settlement", *values, *more)


@cache
def rendered(environment: str, *more: str | Path) -> str:
    """What an environment is given."""
    done = template(environment, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(text: str) -> list[Manifest]:
    """The objects of a rendering."""
    return [document for document in yaml.safe_load_all(text) if document]


def pods(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Every pod that the objects make, by the name of who makes it."""
    for one in objects:
        spec = one.get("spec", {})
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec and "containers" in spec["template"].get("spec", {}):
            yield f"{one['kind']} {one['metadata']['name']}", spec["template"]


def pod_faults(name: str, pod: Manifest) -> list[str]:
    """What of a pod isn't allowed by Kubernetes' profile `restricted`, or by this house."""
    spec = pod["spec"]
    security = spec.get("securityContext", {})
    faults = [f"{name}: {word}" for word in ("hostNetwork", "hostPID", "hostIPC") if spec.get(word)]
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser", 0) >= 1000:
        faults.append(f"{name}: may run as root")
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        faults.append(f"{name}: no seccomp profile")
    kept = {"emptyDir", "configMap", "secret", "projected", "persistentVolumeClaim"}
    faults += [
        f"{name}: volume {v['name']} is of a kind that isn't allowed" for v in spec.get("volumes") or [] if not kept & v.keys()
    ]
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        faults += [f"{name}, {container['name']}: {fault}" for fault in _container_faults(container)]
    return faults


def _container_faults(container: Manifest) -> Iterator[str]:
    security = container.get("securityContext", {})
    wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    yield from (f"{key} isn't {value}" for key, value in wanted.items() if security.get(key) != value)
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
        yield "no resources"
    if "@sha256:" not in container["image"] or ":latest" in container["image"]:
        yield f"{container['image']} isn't given by digest"
    for variable in container.get("env", []):
        if any(word in variable["name"] for word in ("PASSWORD", "LEDGER_URL", "DSN", "CURSOR_KEY")) and "value" in variable:
            yield f"{variable['name']} stands in the open"
