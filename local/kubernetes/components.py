"""The processes of the cluster: what each is started with, and when it works."""

from __future__ import annotations

import socket
import ssl
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.kubernetes import addresses as at
from local.kubernetes.keys import Keys
from local.kubernetes.programs import kallinone
from local.services.process import Process
from local.services.service import ServiceError, plain_environment

START_SECONDS = 120.0


@dataclass(frozen=True)
class Component:
    """One process.

    Args:
        name: of the process and its log.
        command: what is run.
        ready: raises OSError until it works.
        stop_seconds: how long it may take to end when asked.
    """

    name: str
    command: Sequence[str | Path]
    ready: Callable[[], None]
    stop_seconds: float = 10

    def process(self, state: Path) -> Process:
        return process_of(state, self.name)

    def start(self, state: Path) -> None:
        """Start it and wait until it works.

        Raises:
            ServiceError: it ended or doesn't work; the last lines of its log.
        """
        process = self.process(state)
        # conntrack, runc and the network plugins are looked for on the PATH
        env = plain_environment()
        env["PATH"] = f"/usr/sbin:/usr/bin:/sbin:/bin:{env.get('PATH', '')}"
        process.start(self.command, env, state)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ready()
            except OSError as error:
                reason = str(error)
            else:
                return
            if process.pid() is None:
                raise ServiceError(f"{self.name} ended; the last lines of {process.log}:\n{process.tail()}")
            if time.monotonic() > until:
                raise ServiceError(f"{self.name} doesn't work ({reason}); the last lines of {process.log}:\n{process.tail()}")
            time.sleep(0.2)


def process_of(state: Path, name: str) -> Process:
    return Process(state / "pid" / name, state / "log" / name)


def containerd(state: Path) -> Component:
    return Component("containerd", ["containerd", "--config", state / "containerd.toml"], lambda: _connects(socket_of(state)))


def control_plane(state: Path, keys: Keys) -> list[Component]:
    """etcd and what speaks to it, in the order of starting."""
    return [_etcd(state), _api_server(keys), _controllers(keys), _scheduler(keys)]


def node(state: Path, keys: Keys) -> list[Component]:
    """What runs pods and reaches services."""
    kubelet = _kallinone(
        "kubelet",
        f"--config={state}/kubelet.yaml",
        f"--kubeconfig={keys.kubelet_kubeconfig}",
        f"--hostname-override={at.NODE}",
        f"--node-ip={at.ADDRESS}",
        f"--root-dir={state}/kubelet",
        "--v=2",
    )
    proxy = _kallinone("kube-proxy", f"--config={state}/kube-proxy.yaml")
    return [
        Component("kubelet", kubelet, lambda: _answers(f"http://127.0.0.1:{at.KUBELET_HEALTH_PORT}/healthz"), stop_seconds=20),
        Component("kube-proxy", proxy, lambda: _answers(f"http://127.0.0.1:{at.PROXY_HEALTH_PORT}/healthz")),
    ]


def socket_of(state: Path) -> Path:
    """containerd's."""
    return state / "containerd.sock"


def _etcd(state: Path) -> Component:
    client, peer = f"http://127.0.0.1:{at.ETCD_PORT}", f"http://127.0.0.1:{at.ETCD_PEER_PORT}"
    command = _kallinone(
        "etcd",
        "--name=settlement",
        f"--data-dir={state}/etcd",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=settlement={peer}",
        "--unsafe-no-fsync",  # its data end with the cluster
    )
    return Component("etcd", command, lambda: _answers(f"{client}/health"))


def _api_server(keys: Keys) -> Component:
    command = _kallinone(
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{at.ETCD_PORT}",
        f"--bind-address={at.ADDRESS}",
        f"--advertise-address={at.ADDRESS}",
        f"--secure-port={at.API_PORT}",
        f"--tls-cert-file={keys.certificate('apiserver')}",
        f"--tls-private-key-file={keys.key('apiserver')}",
        f"--client-ca-file={keys.certificate('ca')}",
        f"--token-auth-file={keys.tokens}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys.pki}/accounts.pub",
        f"--service-account-signing-key-file={keys.key('accounts')}",
        f"--service-cluster-ip-range={at.SERVICE_NET}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-certificate-authority={keys.certificate('ca')}",
        f"--kubelet-client-certificate={keys.certificate('kubelet-client')}",
        f"--kubelet-client-key={keys.key('kubelet-client')}",
        "--profiling=false",
    )
    trusted = keys.certificate("ca")
    return Component("kube-apiserver", command, lambda: _answers(f"{at.API}/readyz", trusted))


def _controllers(keys: Keys) -> Component:
    command = _kallinone(
        "kube-controller-manager",
        f"--kubeconfig={keys.kubeconfig}",
        "--leader-elect=false",
        f"--service-account-private-key-file={keys.key('accounts')}",
        f"--root-ca-file={keys.certificate('ca')}",
        "--bind-address=127.0.0.1",
        f"--secure-port={at.CONTROLLERS_PORT}",
        "--profiling=false",
    )
    return Component("kube-controller-manager", command, lambda: _connects_to(at.CONTROLLERS_PORT))


def _scheduler(keys: Keys) -> Component:
    command = _kallinone(
        "kube-scheduler",
        f"--kubeconfig={keys.kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={at.SCHEDULER_PORT}",
        "--profiling=false",
    )
    return Component("kube-scheduler", command, lambda: _connects_to(at.SCHEDULER_PORT))


def _kallinone(*arguments: str) -> list[str | Path]:
    return [kallinone(), *arguments]


def _answers(url: str, trusted: Path | None = None) -> None:
    context = ssl.create_default_context(cafile=str(trusted)) if trusted else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    opener.open(url, timeout=3).close()


def _connects(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(3)
        tried.connect(str(path))


def _connects_to(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=3).close()
