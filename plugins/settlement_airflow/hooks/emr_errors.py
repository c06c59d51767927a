"""What AWS answers, sorted by what it means for a request: it may pass, nobody knows what came of it, or a person has to act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_OF_KEYS = {
    "AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId",
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "AuthFailure",
}  # fmt: skip
_OF_NAMES = {"NoSuchBucket": "make the bucket, or correct the setting that names it"}
_STEP_LIMIT = "maximum number of active steps"
_ENDING = ("shutting down", "terminating", "terminated", "finished")


class StepLimit(AirflowException):
    """The cluster has as many active steps as it takes."""


class ClusterEnding(AirflowException):
    """The cluster takes no steps any more."""


class NotDone(AirflowException):
    """The request certainly had no effect, and may pass: throttled, or never sent."""


class Unknown(AirflowException):
    """Nobody knows whether the request had its effect: its answer was lost."""


@contextmanager
def submitting(where: str) -> Iterator[None]:
    """Sorts what a request says that must not be sent twice.

    Raises:
        NotDone, Unknown, StepLimit, ClusterEnding, AirflowFailException: see there; `where` names what was asked of whom.
    """
    try:
        yield
    except ClientError as error:
        message = str(error.response["Error"].get("Message", ""))
        if _code(error) in _THROTTLED:
            raise NotDone(f"{where} was throttled: {message}") from error
        if _status(error) >= 500:
            raise Unknown(f"{where}: no answer that counts ({_code(error)})") from error
        if _STEP_LIMIT in message.lower():
            hint = "wait until other steps have ended, or raise SETTLEMENT_EMR_CONCURRENCY; the task tries again"
            raise StepLimit(f"{where}: {message}\n  → {hint}") from error
        if any(word in message.lower() for word in _ENDING):
            raise ClusterEnding(f"{where}: {message}") from error
        raise _refused(where, error) from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise NotDone(f"{where}: {error}") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _without_keys(where, error) from error
    except BotoCoreError as error:  # a time-out while reading, a connection that broke
        raise Unknown(f"{where}: {error}") from error


@contextmanager
def asking(where: str) -> Iterator[None]:
    """Sorts what a request says that may be sent any number of times.

    Raises:
        AirflowFailException: refused; says what to do.
        AirflowException: it may pass.
    """
    try:
        yield
    except ClientError as error:
        if _code(error) in _THROTTLED or _status(error) >= 500:
            raise AirflowException(f"{where}: {error}\n  → the task tries again") from error
        raise _refused(where, error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _without_keys(where, error) from error
    except BotoCoreError as error:
        raise AirflowException(f"{where}: {error}\n  → check that the address can be reached; the task tries again") from error


def _refused(where: str, error: ClientError) -> AirflowFailException:
    code = _code(error)
    if code in _OF_KEYS:
        return _without_keys(where, error)
    hint = _OF_NAMES.get(code, "correct what it names, then clear the task")
    return AirflowFailException(f"{where}: {error}\n  → {hint}")


def _without_keys(where: str, error: Exception) -> AirflowFailException:
    hint = "check the keys or the role of the connection, and what it may do; then clear the task"
    return AirflowFailException(f"{where}: {error}\n  → {hint}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
