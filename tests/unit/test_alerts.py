"""Alerts: what leaves the house in an event, and what is taken out of it before."""

from __future__ import annotations

import ast
import json
import string
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from settlement import __version__, alerts
from settlement.alerts import report_failure, report_late, scrub, scrubbed
from settlement.errors import BadInput
from settlement.settings import settings as house_settings
from tests.airflow.sink import KEY, Sink, sink

ROOT = Path(__file__).parents[2]
TAGS = {"dag": "settlement_daily", "run": "manual__1", "partition": "2026-02-28", "task": "ods.audit", "stage": "ods"}
SECRET = "canary7f3a"
LISTENER = "987654321"
SPACED = f"{SECRET} and more {SECRET}"
PLAIN = settings(deadline=None, database=None, derandomize=True)
NAMES = (
    "password", "Password", "PGPASSWORD", "passwd", "MYSQL_PWD", "secret", "client_secret", "aws_secret_access_key",
    "AWS_SESSION_TOKEN", "token", "access_token", "api_key", "apikey", "x-api-key", "secret_key", "fernet_key",
    "credential", "authorization", "Authorization", "SETTLEMENT_SENTRY_DSN", "user_id", "userId", "user_ids",
)  # fmt: skip


@pytest.fixture(scope="module")
def listening() -> Iterator[Sink]:
    with sink() as kept:
        yield kept


