"""What an object store fails at, as errors for people: the place, the reason, what to do, and whether it may pass.

Buckets are reached through s3fs (which is botocore) and through Arrow, inside DuckDB too. Each has its own words; here, and
nowhere else, they become one. A message shows places, codes and addresses, never a header, a signature or a key.
"""

from __future__ import annotations

import re
from errno import ENOENT
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from settlement.errors import EngineError, SettlementError, StorageError, StorageUnavailable

if TYPE_CHECKING:  # only who has used a bucket has paid for it
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]


class Reason(NamedTuple):
    """Why a request failed, what to do about it, and whether another try may do."""

    text: str
    hint: str
    passes: bool = False

    def at(self, place: str) -> StorageError:
        """The error of a place, `s3://bucket/key`."""
        kind = StorageUnavailable if self.passes else StorageError
        return kind(f"{place}: {self.text}" if place else f"the object store: {self.text}", self.hint)


_LATER = "then run again"
_LENGTH = 200  # characters of a message that we have no words for
_MISSING = ("NoSuchKey", "404", "ResourceNotFound")  # the caller knows what it means that nothing is there
_SILENT = Reason("it doesn't answer", f"see that it runs and its address is right, {_LATER}", passes=True)
_LOST = Reason(
    "the connection was lost, or no answer came in time", f"see that the network and the server are well, {_LATER}", True
)
_KMS = Reason(
    "the KMS key is refused",
    f"see that SETTLEMENT_KMS_KEY names a key that is enabled, and that the role or key used may kms:GenerateDataKey and "
    f"kms:Decrypt with it, {_LATER}",
)
_REASONS: dict[tuple[str, ...], Reason] = {
    ("NoSuchBucket",): Reason(
        "the bucket doesn't exist", f"make the bucket, or correct the setting that names it, {_LATER}"
    ),
    ("InvalidBucketName",): Reason("that is no name for a bucket", f"correct the setting that names it, {_LATER}"),
    ("AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem", "Forbidden", "403"): Reason(
        "access is denied", f"allow it to the role or key that is used, or use another one, {_LATER}"
    ),
    (
        "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignature", "InvalidSignatureException",
        "UnrecognizedClient", "UnrecognizedClientException", "InvalidToken", "InvalidSecurity", "XAdminUserNotFound",
        "IncompleteSignature", "MissingAuthenticationToken",
    ): Reason("the key is not accepted", f"correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role, {_LATER}"),
    ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"): Reason(
        "the credentials have expired", f"renew them; those of a role are renewed by another try, {_LATER}", passes=True
    ),
    ("RequestTimeTooSkewed", "RequestExpired"): Reason("the clock of this machine is wrong", f"set the clock, {_LATER}"),
    ("PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
     "301", "307"): Reason("the bucket is in another region", f"set AWS_REGION to the region of the bucket, {_LATER}"),
    (
        "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "TooManyRequestsException",
        "ServiceUnavailable", "OperationAborted", "429", "503",
    ): Reason("it is too busy and asks to slow down", f"wait, or let fewer runs work at once, {_LATER}", passes=True),
    ("InternalError", "InternalFailure", "InternalServerError", "InternalServiceException", "500", "502", "504"): Reason(
        "it failed by itself", f"see whether the service is disturbed, {_LATER}", passes=True
    ),
    ("RequestTimeout", "RequestTimeoutException", "OperationTimeoutException", "NoSuchUpload"): _LOST,
    ("NetworkConnection",): _SILENT,
}  # fmt: skip
_BY_CODE = {code: reason for codes, reason in _REASONS.items() for code in codes}
_ARROW = re.compile(r"AWS Error ([A-Z_]+)(?: \(HTTP status (\d+)\))? during (\w+) operation: ?(.*)", re.DOTALL)
_ARROW_PLACE = re.compile(r"key '([^']*)' in bucket '([^']*)'|bucket '([^']*)'")
_ARROW_MISSING = re.compile(r"Path does not exist '([^']+)'")


def reason_of(error: BaseException) -> Reason | None:
    """Why a request of botocore, of what lies below it, or of Arrow failed; None for any other error, and for an object that
    isn't there."""
    from botocore.exceptions import BotoCoreError, ClientError

    source = error.__cause__ if isinstance(error.__cause__, ClientError) else error  # s3fs makes OSErrors of them
    if isinstance(source, ClientError):
        return _of_code(source)
    if isinstance(source, BotoCoreError):
        return _of_botocore(source)
    if type(source).__module__.partition(".")[0] in ("aiohttp", "fsspec"):
        return _LOST
    found = _ARROW.search(str(source))
    return _of_arrow(found) if found else None


