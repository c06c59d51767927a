"""The cluster as a whole: up when a pod has run, down without a trace."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.helm import tool
from local.kubernetes import addresses as at
from local.kubernetes import components, images, leftovers, network, programs
from local.kubernetes.keys import Keys
from local.services.install import fill, run, say
from local.services.process import listener, locked
from local.services.service import ServiceError

HERE = Path(__file__).parent
_TEMPLATES = ("containerd.toml", "kubelet.yaml", "kube-proxy.yaml")
# The other way round than they are started: nothing may make pods anew while they are taken down.
_MAKERS = ("kube-controller-manager", "kube-scheduler")
_OTHERS = ("kube-proxy", "kubelet", "kube-apiserver", "etcd", "containerd")
NAMES = (*_MAKERS, *_OTHERS)
_POD_SECONDS = 120.0


class Cluster:
    """The one cluster of this machine. Its data end with it.

    Killed while it comes up or goes down → call `up` or `down` again: both begin by clearing what is left.

    Args:
        state: folder of all that it writes.
    """

    def __init__(self, state: Path | None = None) -> None:
        self.state = (state or at.default_state()).resolve()
        self.keys = Keys(self.state)

    def up(self) -> None:
        """Install, start, and wait until a pod has run. Does nothing when it works.

        Raises:
            ServiceError: a program can't be had, a port is taken, or something doesn't work; says what and where its log is.
        """
        programs.install()
        with locked(at.LOCK):
            if self.works():
                return
            self._clear()
            self._refuse_taken()
            self.state.mkdir(parents=True, exist_ok=True)
            leftovers.note_network_names(self.state)
            network.up(self.state)
            self.keys.make()
            self._configure()
            say("Kubernetes: starting …")
            components.containerd(self.state).start(self.state)
            for component in components.control_plane(self.state, self.keys):
                component.start(self.state)
            self.load(images.pause())
            for component in components.node(self.state, self.keys):
                component.start(self.state)
            self._run_a_pod()

    def down(self) -> None:
        """Stop it and remove all that it made; does nothing when there is none."""
        with locked(at.LOCK):
            self._clear()

    def works(self) -> bool:
        """Whether all processes run and the node takes pods."""
        if any(components.process_of(self.state, name).pid() is None for name in NAMES):
            return False
        asked = ["get", "node", at.NODE, "--output=json"]
        done = self.asked(*asked, check=False)
        if done.returncode:
            return False
        conditions = json.loads(done.stdout)["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def load(self, archive: Path) -> None:
        """Bring an image into the cluster; nothing is ever pulled."""
        run([*self._ctr(), "images", "import", archive])

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What kubectl prints; `text` is its standard input.

        Raises:
            ServiceError: it failed; what it said.
        """
        done = self.asked(*arguments, text=text)
        return done.stdout

    def stop(self, name: str) -> None:
        """End one of its processes at once, as a crash would."""
        components.process_of(self.state, name).kill()

    def start(self, name: str) -> None:
        """Start one of its processes again and wait until it works."""
        every = [
            components.containerd(self.state),
            *components.control_plane(self.state, self.keys),
            *components.node(self.state, self.keys),
        ]
        next(one for one in every if one.name == name).start(self.state)

    def memory(self) -> int:
        """Bytes in memory of its processes, without the pods'."""
        return sum(components.process_of(self.state, name).memory() for name in NAMES)

    # -- inside ------------------------------------------------------------------------------------------------------

    def asked(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """How kubectl ended; without `check` also when it failed."""
        command: list[str | Path] = [tool("kubectl"), f"--kubeconfig={self.keys.kubeconfig}", *arguments]
        done = subprocess.run(command, input=text or "", capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise ServiceError(f"kubectl {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
        return done

    def _ctr(self) -> list[str | Path]:
        return ["ctr", f"--address={components.socket_of(self.state)}", "--namespace=k8s.io"]

    def _refuse_taken(self) -> None:
        for port in at.PORTS:
            holder = listener(port)
            if holder is not None:
                raise ServiceError(f"Kubernetes can't start: {holder} has port {port}; end it")

    def _configure(self) -> None:
        values = {name: str(getattr(at, name)) for name in dir(at) if name.isupper()}
        values |= {"STATE": str(self.state), "PAUSE": images.PAUSE, "RUNC": shutil.which("runc") or "runc"}
        for name in _TEMPLATES:
            fill(HERE / "templates" / name, self.state / name, values)
        fill(HERE / "templates" / "10-pods.conflist", self.state / "cni" / "10-pods.conflist", values)

    def _run_a_pod(self) -> None:
        """The proof: one pod is scheduled, started, and ends well."""
        name = f"ready-{time.time_ns()}"
        pod: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "containers": [
                    {"name": "ready", "image": images.PAUSE, "imagePullPolicy": "Never", "command": ["/catatonit", "--version"]}
                ],
            },
        }
        with _patience(f"a pod doesn't run; look into {self.state}/log/kubelet") as still:
            while still() and self.asked("create", "--filename=-", text=json.dumps(pod), check=False).returncode:
                time.sleep(0.3)  # the namespace's service account comes a moment after the namespace
            asked = ["get", "pod", name, "--output=jsonpath={.status.phase}"]
            while still() and self.asked(*asked, check=False).stdout != "Succeeded":
                time.sleep(0.2)
        self.asked("delete", "pod", name, "--wait=false")

    def _clear(self) -> None:
        """End everything, whatever of it runs, and remove what it left."""
        for name in _MAKERS:
            self._end(name)
        if all(components.process_of(self.state, name).pid() is not None for name in ("kubelet", "kube-apiserver", "etcd")):
            gone = ["delete", "pods", "--all", "--all-namespaces", "--grace-period=1", "--timeout=20s"]
            self.asked(*gone, check=False)  # the kubelet takes network, mounts and cgroups down; what it leaves is cleared
        for name in _OTHERS:
            self._end(name)
        leftovers.clear(self.state)
        network.down(self.state)
        shutil.rmtree(self.state, ignore_errors=True)

    def _end(self, name: str) -> None:
        components.process_of(self.state, name).stop(patience=10)


@contextmanager
def _patience(sentence: str) -> Iterator[Any]:
    """Gives a function that raises once the time is over, and is true until then."""
    until = time.monotonic() + _POD_SECONDS

    def still() -> bool:
        if time.monotonic() > until:
            raise ServiceError(f"Kubernetes isn't ready after {_POD_SECONDS:.0f} s: {sentence}")
        return True

    yield still
