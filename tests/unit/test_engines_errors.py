"""What engines say when something fails, as a sentence and what to do."""

from __future__ import annotations

import pytest

from settlement.engines.hive_errors import of_hive
from settlement.errors import EngineError

TEZ = (
    "Error while compiling statement: FAILED: Execution Error, return code 2 from org.apache.hadoop.hive.ql.exec.tez.TezTask. "
    "Vertex failed, vertexName=Map 1, vertexId=vertex_1, diagnostics=[Task failed, taskId=task_1, diagnostics=[TaskAttempt 0 "
    "failed, info=[Error: Error while running task ( failure ) : java.lang.RuntimeException: {0}\n\tat org.apache.tez.X\nCaused by: {1}\n]]"
)


class _Status:
    errorMessage = TEZ.format("map", "org.apache.hadoop.hive.ql.metadata.HiveException: ASSERT_TRUE(): assertion failed.")  # noqa: N815


class _Response:
    status = _Status()


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        (TEZ.format("map", "HiveException: ASSERT_TRUE(): assertion failed."), "38 digits", "wrong price"),
        ("TTransportException: Could not connect to any of [('127.0.0.1', 1)]", "connection", "HiveServer2"),
        ("TSocket read 0 bytes: TTransportException", "connection", "HiveServer2"),
        (
            "FAILED: SemanticException HiveException: RuntimeException: Unable to instantiate o.a.h.h.SessionHiveMetaStoreClient",
            "metastore",
            "start the metastore",
        ),
        (TEZ.format("x", "java.io.IOException: No space left on device"), "disk is full", "free space"),
        (
            TEZ.format("x", "com.amazonaws.services.s3.model.AmazonS3Exception: Access Denied (Status Code: 403)"),
            "credentials",
            "role",
        ),
        (
            TEZ.format("x", "UnknownStoreException: `s3a://x/': Bucket does not exist: NoSuchBucket"),
            "bucket doesn't exist",
            "create it",
        ),
        (TEZ.format("x", "java.lang.OutOfMemoryError: Java heap space"), "out of memory", "more memory"),
        (TEZ.format("x", "java.net.ConnectException: Connection refused"), "object store doesn't answer", "address"),
        ("CANCELED_STATE", "cancelled", "again"),
    ],
)
def test_what_is_known_says_what_to_do(text: str, reason: str, hint: str) -> None:
    error = of_hive(text, "ods.play failed on Hive")
    assert error.message.startswith("ods.play failed on Hive: ")
    assert reason in error.message
    assert hint in error.hint


def test_what_is_not_known_is_the_innermost_cause_and_not_a_page() -> None:
    error = of_hive(TEZ.format("outer", "java.lang.IllegalStateException: the very thing"), "x")
    assert error.message == "x: java.lang.IllegalStateException: the very thing"


def test_a_refused_statement_is_hive_s_own_sentence() -> None:
    text = "Error while compiling statement: FAILED: SemanticException [Error 10001]: Line 1:14 Table not found 'nosuch'"
    assert of_hive(text, "x").message == "x: SemanticException [Error 10001]: Line 1:14 Table not found 'nosuch'"


def test_the_server_s_message_is_taken_from_the_client_s_exception() -> None:
    assert "38 digits" in of_hive(RuntimeError(_Response()), "x").message
    assert of_hive(ValueError("odd"), "x").message == "x: ValueError: odd"


def test_a_message_is_never_longer_than_a_sentence() -> None:
    error = of_hive("FAILED: " + "x" * 10_000, "t")
    assert isinstance(error, EngineError)
    assert len(error.message) < 400