def of_request(error: BaseException, place: str) -> StorageError | FileNotFoundError | None:
    """The error of a request about a place; None when it is something else.

    That nothing is there stays a FileNotFoundError, with the place: callers ask for what may be missing.
    """
    if reason := reason_of(error):
        return reason.at(place)
    return FileNotFoundError(ENOENT, "nothing is there", place) if isinstance(error, FileNotFoundError) else None


def behind(error: BaseException) -> StorageError | None:
    """The failure of the object store that ended a step; None when it was something else.

    Arrow's come wrapped by whoever read through it: DuckDB's exceptions, and the EngineErrors made of them.
    """
    if isinstance(error, SettlementError) and not isinstance(error, EngineError):
        return error if isinstance(error, StorageError) else None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StorageError):
            return cause
        if missing := _missing(cause):
            hint = "something that was published or frozen is gone: restore it from the bucket's older versions, then run again"
            return StorageError(f"{missing}: nothing is there", hint)
        if reason := reason_of(cause):
            return reason.at(_arrow_place(str(cause)))
        cause = cause.__cause__
    return None


def _of_code(error: ClientError) -> Reason | None:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
    if code in _MISSING:
        return None
    if "throttl" in code.lower():
        return _BY_CODE["Throttling"]
    if code.startswith("KMS.") or "kms" in message.lower():
        return _KMS._replace(text=f"{_KMS.text} ({code})")
    known = _BY_CODE.get(code) or _BY_CODE.get(str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")))
    if known is None:
        return Reason(f"{error.operation_name} was refused ({code}: {message[:_LENGTH]})", f"correct what it names, {_LATER}")
    return known._replace(text=f"{known.text} ({code})")


def _of_botocore(error: BotoCoreError) -> Reason:
    from botocore import exceptions as told  # type: ignore[import-untyped]

    address = _address(str(error.kwargs.get("endpoint_url", "")))
    if isinstance(error, told.SSLError):
        return Reason(f"the certificate of {address} isn't trusted", f"correct the address, or set AWS_CA_BUNDLE, {_LATER}")
    if isinstance(error, told.EndpointConnectionError | told.ConnectTimeoutError | told.ProxyConnectionError):
        return _SILENT._replace(text=f"{address} doesn't answer")
    if isinstance(error, told.ConnectionError | told.HTTPClientError | told.ResponseStreamingError | told.IncompleteReadError):
        return _LOST
    if isinstance(error, told.NoCredentialsError | told.PartialCredentialsError | told.CredentialRetrievalError):
        hint = f"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role, {_LATER}"
        return Reason("there are no credentials", hint)
    if isinstance(error, told.NoRegionError):
        return Reason("no region is set", f"set AWS_REGION, {_LATER}")
    # Others may quote a header: their names say enough.
    return Reason(f"the request can't be made ({type(error).__name__})", f"correct the AWS_ settings, {_LATER}")


def _of_arrow(found: re.Match[str]) -> Reason | None:
    name, status, operation = found[1], found[2] or "", found[3]
    code = "".join(part.capitalize() for part in name.split("_"))
    if code in _MISSING or status in _MISSING:
        return None
    if "kms" in found[4].lower():
        return _KMS
    known = _BY_CODE.get(code) or _BY_CODE.get(status)
    return known or Reason(f"{operation} failed ({status or code})", f"see what the object store logs, {_LATER}", passes=True)


def _arrow_place(text: str) -> str:
    found = _ARROW_PLACE.search(text)
    if found is None:
        return ""
    return f"s3://{found[2]}/{found[1]}" if found[2] else f"s3://{found[3]}"


def _missing(error: BaseException) -> str:
    """The place in a bucket that an error says isn't there."""
    if isinstance(error, FileNotFoundError):
        return str(error.filename) if str(error.filename).startswith("s3://") else ""
    # DuckDB hands on what Arrow says as text.
    found = _ARROW_MISSING.search(str(error)) if isinstance(error, OSError) or type(error).__module__ == "_duckdb" else None
    return f"s3://{found[1]}" if found else ""


def _address(url: str) -> str:
    """Scheme, host and port alone: the rest of an address may hold what is nobody's business."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "its address"
