"""A door in front of an S3 server: it hands every request on as it came, and keeps what was asked."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_SINGLE_HOP = ("connection", "expect", "transfer-encoding", "keep-alive")


@dataclass(frozen=True)
class Asked:
    """A request: its method, the place in the store, what stands behind `?`, and its headers in lower case."""

    method: str
    key: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @property
    def operation(self) -> str:
        """What S3 calls it, of those that bring an object into being or its parts; else the method."""
        if self.method == "PUT" and "uploadId" in self.query:
            return "UploadPart"
        if self.method == "PUT":
            return "CopyObject" if "x-amz-copy-source" in self.headers else "PutObject"
        return "CreateMultipartUpload" if self.method == "POST" and "uploads" in self.query else self.method


@dataclass
class Door:
    """The requests that came, in order; `before` is called with each one before it is handed on."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    before: Callable[[Asked], None] = lambda _: None

    def of(self, *operations: str) -> list[Asked]:
        return [one for one in self.asked if one.operation in operations]


@contextmanager
def door_to(server: str) -> Iterator[Door]:
    """A door at an address of its own to the server at an address `http://host:port`."""
    to = urlsplit(server).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every answer waits some 40 ms for its second half

        def log_message(self, *_: Any) -> None: ...

        def _hand_on(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path.lstrip("/"), parse_qs(parts.query, keep_blank_values=True), headers)
            door.asked.append(asked)
            body = self.rfile.read(int(headers.get("content-length", 0)))
            door.before(asked)
            connection = http.client.HTTPConnection(to, timeout=30)
            try:
                # The host that was asked for is signed: it goes on as it is.
                kept = {name: value for name, value in self.headers.items() if name.lower() not in _SINGLE_HOP}
                connection.request(self.command, self.path, body, kept)
                answer = connection.getresponse()
                content = answer.read()
            except OSError:
                self.close_connection = True  # nobody behind the door: none answers before it either
                return
            finally:
                connection.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in (*_SINGLE_HOP, "content-length"):
                    self.send_header(name, value)
            length = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
            self.send_header("content-length", length or "0")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _hand_on  # noqa: N815  # names that the library looks for

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    door = Door(f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
