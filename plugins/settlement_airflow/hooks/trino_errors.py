"""What Trino answers, as a sentence, what to do, and whether another try may help."""

from __future__ import annotations

import re

import requests
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from trino.exceptions import HttpError, TrinoAuthError, TrinoQueryError

from settlement.errors import EngineError

_LENGTH = 300
_AGAIN = "the task tries again"
_CLEAR = "then clear the task"
_MEMORY = ("EXCEEDED_LOCAL_MEMORY_LIMIT", "EXCEEDED_GLOBAL_MEMORY_LIMIT", "CLUSTER_OUT_OF_MEMORY", "EXCEEDED_MEMORY_LIMIT")
_LIMITS = ("EXCEEDED_CPU_LIMIT", "EXCEEDED_SCAN_LIMIT", "EXCEEDED_SPILL_LIMIT", "QUERY_HAS_TOO_MANY_STAGES")
_STORE = ("HIVE_FILESYSTEM_ERROR", "HIVE_CANNOT_OPEN_SPLIT", "HIVE_CURSOR_ERROR")
_DATA = ("HIVE_BAD_DATA", "HIVE_INVALID_METADATA", "HIVE_PARTITION_SCHEMA_MISMATCH", "HIVE_INVALID_PARTITION_VALUE")
_ENDED = ("ADMINISTRATIVELY_KILLED", "USER_CANCELED")
_PASSES = {  # what machines cause is worth another try
    **dict.fromkeys(_MEMORY, "raise SETTLEMENT_TRINO_QUERY_MEMORY or Trino's query.max-memory, or give it more machines"),
    "QUERY_QUEUE_FULL": "wait until other queries have ended, or widen the resource group",
    "NO_NODES_AVAILABLE": "see that Trino has workers",
    "ADMINISTRATIVELY_PREEMPTED": "see which query went before it",
    "ABANDONED_QUERY": "see why nobody fetched its result: the worker was held up, or the network",
    "SERVER_SHUTTING_DOWN": "wait until Trino runs",
    "SERVER_STARTING_UP": "wait until Trino runs",
    "HIVE_METASTORE_ERROR": "see that the metastore runs and Trino reaches it",
    **dict.fromkeys(_STORE, "see that the object store runs and which credentials Trino has"),
}
_STAYS = {  # what data, rules or people cause is not
    "TABLE_NOT_FOUND": "publish the stage, which makes its tables, or correct SETTLEMENT_DATABASE",
    "SCHEMA_NOT_FOUND": "publish the stage, which makes its database, or correct SETTLEMENT_DATABASE",
    "CATALOG_NOT_FOUND": "correct SETTLEMENT_TRINO_CATALOG, or give Trino the catalogue",
    "COLUMN_NOT_FOUND": "see that the table in the metastore is what its table.yaml declares",
    "SYNTAX_ERROR": "correct the query",
    "PERMISSION_DENIED": "see what Trino's user may read",
    "EXCEEDED_TIME_LIMIT": "see in Trino what it waited for, or raise SETTLEMENT_TRINO_RUN_SECONDS",
    **dict.fromkeys(_LIMITS, "make the query smaller, or raise the limit that it names"),
    **dict.fromkeys(_DATA, "a file isn't what its table declares: build the partition again"),
    "NUMERIC_VALUE_OUT_OF_RANGE": "a value doesn't fit into its type: look for a wrong price, share or rate",
    "DIVISION_BY_ZERO": "a rule divides by nothing: look for a share or weight of 0",
    **dict.fromkeys(_ENDED, "ask who ended it in Trino"),
}
_OF_PEOPLE = "USER_ERROR"
_STATUS = re.compile(r"^error (\d{3})")
_REFUSED, _BUSY = {401, 403}, {429, 502, 503, 504}
_KEYS = "check the user, the password or the token of the Airflow connection"
_LOST: tuple[tuple[type[Exception], str, str, bool], ...] = (  # what it came of: what it means, what to do, whether it passes
    (TrinoAuthError, "would be sent the password in the open", "use https: protocol in the connection's extra", False),
    (requests.exceptions.SSLError, "can't be trusted (TLS)", "see that it speaks https, and whose certificate it shows", False),
    (requests.exceptions.Timeout, "doesn't answer in time", "see that it isn't overloaded", True),
    (requests.exceptions.ConnectionError, "can't be reached", "see that it runs and its address is right", True),
)


def of_query(error: TrinoQueryError, what: str) -> AirflowException:
    """A query that Trino has ended, as an error for people.

    Args:
        error: Trino's.
        what: whose query it was.

    Returns:
        AirflowFailException when another try doesn't change it, else AirflowException.
    """
    said = error.message.strip().splitlines() if isinstance(error.message, str) else []
    reason = f"{(said or ['no message'])[0][:_LENGTH]} ({error.error_name})"
    text = f"{what}: Trino's query {error.query_id} failed: {reason}"
    if error.error_name in _PASSES:
        return _shown(text, _PASSES[error.error_name], passes=True)
    if error.error_name in _STAYS:
        return _shown(text, _STAYS[error.error_name], passes=False)
    is_of_people = error.error_type == _OF_PEOPLE
    return _shown(text, "correct what it names" if is_of_people else "see the query in Trino", passes=not is_of_people)


def of_connection(error: Exception, what: str, address: str) -> AirflowException:
    """A request without a result, as an error for people.

    Nothing that the libraries say is repeated: a header that can't be sent is quoted by them, with the token in it.

    Args:
        error: of Trino's client or of requests.
        what: whose query it was.
        address: where Trino was asked.

    Returns:
        as `of_query`.
    """
    text, found = f"{what}: Trino at {address}", _causes(error)
    if answered := next((cause for cause in found if isinstance(cause, HttpError)), None):
        return _of_status(answered, text)
    if any(map(_is_of_header, found)):
        return _shown(f"{text} can't be sent what signs in", f"{_KEYS}: it holds what a header can't", passes=False)
    for kind, said, hint, passes in _LOST:
        if any(isinstance(cause, kind) for cause in found):
            return _shown(f"{text} {said}{_reason(found)}", hint, passes=passes)
    return _shown(f"{text}: {type(error).__name__} while its answer was read", "see its log", passes=True)


def _of_status(error: HttpError, text: str) -> AirflowException:
    status = _STATUS.match(str(error))
    code = int(status[1]) if status else 0
    if code in _REFUSED:
        return _shown(f"{text} refuses the credentials (status {code})", _KEYS, passes=False)
    return _shown(f"{text} answers with status {code}", "it is busy or starting" if code in _BUSY else "see its log", passes=True)


def _shown(text: str, hint: str, *, passes: bool) -> AirflowException:
    error = EngineError(text, f"{hint}; {_AGAIN if passes else _CLEAR}")
    raised = AirflowException if passes else AirflowFailException
    return raised(f"{type(error).__name__}: {error}")


def _causes(error: BaseException | None) -> list[BaseException]:
    """An error and what it came of, the outermost first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _is_of_header(error: BaseException) -> bool:
    """Whether a header can't be sent: it has a line break, or letters of other alphabets."""
    kinds = (requests.exceptions.InvalidHeader, UnicodeEncodeError)
    return isinstance(error, kinds) or (type(error) is ValueError and str(error).startswith("Invalid header"))


def _reason(found: list[BaseException]) -> str:
    """What the system said at the bottom, such as `: Connection refused`; nothing when it said nothing."""
    return next((f": {e.strerror}" for e in reversed(found) if isinstance(e, OSError) and e.strerror), "")