@pytest.fixture
def sentry(listening: Sink, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A Sentry that the settings name; it has received nothing yet."""
    listening.received.clear()
    monkeypatch.setenv("SETTLEMENT_SENTRY_DSN", listening.dsn)
    house_settings.cache_clear()
    yield listening
    house_settings.cache_clear()


# -- the scrubber ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "{name}={value}", "{name} = {value}", "{name}: {value}", "{name}='{value}'", '{name} = "{value}"',
        "{{'{name}': '{value}'}}", '{{"{name}": "{value}", "x": 1}}', '{{\\"{name}\\": \\"{value}\\"}}', "('{name}', '{value}')",
        "f(x, {name}={value})", "https://host/x?{name}={value}&y=1", "{name}: Bearer {value}", "'{name}': 'Basic {value}'",
        "{name}: Token {value}", "{name} => {value}", "{name}=['{value}', '{value}']", "{name}={{'a': '{value}'}}",
        "{name}={value},{value}", "{name}=({value})", "{name} is '{value}': must be 1 to 18 digits", "--{name} {value}",
        "--{name}={value}", "--{name} '{value}'", "--my-{name}-is '{value}'",
    ],
)  # fmt: skip
def test_the_value_of_a_secret_name_is_taken_out_in_every_spelling(form: str) -> None:
    before, after = "it failed with ", " and ended"
    for name in NAMES:
        text = scrubbed(before + form.format(name=name, value=SECRET) + after)
        assert SECRET not in text
        assert "[redacted]" in text
        assert text.startswith(before)
        assert text.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        f"password='{SPACED}' x", f'"password": "{SPACED}"', f'password: "{SPACED}"', f"--password '{SPACED}'",
        f'{{\\"password\\": \\"{SPACED}\\"}}', f"password='it\\'s {SECRET}'", f'"token": "a \\"{SECRET}\\" b"',
        f"password='{SPACED}", f'{{"token": "{SPACED}', f"secret=b'{SPACED}'", f"token=[{SECRET}, {SECRET}]",
        f"private_key='-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----'",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END RSA PRIVATE KEY-----", f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    ],
)  # fmt: skip
def test_a_quoted_secret_is_taken_out_to_its_end(text: str) -> None:
    assert SECRET not in scrubbed(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"sftp://partner:{SECRET}@host:22/x", "sftp://[redacted]@host:22/x"),
        (f"postgresql+psycopg2://user:p@{SECRET}:w@host/db", "postgresql+psycopg2://[redacted]@host/db"),
        (f"can't connect to 'redis://:{SECRET}@host/0'", "can't connect to 'redis://[redacted]@host/0'"),
        (f"DSN http://{SECRET}@sentry.host/1", "DSN http://[redacted]@sentry.host/1"),
        ("key AKIAIOSFODNN7EXAMPLE was refused", "key [redacted] was refused"),
        ("ASIAIOSFODNN7EXAMPLE", "[redacted]"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ghi.", "got [redacted]."),
        (f"sent Bearer {SECRET}.x", "sent Bearer [redacted]"),
        (f"user_id={LISTENER}, dt=2026-02-28", "user_id=[redacted], dt=2026-02-28"),
        (f"user_id={LISTENER},dt=2026-02-28", "user_id=[redacted],dt=2026-02-28"),
        (f'{{"play_id":"a","user_id":{LISTENER},"x":1}}', '{"play_id":"a","user_id":[redacted],"x":1}'),
        (f"{{'user_id': {LISTENER}}}", "{'user_id': [redacted]}"),
        (f'{{\\"user_id\\": {LISTENER}}}', '{\\"user_id\\": [redacted]}'),
        (f"user_id is '{LISTENER}x': must be 1 to 18 digits", "user_id is [redacted]: must be 1 to 18 digits"),
    ],
)
def test_credentials_and_listeners_are_cut_out_and_the_rest_stays(text: str, expected: str) -> None:
    assert scrubbed(text) == expected


values = strategies.text(string.ascii_letters + string.digits + "-_./+=", min_size=12).map(lambda text: f"{SECRET}{text}")


@PLAIN
@given(name=strategies.sampled_from(NAMES), value=values, before=strategies.text(), after=strategies.text(" abc.,:"))
def test_no_secret_survives_whatever_stands_around_it(name: str, value: str, before: str, after: str) -> None:
    for text in (
        f"{before} {name}={value} {after}",
        f'{before} {{"{name}": "{value}"}} {after}',
        f"{before} {name}: '{value}' {after}",
    ):
        assert value not in scrubbed(text)


@PLAIN
@given(value=strategies.text(strategies.characters(exclude_categories=["Cs"]), min_size=1), name=strategies.sampled_from(NAMES))
def test_any_value_that_python_or_json_has_quoted_is_taken_out_whole(value: str, name: str) -> None:
    mark = f"{SECRET}{value}{SECRET}"
    for quoted in (repr({name: mark}), json.dumps({name: mark}), json.dumps(json.dumps({name: mark})), f"f({name}={mark!r})"):
        assert SECRET not in scrubbed(f"it said {quoted} and ended")


@PLAIN
@given(strategies.one_of(strategies.text(), strategies.text("passwordtoken=: '\"\\,[]{}()-redct")))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    assert scrubbed(scrubbed(text)) == scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "-" * 100, "/work/warehouse/tables/ods/play/dt=2026-02-28/build=0f1e2d3c/part-00000.parquet",
        "settlement_daily/manual__2026-02-28T00:00:00+00:00_a1b2", "scheduled__2026-02-28T17:30:00+00:00", "2026-02-28", "month=2026-02",
        "publish 1,234,567 won to 3 partners?", "보류 (suspense): 1,200원", "https://airflow.example/dags/settlement_daily?tab=code",
        "ods.play: not_null: no value is missing where one must be: file=plays/dt=2026-02-28/a.jsonl.gz, row_no=3; … and 4 more",
        "payments/dt=2026-02-28/a.csv.gz, row 7: gross_krw is '1e3': must be whole won from 0 to 1000000000",
        "partition_key=2026-02-28, play_id=x1, product_id=P, track_id=1, subscription_id=5", "the header is 'payment_id,kind,refund_of'",
        "2026-02 version 1 can't be approved by Ann, who is among its requesters (Ann, Bea)", "secretary=Ann, tokenised: 5",
    ],
)  # fmt: skip
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert scrubbed(text) == text


def sentences() -> Iterator[str]:
    """Every text in the code of steps, ledger, landing reader and plugins that is a sentence."""
    folders = (
        "include/settlement",
        "include/settlement/steps",
        "include/settlement/ledger",
        "include/settlement/landing",
        "plugins/settlement_airflow",
    )
    for path in sorted(path for folder in folders for path in (ROOT / folder).glob("*.py") if path.name != "alerts.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield node.value


def test_no_sentence_of_the_package_loses_a_word() -> None:
    found = list(sentences())
    assert len(found) > 300
    assert [text for text in found if scrubbed(text) != text] == []


# -- the event ---------------------------------------------------------------------------------------------------------


def test_an_event_is_reduced_to_what_is_named() -> None:
    frame = {"filename": "a.py", "function": "f", "lineno": 3, "vars": {"x": SECRET}, "context_line": SECRET, "abs_path": SECRET}
    raised = {"type": "ValueError", "value": f"password={SECRET}", "stacktrace": {"frames": [frame], "registers": SECRET}}
    dropped = ("vars", "request", "user", "server_name", "breadcrumbs", "extra", "modules", "contexts", "threads", "sdk")
    event: Any = {
        "message": f"token={SECRET}",
        "tags": {"task": f"https://a:{SECRET}@host"},
        "fingerprint": ["a", f"secret={SECRET}"],
        "exception": {"values": [raised, {"type": "OSError", "value": "x", "stacktrace": None}]},
        **{name: {"it": SECRET} for name in dropped},
    }
    kept: Any = scrub(event, {})
    assert SECRET not in json.dumps(kept)
    assert kept == {
        "message": "token=[redacted]",
        "tags": {"task": "https://[redacted]@host"},
        "fingerprint": ["a", "secret=[redacted]"],
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": "password=[redacted]",
                    "stacktrace": {"frames": [{"filename": "a.py", "function": "f", "lineno": 3}]},
                },
                {"type": "OSError", "value": "x", "stacktrace": {"frames": []}},
            ]
        },
    }


def raised_error() -> BaseException:
    """An error with a cause, raised where local variables hold a secret."""
    kept_here = {"password": SECRET, "user_id": LISTENER}
    try:
        try:
            raise ConnectionError(f"sftp://partner:{SECRET}@host refused {kept_here}")
        except ConnectionError as cause:
            raise BadInput("payments/dt=2026-02-28/a.csv.gz", f"user_id is '{LISTENER}x': must be 1 to 18 digits", 7) from cause
    except BadInput as error:
        return error


def test_an_exception_arrives_with_frames_but_without_variables_source_or_secrets(sentry: Sink) -> None:
    report_failure("settlement_daily/manual__1/ods.audit/1", raised_error(), TAGS)
    (event,) = sentry.received
    assert event["tags"] == TAGS
    assert (event["level"], event["environment"], event["release"]) == ("error", "dev", __version__)
    cause, error = event["exception"]["values"]
    assert (cause["type"], error["type"]) == ("ConnectionError", "BadInput")
    assert error["value"].startswith("payments/dt=2026-02-28/a.csv.gz, row 7: user_id is [redacted]: must be")
    frames = [frame for value in (cause, error) for frame in value["stacktrace"]["frames"]]
    assert {"raised_error"} == {frame["function"] for frame in frames}
    assert {name for frame in frames for name in frame} <= {"filename", "function", "module", "lineno", "in_app"}
    sent = json.dumps(event)
    assert not [word for word in (SECRET, LISTENER, "kept_here", KEY, str(ROOT)) if word in sent]
    assert event.keys() <= {*alerts._KEPT}


def test_what_the_scheduler_says_is_the_message(sentry: Sink) -> None:
    report_failure("settlement_daily/manual__1/ods.build/4", f"killed; password={SECRET}", TAGS)
    report_failure("settlement_daily/manual__1/ods.build/5", None, TAGS)
    assert [event["message"] for event in sentry.received] == ["killed; password=[redacted]", "failed without a message"]
    assert [event["fingerprint"] for event in sentry.received] == [["settlement_daily", "ods.audit", "scheduler"]] * 2


def test_the_same_failure_has_the_same_id_whoever_sends_it_and_another_has_another(sentry: Sink) -> None:
    for identity, error in (
        ("run/task/1", ValueError("seen by the worker")),
        ("run/task/1", "seen by the scheduler"),
        ("run/task/2", "again"),
    ):
        report_failure(identity, error, TAGS)
    first, same, other = (event["event_id"] for event in sentry.received)
    assert first == same != other


def test_a_late_landing_is_a_warning_that_names_the_folders(sentry: Sink) -> None:
    due = datetime(2026, 3, 1, tzinfo=UTC)
    report_late("2026-02-28", due, ["plays/dt=2026-02-28", "catalog/dt=2026-02-28"])
    report_late("2026-02-28", due, ["plays/dt=2026-02-28"])
    event, again = sentry.received
    assert event["message"] == (
        "landing 2026-02-28 was due at 2026-03-01 00:00 UTC and has not arrived: plays/dt=2026-02-28, catalog/dt=2026-02-28"
    )
    assert event["level"] == "warning"
    assert event["tags"] == {"dag": "landing_ingest", "partition": "2026-02-28", "stage": "landing"}
    assert event["event_id"] == again["event_id"]
    assert "exception" not in event


def test_the_environment_and_the_commit_are_those_of_the_settings(sentry: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_ENV", "staging")
    monkeypatch.setenv("SETTLEMENT_COMMIT", "0f1e2d3c")
    house_settings.cache_clear()
    report_failure("run/task/1", "failed", TAGS)
    (event,) = sentry.received
    assert (event["environment"], event["release"]) == ("staging", "0f1e2d3c")


def test_without_an_address_nothing_is_sent_and_nothing_fails(sentry: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTLEMENT_SENTRY_DSN")
    house_settings.cache_clear()
    report_failure("run/task/1", ValueError("x"), TAGS)
    report_late("2026-02-28", datetime(2026, 3, 1, tzinfo=UTC), ["plays/dt=2026-02-28"])
    assert sentry.received == []


def test_an_address_that_nobody_listens_at_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("SETTLEMENT_SENTRY_DSN", f"http://{KEY}@127.0.0.1:{port}/1")
    house_settings.cache_clear()
    try:
        report_failure("run/task/1", ValueError("x"), TAGS)
    finally:
        house_settings.cache_clear()
