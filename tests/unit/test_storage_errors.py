"""What libraries say of a bucket, as one sentence and what to do, and whether another try may do."""

from __future__ import annotations

import json

import duckdb
import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from s3fs.errors import translate_boto_error  # type: ignore[import-untyped]

from settlement.errors import AuditFailed, EngineError, SettlementError, StorageError, StorageUnavailable
from settlement.steps import __main__ as steps
from settlement.storage_errors import behind, of_request, reason_of

PLACE = "s3://lake/tables/ods/play/part.parquet"
ADDRESS = "http://user:canary@store.example:7070/lake/tables?X-Amz-Signature=canary"


def answered(code: str, message: str = "", status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutObject")


def translated(error: BaseException) -> StorageError:
    found = of_request(error, PLACE)
    assert isinstance(found, StorageError)
    return found


@pytest.mark.parametrize(
    ("error", "reason", "hint", "passes"),
    [
        (answered("NoSuchBucket"), "the bucket doesn't exist (NoSuchBucket)", "make the bucket", False),
        (answered("AccessDenied", status=403), "access is denied (AccessDenied)", "allow it", False),
        (answered("403", "Forbidden", 403), "access is denied (403)", "allow it", False),
        (answered("InvalidAccessKeyId", status=403), "the key is not accepted", "AWS_SECRET_ACCESS_KEY", False),
        (answered("SignatureDoesNotMatch", status=403), "the key is not accepted", "AWS_SECRET_ACCESS_KEY", False),
        (answered("ExpiredToken"), "the credentials have expired", "renew them", True),
        (answered("RequestTimeTooSkewed", status=403), "the clock of this machine is wrong", "set the clock", False),
        (answered("PermanentRedirect", status=301), "the bucket is in another region", "AWS_REGION", False),
        (answered("SlowDown", status=503), "asks to slow down (SlowDown)", "fewer runs", True),
        (answered("InternalError", status=500), "it failed by itself", "disturbed", True),
        (answered("Novelty", status=503), "asks to slow down (Novelty)", "fewer runs", True),
        (answered("RequestTimeout"), "no answer came in time", "network", True),
        (answered("Novelty", "the moon is wrong"), "PutObject was refused (Novelty: the moon is wrong)", "correct", False),
        (answered("KMS.DisabledException"), "the KMS key is refused (KMS.DisabledException)", "SETTLEMENT_KMS_KEY", False),
        (
            answered("AccessDenied", "not authorized to perform: kms:GenerateDataKey on resource", 403),
            "the KMS key is refused (AccessDenied)",
            "kms:GenerateDataKey",
            False,
        ),
        (answered("KMS.ThrottlingException"), "asks to slow down", "fewer runs", True),
        (EndpointConnectionError(endpoint_url=ADDRESS), "http://store.example:7070 doesn't answer", "see that it runs", True),
        (ConnectTimeoutError(endpoint_url=ADDRESS), "http://store.example:7070 doesn't answer", "see that it runs", True),
        (ReadTimeoutError(endpoint_url=ADDRESS), "no answer came in time", "network", True),
        (ConnectionClosedError(endpoint_url=ADDRESS), "the connection was lost", "network", True),
        (SSLError(endpoint_url=ADDRESS, error="self-signed"), "certificate of http://store.example:7070", "AWS_CA_BUNDLE", False),
        (NoCredentialsError(), "there are no credentials", "AWS_ACCESS_KEY_ID", False),
        (BotoCoreError(), "the request can't be made (BotoCoreError)", "AWS_ settings", False),
    ],
    ids=lambda value: value.args[0][:40] if isinstance(value, Exception) else "",
)
def test_a_failed_request_is_one_sentence_with_place_reason_and_what_to_do(
    error: Exception, reason: str, hint: str, passes: bool
) -> None:
    found = translated(error)
    assert found.message.startswith(f"{PLACE}: ")
    assert reason in found.message
    assert hint in found.hint
    assert found.hint.endswith("then run again")
    assert isinstance(found, StorageUnavailable) == passes
    assert "canary" not in str(found)


@pytest.mark.parametrize("code", ["NoSuchBucket", "AccessDenied", "SlowDown"])
def test_the_os_errors_that_s3fs_makes_say_the_same(code: str) -> None:
    assert str(translated(translate_boto_error(answered(code)))) == str(translated(answered(code)))


@pytest.mark.parametrize("code", ["NoSuchKey", "404"])
def test_an_object_that_is_not_there_stays_so_and_gets_its_place(code: str) -> None:
    found = of_request(translate_boto_error(answered(code)), PLACE)
    assert isinstance(found, FileNotFoundError)
    assert found.filename == PLACE


def test_an_error_of_something_else_is_left_alone() -> None:
    assert of_request(OSError(28, "No space left on device"), PLACE) is None
    assert reason_of(ValueError("AWS")) is None
    assert behind(OSError(28, "No space left on device")) is None


ARROW = "When reading information for key 'a/b.parquet' in bucket 'lake': AWS Error {} during HeadObject operation: {}"


@pytest.mark.parametrize(
    ("code", "detail", "reason", "passes"),
    [
        ("ACCESS_DENIED", "No response body.", "access is denied", False),
        ("NETWORK_CONNECTION", "curlCode: 7, Could not connect to server", "it doesn't answer", True),
        ("NO_SUCH_BUCKET", "", "the bucket doesn't exist", False),
        ("SLOW_DOWN", "", "it is too busy", True),
        ("INVALID_ACCESS_KEY_ID", "", "the key is not accepted", False),
        ("SIGNATURE_DOES_NOT_MATCH", "", "the key is not accepted", False),
        ("UNKNOWN (HTTP status 503)", "", "it is too busy", True),
        ("UNKNOWN (HTTP status 418)", "", "HeadObject failed (418)", True),
        ("ACCESS_DENIED", "not authorized to perform: kms:Decrypt", "the KMS key is refused", False),
    ],
)
def test_what_arrow_says_through_duckdb_says_the_place_too(code: str, detail: str, reason: str, passes: bool) -> None:
    text = ARROW.format(code, detail)
    by_duckdb = EngineError("mart.pool failed: Invalid Input Error", "")
    by_duckdb.__cause__ = duckdb.InvalidInputException(f"reading the stream registered as 'f' failed: IOError: {text}")
    for error in (OSError(text), by_duckdb):
        found = behind(error)
        assert found is not None
        assert found.message.startswith(f"s3://lake/a/b.parquet: {reason}")
        assert isinstance(found, StorageUnavailable) == passes


def test_an_object_that_arrow_does_not_find_is_gone() -> None:
    missing = "IOError: Path does not exist 'lake/a/b.parquet'. Detail: [errno 2] No such file or directory"
    for error in (duckdb.InvalidInputException(missing), FileNotFoundError(2, "nothing is there", "s3://lake/a/b.parquet")):
        found = behind(error)
        assert found is not None
        assert found.message == "s3://lake/a/b.parquet: nothing is there"
        assert "older versions" in found.hint


def test_an_error_for_people_that_came_of_a_missing_object_stays_itself() -> None:
    verdict = AuditFailed("no verdict", "audit again")
    verdict.__cause__ = FileNotFoundError(2, "nothing is there", PLACE)
    assert behind(verdict) is None
    assert behind(StorageUnavailable("later")) is not None


class _Novel(Exception):
    pass


@pytest.mark.parametrize(
    ("raised", "error", "transient"),
    [
        (EndpointConnectionError(endpoint_url=ADDRESS), "StorageUnavailable", True),
        (answered("SlowDown", status=503), "StorageUnavailable", True),
        (StorageUnavailable("lost"), "StorageUnavailable", True),
        (answered("AccessDenied", status=403), "StorageError", False),
        (NoCredentialsError(), "StorageError", False),
        (OSError(28, "No space left on device"), "SettlementError", True),
        (EngineError("it failed"), "EngineError", True),
        (SettlementError("no"), "SettlementError", False),
    ],
)
def test_a_step_answers_with_the_error_and_whether_to_try_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Exception, error: str, transient: bool
) -> None:
    def fail(_: object) -> None:
        raise raised

    monkeypatch.setattr(steps, "_run", fail)
    assert steps.main(["close", "--run", "r", "--partition", "2026-03"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["error"], answer["transient"]) == (error, transient)
    assert "canary" not in json.dumps(answer)


def test_a_slip_of_the_program_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise _Novel("a slip")

    monkeypatch.setattr(steps, "_run", fail)
    with pytest.raises(_Novel):
        steps.main(["close", "--run", "r", "--partition", "2026-03"])
