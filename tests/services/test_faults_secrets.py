"""Fault 32: what signs in anywhere is in no log, answer, template, script, record or file of a run that had it all."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from local.services.postgres import Postgres
from local.services.s3 import keys
from local.services.service import ROOT
from local.services.stack import Stack
from settlement.storage import location
from tests.airflow.sink import KEY, sink
from tests.faults.emr_town import BUCKET, Town
from tests.faults.test_emr_steps import served, stage, town
from tests.integration.example import FIRST
from tests.integration.shelf import Shelf
from tests.services.served import Served
from tests.services.served import served as on_services

__all__ = ["served", "stage", "town"]

CANARY = "canary/of+a=secret-7f3a"
RUN = ["--run", "daily/secrets", "--partition", FIRST]
REPORT = """
from settlement.settings import settings
from settlement.steps.reporting import Failure, report_once
url = settings().ledger_url.get_secret_value()
failure = Failure("settlement_daily", "secrets", "{day}", "daily.build", "daily", 1)
report_once(failure, RuntimeError(f"no connection to {{url}}"))
"""


@pytest.fixture
def day(services: Stack, shelf: Shelf) -> Iterator[Served]:
    with on_services(services, shelf.house("new"), ("raw", "ods")) as made:
        yield made


def _planted(day: Served, dsn_key: str) -> dict[str, str]:
    """Every secret of a worker, by what it is."""
    server = day.stack.of(Postgres)
    return {
        "password of the ledger": server.password("ledger"),
        "secret key of the object store": keys(day.stack.state)[1],
        "key of Sentry": dsn_key,
        "connections, and the settings of the API": CANARY,
    }


def _process(day: Served, arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """What a worker starts; all that it says is kept."""
    connection = json.dumps({"conn_type": "aws", "login": "key", "password": CANARY})
    secrets = {"AIRFLOW_CONN_EMR": connection, "SETTLEMENT_API_TRINO_PASSWORD": CANARY, "SETTLEMENT_API_CURSOR_KEY": CANARY}
    plain = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'include'}:{ROOT}"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**plain, **day.variables(), **secrets, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_32_no_secret_of_a_run_is_in_what_it_says_records_writes_or_reports(day: Served) -> None:
    said: dict[str, str] = {}
    with sink() as sentry:

        def run(name: str, *arguments: str, code: int = 0, **variables: str) -> None:
            done = _process(day, list(arguments), SETTLEMENT_SENTRY_DSN=sentry.dsn, **variables)
            said[name] = done.stdout + done.stderr
            assert done.returncode == code, f"{name}: {said[name]}"

        steps = ("-m", "settlement.steps")
        run("begin", *steps, "begin", *RUN, "--by", "service:scheduler", "--gate", "raw")
        run("script", *steps, "build", *RUN, "--stage", "daily", "--attempt", "1", SETTLEMENT_ENGINE="emr")
        run("build", *steps, "build", *RUN, "--stage", "daily", SETTLEMENT_ENGINE="duckdb")
        run("audit", *steps, "audit", *RUN, "--stage", "daily")
        run("publish", *steps, "publish", *RUN, "--stage", "daily")
        wrong = {"SETTLEMENT_LEDGER_URL": day.ledger_url.replace("127.0.0.1:", "127.0.0.1:1")}
        run("no ledger", *steps, "audit", *RUN, "--stage", "daily", code=1, **wrong)
        run("no keys", *steps, "audit", *RUN, "--stage", "daily", code=1, AWS_ACCESS_KEY_ID="nobody")
        run("a setting that is wrong", *steps, "audit", *RUN, "--stage", "daily", code=1, SETTLEMENT_LEDGER_URL=f"my://{CANARY}")
        run("alert", "-c", REPORT.format(day=FIRST))
        said["events"] = json.dumps(sentry.received)
    assert "INSERT OVERWRITE" in said["script"]
    assert "no connection to" in said["events"]
    said["ledger"] = day.records()
    said["tables"] = _described(day)
    said.update(_files(day))
    said.update(_logs(day.stack))
    assert f"{day.root}/warehouse/verdicts" in " ".join(said), "the files were looked at"
    planted = _planted(day, KEY)
    found = [(what, where) for what, secret in planted.items() for where, text in said.items() if secret in text]
    assert found == []


def _described(day: Served) -> str:
    """What the metastore says of a table for people."""
    with day.hive.cursor() as cursor:
        cursor.execute(f"DESCRIBE FORMATTED {day.name}.mart_settlement_daily PARTITION (dt='{FIRST}')")
        return json.dumps(cursor.fetchall(), default=str)


def _files(day: Served) -> dict[str, str]:
    """All that the run has written into the bucket; text of tables is seen through their compression by nobody, so as it is."""
    paths = [path for path in location(day.root).rglob("*") if path.is_file()]
    recent = [path for path in paths if "/tables/raw/" not in str(path) and "/tables/ods/" not in str(path)]
    return {str(path): path.read_bytes().decode("latin-1") for path in recent}


def _logs(stack: Stack) -> dict[str, str]:
    return {name: service.process.log.read_text(errors="replace") for name, service in stack.services.items()}


def test_32_the_keys_of_an_airflow_connection_are_in_no_step_script_answer_or_log_of_emr(town: Town) -> None:
    connection = {"conn_type": "aws", "login": "key", "password": CANARY, "extra": {"region_name": "ap-northeast-2"}}
    variables = {"SETTLEMENT_EMR_CONNECTION": "emr", "AIRFLOW_CONN_EMR": json.dumps(connection)}
    environment = {name: value for name, value in town._environment().items() if not name.startswith("AWS_SECRET")}
    came = town.through(env={**environment, **variables})
    assert came == {"did": "success", "said": "sealed 0a"}
    listed = town.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    said = {
        "answer": json.dumps(came),
        "steps": json.dumps(town.emr.list_steps(ClusterId=town.cluster_id)["Steps"], default=str),
        **{path.name: path.read_text(errors="replace") for path in town.folder.rglob("*") if path.is_file()},
        **{entry["Key"]: _text(town.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()) for entry in listed},
    }
    assert any(name.startswith("scripts/") for name in said)
    assert "settlement_airflow" in "".join(said.values()), "the log is the task's"
    assert [name for name, text in said.items() if CANARY in text] == []


def _text(content: bytes) -> str:
    """Of a script, or of a log, which EMR packs."""
    return (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode()
