"""All services: starting twice, status, the command line, and what a lost Hive remembers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.services.process import listener
from local.services.service import HOST, ROOT, ServiceError
from local.services.stack import REGISTRY, Stack
from tests.services.fixtures import own_ports
from tests.services.tables import Lake, rows


def _pids(stack: Stack) -> dict[str, int | None]:
    return {name: service.process.pid() for name, service in stack.services.items()}


def _cli(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.services", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def _states(table: str) -> dict[str, str]:
    """Service → state, as the command line shows them."""
    rows_of_table = (line.split() for line in table.splitlines())
    return {words[0]: words[1] for words in rows_of_table if words and words[0] in REGISTRY}


def test_up_again_changes_nothing(services: Stack) -> None:
    before = _pids(services)
    services.up()
    assert None not in before.values()
    assert _pids(services) == before


def test_every_service_is_ready_and_says_where_and_how_large(services: Stack) -> None:
    found = services.status()
    assert [(status.name, status.ready, status.trouble) for status in found] == [(name, True, "") for name in REGISTRY]
    assert all(status.addresses and status.memory > 10_000_000 for status in found)
    assert sum(status.memory for status in found) < 6 * 2**30


def test_they_listen_on_one_address_only(services: Stack) -> None:
    for name, port in services.ports.items():
        for address, listens in ((HOST, True), ("127.0.0.2", False)):
            with socket.socket() as probe:
                assert (probe.connect_ex((address, port)) == 0) == listens, (name, address)


def test_the_environment_is_what_programs_need(services: Stack) -> None:
    said = services.environment()
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3", "SETTLEMENT_LEDGER_URL"} <= set(said)


def test_status_of_the_command_line(services: Stack) -> None:
    done = _cli("status", "--state", str(services.state))
    assert done.returncode == 0, done.stderr
    assert _states(done.stdout) == dict.fromkeys(REGISTRY, "ready")
    secret = services.environment()["AWS_SECRET_ACCESS_KEY"]
    assert secret not in done.stdout + done.stderr


def test_a_stopped_stack_is_no_success(tmp_path: Path) -> None:
    done = _cli("status", "--state", str(tmp_path))
    assert done.returncode == 1
    assert _states(done.stdout) == dict.fromkeys(REGISTRY, "stopped")


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    done = _cli("up", "oracle", "--state", str(tmp_path))
    assert done.returncode == 1
    assert "there is no service 'oracle': postgres, s3, aws, hive, trino" in done.stderr


def test_a_taken_port_says_who_has_it_and_what_to_set(own_stack: Stack) -> None:
    refused = pytest.raises(ServiceError, match=rf"process {os.getpid()} .*SETTLEMENT_PORT_S3=")
    with socket.create_server((HOST, own_stack.services["s3"].port)), refused:
        own_stack.up(["s3"])
    assert not own_stack.services["s3"].running()


def test_a_port_that_is_none_is_refused(tmp_path: Path) -> None:
    done = _cli("status", "--state", str(tmp_path), SETTLEMENT_PORT_S3="70000")
    assert done.returncode == 1
    assert "SETTLEMENT_PORT_S3='70000' is no port" in done.stderr


def test_two_at_once_start_one_server(tmp_path: Path) -> None:
    ports = own_ports()
    stacks = [Stack(tmp_path, ports) for _ in range(3)]
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda stack: stack.up(["s3"]), stacks))
        assert len({stack.services["s3"].process.pid() for stack in stacks}) == 1
        assert "address already in use" not in stacks[0].services["s3"].process.tail()
    finally:
        stacks[0].down()
    assert listener(ports["s3"]) is None


@pytest.mark.long
def test_a_trino_that_was_killed_or_stopped_starts_again(own_stack: Stack) -> None:
    """By others than the process that started it, so that nobody has collected it yet."""
    own_stack.services["trino"].install()
    for end in ("kill", "stop", "stop"):
        code = f"""
from local.services.trino import Trino
from pathlib import Path
trino = Trino(Path({str(own_stack.state)!r}), {own_stack.ports!r})
trino.start()
"""
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        trino = own_stack.services["trino"]
        trino.wait()
        getattr(trino, end)()
        assert not trino.running()


@pytest.mark.long
def test_a_killed_hive_remembers_its_tables(own_stack: Stack) -> None:
    own_stack.up(["hive"])
    lake = Lake(own_stack)
    lake.make()
    lake.build("first", rows(("kept", "1", 1)))
    own_stack.services["hive"].kill()
    assert {status.name: status.ready for status in own_stack.status()} == {name: name == "s3" for name in REGISTRY}
    own_stack.up(["hive"])
    assert [row[0] for row in lake.in_hive(f"SELECT id FROM {lake.database}_build.ods_play")] == ["kept"]
