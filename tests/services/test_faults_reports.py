"""Fault 30 on a bucket: a report is put, and nobody hears of it. Put again it is there once; other content is refused."""

from __future__ import annotations

import http.client
import multiprocessing
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from upath import UPath

from local.services.s3 import BUCKETS, S3
from local.services.stack import Stack
from settlement.errors import PublishRefused
from settlement.steps.deliver import put_once
from settlement.storage import location

FILES = {"index.html": b"page", "partner=1/statement.csv": b"1,2,3\n", "partner=2/statement.csv": b"4,5,6\n"}
HINT = "settle a new version"
PATIENCE_SECONDS = 120


class Line:
    """The way to the object store. It may lose answers: what was asked has been done then, and nobody hears of it.

    Attributes:
        mode: what becomes of the answer to an object that is put for the first time.
        puts: keys that were put, in order.
        reached: set when an answer was held back.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.mode: Literal["answer", "lose", "hold"] = "answer"
        self.puts: list[str] = []
        self.reached = threading.Event()
        self.go_on = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        line: Line = self.server.line  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = http.client.HTTPConnection("127.0.0.1", line.port, timeout=PATIENCE_SECONDS)
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                server.putheader(name, value)
        server.endheaders(body)
        answer = server.getresponse()
        said = answer.read()
        if self.command == "PUT":
            is_first = self.path not in line.puts
            line.puts.append(self.path)
            if is_first and line.mode != "answer":
                assert answer.status == 200, said
                line.reached.set()
                if line.mode == "hold":
                    line.go_on.wait(PATIENCE_SECONDS)
                self.close_connection = True
                return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("date", "server", "transfer-encoding"):
                self.send_header(name, value)
        if answer.getheader("Content-Length") is None and self.command != "HEAD":
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)
        server.close()

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _pass_on  # noqa: N815  # the library's names

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def served(port: int) -> Iterator[tuple[Line, str]]:
    """A line to a server of this machine, and its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    line = Line(port)
    server.line = line  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield line, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        line.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def line(services: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The line by which this process and those that it starts reach the object store."""
    s3 = services.of(S3)
    with served(s3.port) as (line, address):
        for name, value in s3.variables().items():
            monkeypatch.setenv(name, value.replace(s3.url, address))
        yield line


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    """A rendered month."""
    for name, content in FILES.items():
        path = tmp_path / "aside" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "aside"


@pytest.fixture
def target(line: Line, tmp_path: Path) -> UPath:
    """Where it is published."""
    found = location(f"s3://{BUCKETS[2]}/faults-{tmp_path.name}-{line.port}-{id(line)}")
    assert isinstance(found, UPath)
    found.fs.clear_instance_cache()
    return found


def published(target: UPath) -> dict[str, bytes]:
    root = target.as_posix()
    return {path.as_posix().removeprefix(f"{root}/"): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def _put(aside: Path, target: str) -> None:
    put_once(aside, location(target), HINT)


def test_30_a_report_whose_acknowledgement_is_lost_is_there_once(line: Line, aside: Path, target: UPath) -> None:
    line.mode = "lose"
    put_once(aside, target, HINT)
    assert line.reached.is_set()
    assert published(target) == FILES
    line.mode, before = "answer", len(line.puts)
    put_once(aside, target, HINT)
    assert line.puts[before:] == [], "what is there is not put again"


def test_30_a_worker_killed_between_a_report_and_its_acknowledgement_leaves_what_the_retry_completes(
    line: Line, aside: Path, target: UPath, tmp_path: Path
) -> None:
    line.mode = "hold"
    copy = shutil.copytree(aside, tmp_path / "copy")
    worker = multiprocessing.get_context("spawn").Process(target=_put, args=(copy, str(target)))
    worker.start()
    assert line.reached.wait(PATIENCE_SECONDS)
    worker.kill()
    worker.join()
    line.mode, first = "answer", line.puts[:]
    line.go_on.set()
    assert len(first) == 1
    assert len(published(target)) == 1
    put_once(aside, target, HINT)
    assert published(target) == FILES
    assert len(line.puts) == len(FILES), "each is put once in all"


def test_30_other_content_under_a_key_that_exists_is_refused_and_nothing_is_put(line: Line, aside: Path, target: UPath) -> None:
    put_once(aside, target, HINT)
    before = len(line.puts)
    (aside / "partner=1" / "statement.csv").write_bytes(b"1,2,4\n")
    (aside / "partner=3").mkdir()
    (aside / "partner=3" / "statement.csv").write_bytes(b"new\n")
    with pytest.raises(PublishRefused, match=r"partner=1/statement\.csv is published with other content") as refused:
        put_once(aside, target, HINT)
    assert refused.value.hint == HINT
    assert line.puts[before:] == []
    assert published(target) == FILES
