"""The hook of Trino's queries before a Trino that is played: lost answers, refusals, orphans, and never a word of a secret."""

from __future__ import annotations

import itertools
import json
import logging
import re
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from settlement.settings_trino import TrinoSettings
from settlement_airflow.hooks import trino_queries
from settlement_airflow.hooks.trino_names import QueryName
from settlement_airflow.hooks.trino_queries import Result, StillAtWork, Stopped, TrinoQueryHook

CANARY = "canary-91f0d2"
NAME = QueryName("dev", "daily", "manual__1", "reconcile", -1, 2)
SQL = "SELECT x FROM t"
LOST = 0  # instead of a status: the connection breaks without an answer


@dataclass
class Query:
    """A query as the played Trino knows it."""

    id: str
    source: str
    sql: str
    headers: dict[str, str]
    state: str = "RUNNING"
    page: int = 0

    @property
    def is_live(self) -> bool:
        return self.state not in ("FINISHED", "FAILED")


class PlayedTrino(ThreadingHTTPServer):
    """Answers as Trino's protocol has it.

    Args:
        certificate: makes it speak TLS.

    Attributes:
        queries: all that were submitted, but the hook's own about queries.
        pages: rows of the result, a list for each answer after the first.
        final: state of the query in its last answer.
        error: what the query fails with after its pages, as Trino says it.
        submits, fetches: statuses of the next requests to submit and to fetch, `LOST` for no answer; then all is well.
        kill: how a query takes it: `ends`, `goes on`, or the message with which Trino refuses.
        heard: called with each query whenever it is fetched.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.certificate = certificate
        self.scheme = "https" if certificate else "http"
        self.queries: list[Query] = []
        self.pages: list[list[list[int]]] = [[[1], [2]], [[3]]]
        self.final = "FINISHED"
        self.error: dict[str, Any] | None = None
        self.submits: list[int] = []
        self.fetches: list[int] = []
        self.kill = "ends"
        self.heard: Any = lambda query: None  # noqa: ARG005
        self.killed: list[str] = []
        self.authorized = ""  # the header without which everything is refused
        self._numbers = itertools.count(1)

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def add(self, name: QueryName, state: str = "RUNNING", source: str = "settlement") -> Query:
        """A query that is there already."""
        query = Query(f"q{next(self._numbers)}", name.source(source), SQL, {}, state)
        self.queries.append(query)
        return query

    def submit(self, sql: str, headers: dict[str, str]) -> dict[str, Any]:
        source = headers["X-Trino-Source"]
        if "system.runtime" in sql:
            return self._about_queries(sql)
        query = Query(f"q{next(self._numbers)}", source, sql, headers, "QUEUED")
        self.queries.append(query)
        return self._shown(query, {"nextUri": f"{self.address}/v1/statement/{query.id}"})

    def fetch(self, query_id: str) -> dict[str, Any]:
        query = next(query for query in self.queries if query.id == query_id)
        self.heard(query)
        if query.state == "FAILED":
            return self._shown(query, {"error": failed("ADMINISTRATIVELY_KILLED", "Query killed. Message: x", "USER_ERROR")})
        query.page += 1
        if query.page <= len(self.pages):
            query.state = "RUNNING"
            rows = {**columns("x"), "data": self.pages[query.page - 1]}
            return self._shown(query, {**rows, "nextUri": f"{self.address}/v1/statement/{query.id}"})
        query.state = "FAILED" if self.error else self.final
        return self._shown(query, {"error": self.error} if self.error else columns("x"))

    def _about_queries(self, sql: str) -> dict[str, Any]:
        own = Query("w", "", sql, {}, "FINISHED")
        if found := re.search(r"query_id => '(\w+)'", sql):
            return self._shown(own, self._killed(found[1]))
        live = [[query.id, query.source] for query in self.queries if query.is_live and _matches(query, sql)]
        return self._shown(own, {**columns("query_id", "source", kind="varchar"), "data": live})

    def _killed(self, query_id: str) -> dict[str, Any]:
        self.killed.append(query_id)
        if self.kill not in ("ends", "goes on"):
            return {"error": failed("PERMISSION_DENIED", self.kill, "USER_ERROR")}
        for query in self.queries:
            if query.id == query_id and self.kill == "ends":
                query.state = "FAILED"
        return {}

    def _shown(self, query: Query, rest: dict[str, Any]) -> dict[str, Any]:
        return {"id": query.id, "infoUri": f"{self.address}/ui/{query.id}", "stats": {"state": query.state}, **rest}


class _Answering(BaseHTTPRequestHandler):
    server: PlayedTrino

    def do_POST(self) -> None:
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_own = "system.runtime" not in sql
        status = self.server.submits.pop(0) if self.server.submits and is_own else 200
        body = self.server.submit(sql, dict(self.headers)) if status in (200, LOST) else {}
        self._answer(status, body)

    def do_GET(self) -> None:
        status = self.server.fetches.pop(0) if self.server.fetches else 200
        self._answer(status, self.server.fetch(self.path.rpartition("/")[2]) if status in (200, LOST) else {})

    def do_DELETE(self) -> None:
        self._answer(204, {})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        if self.headers.get("Authorization", "") != self.server.authorized:
            status, body = 401, {"why": f"not {self.server.authorized}"}
        if status == LOST:
            self.close_connection = True
            return
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def columns(*names: str, kind: str = "bigint") -> dict[str, Any]:
    arguments = [{"kind": "LONG", "value": 100}] if kind == "varchar" else []
    return {"columns": [{"name": n, "type": kind, "typeSignature": {"rawType": kind, "arguments": arguments}} for n in names]}


def failed(name: str, message: str = "it went wrong", kind: str = "INTERNAL_ERROR") -> dict[str, Any]:
    return {"errorName": name, "errorType": kind, "message": message, "errorCode": 1}


def _matches(query: Query, sql: str) -> bool:
    if found := re.search(r"starts_with\(source, '([^']+)'\)", sql):
        return query.source.startswith(found[1])
    if found := re.search(r"source = '([^']+)'", sql):
        return query.source == found[1]
    found = re.search(r"query_id IN \(([^)]+)\)", sql)
    assert found, sql
    return f"'{query.id}'" in found[1]


@contextmanager
def serving(server: PlayedTrino) -> Iterator[PlayedTrino]:
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def trino() -> Iterator[PlayedTrino]:
    with serving(PlayedTrino()) as server:
        yield server


def hook(trino: PlayedTrino, **others: Any) -> TrinoQueryHook:
    usual = {"port": trino.server_address[1], "scheme": trino.scheme, "confirm_seconds": 1, "request_seconds": 5}
    return TrinoQueryHook(TrinoSettings(**{**usual, **others}), sleep=lambda _: None)


def asked(trino: PlayedTrino, **others: Any) -> Result:
    return hook(trino, **others).run(NAME, SQL)


# -- a result, or none ---------------------------------------------------------------------------------------------------


def test_a_result_is_read_to_its_last_page(trino: PlayedTrino) -> None:
    assert asked(trino) == Result("q1", ("x",), [(1,), (2,), (3,)])


def test_a_result_whose_query_isn_t_finished_is_none(trino: PlayedTrino) -> None:
    trino.final = "FINISHING"
    with pytest.raises(AirflowException, match="query q1 is FINISHING, not FINISHED") as raised:
        asked(trino)
    assert not isinstance(raised.value, AirflowFailException)


def test_a_failure_after_some_rows_is_a_failure(trino: PlayedTrino) -> None:
    trino.error = failed("REMOTE_TASK_ERROR")
    with pytest.raises(AirflowException, match=r"query q1 failed: it went wrong \(REMOTE_TASK_ERROR\)"):
        asked(trino)


@pytest.mark.parametrize("sql", ["INSERT INTO t SELECT 1", "-- x\nDELETE FROM t", "EXPLAIN ANALYZE INSERT INTO t VALUES 1", ""])
def test_what_writes_is_refused_before_trino_hears_of_it(trino: PlayedTrino, sql: str) -> None:
    with pytest.raises(AirflowFailException, match="a query only reads"):
        hook(trino).run(NAME, sql)
    assert trino.queries == []


@pytest.mark.parametrize("sql", ["-- why\n  select 1", "(SELECT 1)", "WITH a AS (SELECT 1) SELECT * FROM a", "SHOW TABLES"])
def test_what_reads_is_asked(trino: PlayedTrino, sql: str) -> None:
    assert hook(trino).run(NAME, sql).query_id == "q1"


def test_one_row_too_many_is_a_failure_and_the_query_is_ended(trino: PlayedTrino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trino_queries, "_PAGE", 2)
    trino.pages = [[[1], [2]]] * 5
    with pytest.raises(AirflowFailException, match="query q1 has more than 3 rows"):
        asked(trino, max_rows=3)
    assert trino.queries[0].state == "FAILED"
    assert len(asked(trino, max_rows=10).rows) == 10


def test_the_query_bears_the_attempt_s_name_and_limits(trino: PlayedTrino) -> None:
    started: list[tuple[str, str]] = []
    chosen = hook(trino, query_memory="4GB")
    chosen.run(NAME, SQL, seconds=90, started=lambda query, page: started.append((query, page)))
    headers = trino.queries[0].headers
    assert started == [("q1", f"{trino.address}/ui/query.html?q1")]
    assert headers["X-Trino-Source"] == NAME.source("settlement")
    assert headers["X-Trino-Client-Tags"] == "env=dev,dag=daily,run=manual__1,task=reconcile,try=2"
    assert set(headers["X-Trino-Session"].split(",")) == {"query_max_run_time=90s", "query_max_memory=4GB"}
    assert (headers["X-Trino-User"], headers["X-Trino-Catalog"]) == ("settlement", "hive")


# -- requests that are lost ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [502, 503, 504, LOST])
def test_a_submission_is_never_sent_twice_and_what_came_of_it_is_ended(trino: PlayedTrino, status: int) -> None:
    trino.submits = [status]
    with pytest.raises(AirflowException, match="the task tries again") as raised:
        asked(trino)
    assert not isinstance(raised.value, AirflowFailException)
    assert [query.state for query in trino.queries] == (["FAILED"] if status == LOST else [])


def test_a_fetch_may_be_sent_again(trino: PlayedTrino) -> None:
    trino.fetches = [503, 200, 502]
    assert len(asked(trino).rows) == 3
    assert len(trino.queries) == 1


def test_a_trino_that_goes_away_is_tried_again_and_the_next_attempt_is_told_of(
    trino: PlayedTrino, capsys: pytest.CaptureFixture[str]
) -> None:
    trino.heard = lambda _: trino.fetches.extend([503] * 9)
    trino.kill = "goes on"
    with pytest.raises(AirflowException, match="answers with status 503"):
        asked(trino)
    assert "still at work after 1 s: q1" in capsys.readouterr().out


def test_a_trino_that_doesn_t_answer_in_time_is_tried_again(trino: PlayedTrino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trino_queries, "_TRIES", 1)
    trino.heard = lambda _: time_out.wait(1)
    from threading import Event

    time_out = Event()
    with pytest.raises(AirflowException, match=r"doesn't answer in time\n.*the task tries again"):
        asked(trino, request_seconds=0.3)
    assert trino.queries[0].state == "FAILED"


def test_a_trino_that_isn_t_there_is_tried_again(trino: PlayedTrino) -> None:
    with pytest.raises(AirflowException, match=r"can't be reached: Connection refused\n.*the task tries again") as raised:
        asked(trino, port=1)
    assert not isinstance(raised.value, AirflowFailException)


# -- orphans -------------------------------------------------------------------------------------------------------------


def test_what_earlier_tries_left_has_ended_before_anything_is_asked(trino: PlayedTrino) -> None:
    orphans = [trino.add(of_try(1)), trino.add(of_try(2), "QUEUED")]
    trino.heard = lambda _: seen.append([query.state for query in orphans])
    seen: list[list[str]] = []
    asked(trino)
    assert set(map(tuple, seen)) == {("FAILED", "FAILED")}
    assert sorted(trino.killed) == ["q1", "q2"]


def test_queries_of_others_and_those_that_have_ended_are_let_be(trino: PlayedTrino) -> None:
    others = [
        trino.add(QueryName("dev", "daily", "manual__2", "reconcile", -1, 1)),
        trino.add(QueryName("dev", "daily", "manual__1", "reconcile", 0, 1)),
        trino.add(QueryName("dev", "daily", "manual__1", "reconcile2", -1, 1)),
        trino.add(QueryName("staging", "daily", "manual__1", "reconcile", -1, 1)),
        trino.add(of_try(1), source="other"),
    ]
    trino.add(of_try(1), "FINISHED")
    asked(trino)
    assert trino.killed == []
    assert all(query.is_live for query in others)


def test_an_orphan_that_doesn_t_end_keeps_the_next_one_from_being_asked(trino: PlayedTrino) -> None:
    orphan = trino.add(of_try(1))
    trino.kill = "goes on"
    with pytest.raises(StillAtWork, match=rf"still at work after 1 s: {orphan.id}\n.*nothing new was asked beside it"):
        asked(trino)
    assert trino.queries == [orphan]


def test_a_kill_that_trino_refuses_is_told(trino: PlayedTrino) -> None:
    trino.add(of_try(1))
    trino.kill = "Access Denied: Cannot kill query"
    with pytest.raises(StillAtWork, match=r"Trino says: Access Denied: Cannot kill query \(PERMISSION_DENIED\)"):
        asked(trino)


def test_an_attempt_that_a_newer_one_has_overtaken_ends_nothing(trino: PlayedTrino) -> None:
    trino.add(of_try(1))
    trino.add(of_try(10))
    with pytest.raises(AirflowFailException, match="overtaken by a newer attempt"):
        asked(trino)
    assert trino.killed == []
    assert len(trino.queries) == 2


# -- being stopped -------------------------------------------------------------------------------------------------------


def test_stopped_while_it_runs_the_query_has_ended_when_the_signal_was_handled(trino: PlayedTrino) -> None:
    chosen, states = hook(trino), []

    def stop(query: Query) -> None:
        if query.page == 1:
            chosen.stop()
            states.append(query.state)

    trino.heard = stop
    with pytest.raises(Stopped):
        chosen.run(NAME, SQL)
    assert states == ["FAILED"]


def test_stopped_while_older_queries_are_ended_nothing_is_asked(trino: PlayedTrino) -> None:
    chosen = hook(trino)
    orphan = trino.add(of_try(1))
    trino.kill = "goes on"

    def pause(_: float) -> None:
        trino.kill = "ends"
        chosen.stop()

    chosen._sleep = pause
    with pytest.raises(Stopped):
        chosen.run(NAME, SQL)
    assert trino.queries == [orphan]


def test_stopped_before_the_submission_is_answered_the_query_is_ended_when_its_id_is_known(trino: PlayedTrino) -> None:
    chosen = hook(trino)
    chosen.stop()
    trino.heard = lambda _: pytest.fail("nobody fetches")
    chosen._require_going = skip_once(chosen._require_going)  # type: ignore[method-assign]  # it was in time to submit
    with pytest.raises(Stopped):
        chosen.run(NAME, SQL)
    assert [query.state for query in trino.queries] == ["FAILED"]


def test_a_stop_ends_in_time_whatever_trino_does(trino: PlayedTrino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trino_queries, "_QUICK_SECONDS", 0.5)
    chosen = hook(trino)
    chosen.run(NAME, SQL)
    trino.add(NAME)
    trino.kill = "goes on"
    began = datetime.now(UTC)
    chosen.stop()
    assert datetime.now(UTC) - began < timedelta(seconds=3)


def test_a_query_that_trino_lets_run_too_long_is_ended_by_the_client(trino: PlayedTrino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trino_queries, "_GRACE_SECONDS", -10.0)
    with pytest.raises(AirflowFailException, match="query q1 took longer than it may; it was cancelled"):
        hook(trino).run(NAME, SQL, seconds=1)
    assert [query.state for query in trino.queries] == ["FAILED"]


# -- what Trino says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "passes", "hint"),
    [
        ("EXCEEDED_GLOBAL_MEMORY_LIMIT", "INSUFFICIENT_RESOURCES", True, "raise SETTLEMENT_TRINO_QUERY_MEMORY"),
        ("CLUSTER_OUT_OF_MEMORY", "INSUFFICIENT_RESOURCES", True, "give it more machines"),
        ("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES", True, "wait until other queries have ended"),
        ("NO_NODES_AVAILABLE", "INTERNAL_ERROR", True, "see that Trino has workers"),
        ("HIVE_METASTORE_ERROR", "EXTERNAL", True, "see that the metastore runs"),
        ("HIVE_CANNOT_OPEN_SPLIT", "EXTERNAL", True, "see that the object store runs"),
        ("REMOTE_TASK_ERROR", "INTERNAL_ERROR", True, "see the query in Trino"),
        ("SOMETHING_NEW", "EXTERNAL", True, "see the query in Trino"),
        ("EXCEEDED_TIME_LIMIT", "INSUFFICIENT_RESOURCES", False, "raise SETTLEMENT_TRINO_RUN_SECONDS"),
        ("EXCEEDED_CPU_LIMIT", "INSUFFICIENT_RESOURCES", False, "make the query smaller"),
        ("TABLE_NOT_FOUND", "USER_ERROR", False, "publish the stage, which makes its tables"),
        ("CATALOG_NOT_FOUND", "USER_ERROR", False, "correct SETTLEMENT_TRINO_CATALOG"),
        ("PERMISSION_DENIED", "USER_ERROR", False, "see what Trino's user may read"),
        ("HIVE_BAD_DATA", "EXTERNAL", False, "build the partition again"),
        ("USER_CANCELED", "USER_ERROR", False, "ask who ended it in Trino"),
        ("SOMETHING_NEW", "USER_ERROR", False, "correct what it names"),
    ],
)
def test_each_failure_says_what_to_do_and_whether_it_is_tried_again(
    trino: PlayedTrino, error: str, kind: str, passes: bool, hint: str
) -> None:
    trino.error = failed(error, "the reason\nand a page of Java", kind)
    with pytest.raises(AirflowException) as raised:
        asked(trino)
    said = str(raised.value)
    sentence, _, todo = said.partition("\n  → ")
    assert sentence == f"EngineError: {NAME}: Trino's query q1 failed: the reason ({error})"
    assert hint in todo
    assert said.endswith("; the task tries again" if passes else "; then clear the task")
    assert isinstance(raised.value, AirflowFailException) != passes


# -- signing in ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody but itself vouches for, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    its = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = made.add_extension(its, critical=False).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return file


@pytest.fixture
def guarded(certificate: Path) -> Iterator[PlayedTrino]:
    """A Trino that asks for a password over TLS: settlement, canary."""
    with serving(PlayedTrino(certificate)) as server:
        server.authorized = "Basic c2V0dGxlbWVudDpjYW5hcnktOTFmMGQy"
        yield server


def signing_in(monkeypatch: pytest.MonkeyPatch, trino: PlayedTrino, **said: Any) -> TrinoQueryHook:
    """A hook with an Airflow connection."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests lets them go before what a session trusts
        monkeypatch.delenv(variable, raising=False)
    extra = {"verify": str(trino.certificate), "protocol": "https", **said.pop("extra", {})}
    whole = {"conn_type": "trino", "host": "127.0.0.1", "port": trino.server_address[1], **said, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_TRINO_OF_TESTS", json.dumps(whole))
    return hook(trino, connection="trino_of_tests", host="elsewhere", port=1, scheme="http")


def test_the_connection_goes_before_the_settings_and_holds_the_password(
    guarded: PlayedTrino, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = signing_in(monkeypatch, guarded, login="settlement", password=CANARY)
    assert len(chosen.run(NAME, SQL).rows) == 3
    assert guarded.queries[0].headers["X-Trino-User"] == "settlement"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"login": "settlement", "password": f"{CANARY}-old"}, r"refuses the credentials \(status 401\)"),
        ({"extra": {"auth": "jwt", "jwt__token": CANARY}}, r"refuses the credentials \(status 401\)"),
        ({"extra": {"auth": "jwt", "jwt__token": f"{CANARY}\n"}}, "can't be sent what signs in"),
        ({"login": "settlement", "password": f"{CANARY}-비밀"}, "can't be sent what signs in"),
        ({"login": "settlement", "password": CANARY, "extra": {"verify": True}}, r"can't be trusted \(TLS\)"),
        ({"login": "settlement", "password": CANARY, "extra": {"protocol": "http"}}, "would be sent the password in the open"),
        ({"login": "a", "password": CANARY, "extra": {"auth": "jwt", "jwt__token": CANARY}}, "Multiple authentication methods"),
    ],
)
def test_what_can_t_sign_in_fails_for_good_without_a_word_of_the_secret(
    guarded: PlayedTrino,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    said: dict[str, Any],
    reason: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen = signing_in(monkeypatch, guarded, **said)
    with pytest.raises(AirflowException, match=reason) as raised:
        chosen.run(NAME, SQL)
    assert "Multiple" in reason or isinstance(raised.value, AirflowFailException)
    logged = capsys.readouterr()
    written = logged.out + logged.err + caplog.text + "".join(traceback.format_exception(raised.value)) + repr(chosen.__dict__)
    assert CANARY not in written
    assert guarded.authorized not in written
    assert guarded.queries == []


def test_a_connection_that_isn_t_there_is_named(trino: PlayedTrino) -> None:
    with pytest.raises(AirflowFailException, match="there is no Airflow connection 'gone'"):
        asked(trino, connection="gone")


# -- names ---------------------------------------------------------------------------------------------------------------


def test_attempts_of_a_task_share_all_but_the_last_part_of_their_source() -> None:
    first, second = of_try(1).source("s"), of_try(12).source("s")
    assert first.rpartition("/")[0] == second.rpartition("/")[0]
    assert (first.rpartition("/")[2], second.rpartition("/")[2]) == ("1", "12")
    assert NAME.attempt_of(second, "s") == 12
    assert NAME.attempt_of(first + "x", "s") is None
    assert NAME.attempt_of(first, "other") is None


def of_try(attempt: int) -> QueryName:
    return QueryName(NAME.env, NAME.dag, NAME.run, NAME.task, NAME.mapped, attempt)


def skip_once(real: Any) -> Any:
    """The first call does nothing."""
    calls = itertools.count()
    return lambda: real() if next(calls) else None
