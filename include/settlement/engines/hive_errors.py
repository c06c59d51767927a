"""What Hive says when something fails, as one sentence and what to do: its messages are pages of Java."""

from __future__ import annotations

import re

from settlement.errors import EngineError

_LENGTH = 300
_NOTHING = "then run again; nothing was published"
_HINTS: dict[tuple[str, ...], tuple[str, str]] = {
    ("ASSERT_TRUE()",): (
        "a product or quotient doesn't fit into 38 digits",
        f"look for a wrong price, share or rate, {_NOTHING}",
    ),
    ("Could not connect to any of", "TTransportException", "EOFError", "BrokenPipeError", "ConnectionResetError"): (
        "the connection failed or was lost",
        f"see that HiveServer2 runs and its address is right, {_NOTHING}",
    ),
    ("meta store", "MetaStoreClient", "MetaException(message:Got exception: org.apache.thrift"): (
        "the metastore doesn't answer",
        f"start the metastore or its database, {_NOTHING}",
    ),
    ("NoSuchBucket", "bucket does not exist", "UnknownStoreException"): (
        "the bucket doesn't exist",
        f"create it or correct the bucket's name, {_NOTHING}",
    ),
    ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "Access Denied", "Forbidden", "NoAuthWithAWS", "Code: 403"): (
        "the object store refuses the credentials",
        f"see which credentials or role HiveServer2 has, and what they may do, {_NOTHING}",
    ),
    ("OutOfMemoryError", "beyond physical memory", "beyond virtual memory", "GC overhead"): (
        "it ran out of memory",
        f"give Hive's containers or HiveServer2 more memory, {_NOTHING}",
    ),
    ("No space left on device", "DiskErrorException", "DSQuotaExceeded"): ("the disk is full", f"free space, {_NOTHING}"),
    ("UnknownHostException", "ConnectException", "Connection refused", "SocketTimeoutException", "ConnectTimeoutException"): (
        "the object store doesn't answer",
        f"see that it runs and its address is right, {_NOTHING}",
    ),
    ("CANCELED_STATE",): ("it was cancelled", "run it again"),
}
_CAUSE = re.compile(r"(?:Caused by: |FAILED: |HiveException: |diagnostics=\[[^\[\]]*?Error: )([^\n\\]+)")


def of_hive(error: Exception | str, what: str) -> EngineError:
    """A failure of Hive as an error for people.

    Args:
        error: an exception of pyhive or thrift, or the message of an operation.
        what: what was done.
    """
    text = message_of(error)
    for signs, (reason, hint) in _HINTS.items():
        if any(sign in text for sign in signs):
            return EngineError(f"{what}: {reason}", hint)
    return EngineError(f"{what}: {_useful(text)}")


def message_of(error: Exception | str) -> str:
    """The text that the server sent with an exception, else its own."""
    if isinstance(error, str):
        return error
    status = getattr(error.args[0], "status", None) if error.args else None
    sent = getattr(status, "errorMessage", None)
    return str(sent) if sent else f"{type(error).__name__}: {error}"


def _useful(text: str) -> str:
    """The innermost cause that is told, else the first line; shortened."""
    causes = _CAUSE.findall(text)
    first = next((line for line in text.splitlines() if line.strip()), text)
    told = causes[-1] if causes else first
    return told.strip()[:_LENGTH]
