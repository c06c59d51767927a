"""Alerts to Sentry: one event for a task that failed for good, or for a landing that is late; nothing when no address is set.

An event is put together here from a few named facts and scrubbed on its way out: no local variables, no environment, no
request, no breadcrumbs, no user ids.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import event_from_exception

from settlement import __version__
from settlement.settings import settings

_FLUSH_SECONDS = 5.0
_REDACTED = "[redacted]"
# Kept of an event; everything else the SDK may add is dropped.
_KEPT = ("event_id", "timestamp", "level", "platform", "message", "exception", "tags", "fingerprint", "environment", "release")
_FRAME_KEPT = ("filename", "function", "module", "lineno", "in_app")
_NAMES = (
    r"user[_-]?ids?|passw(?:or)?d|passphrase|pwd|secrets?|tokens?|credentials?|authorization|cookie|dsn"
    r"|(?:api|access|account|private|secret|fernet)[_-]?key"
)
_VALUE = (
    r"(?:(?:bearer|basic|digest|token)[ \t]+)?"
    r"(?:(?P<quote>\\+['\"])[\s\S]*?(?:(?<!\\)(?P=quote)|\Z)"  # \"a b\", as in JSON inside of a text
    r"|[bru]{0,2}'(?:[^'\\]|\\[\s\S])*(?:'|\Z)|[bru]{0,2}\"(?:[^\"\\]|\\[\s\S])*(?:\"|\Z)"  # cut off: to the end
    r"|\[[^\]]*\]?|\{[^}]*\}?|\([^)]*\)?"
    r"|(?:\[redacted\]|[^\s,;&)}\]]|[,;&)}\]](?=\w)(?!\w[\w.-]*\\*['\"]?[ \t]*[=:]))+)"  # bare: may hold commas and brackets
)
_PATTERNS = (
    # name = value, in any spelling of code, JSON, URLs, headers and this package's sentences
    re.compile(rf"(?i)((?:{_NAMES})\\*['\"]?[ \t]*(?:[=:]+>?[ \t]*|\bis[ \t]+(?=['\"\d])|(?<=['\"]),[ \t]*(?=['\"]))){_VALUE}"),
    re.compile(rf"(?i)((?<![\w-])--[\w-]{{0,40}}(?:{_NAMES})[\w-]{{0,40}}[ \t]+){_VALUE}"),
    re.compile(r"(?i)(\bbearer[ \t]+)[\w.~+/=-]{8,}"),
)
_WHOLE = (
    re.compile(r"(?<=://)[^\s/?#'\"<>]+(?=@)"),  # user:password@ of a URL
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),  # AWS key ids
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),  # JSON web tokens
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)


def scrubbed(text: str) -> str:
    """A text without what looks like a credential or a listener's id."""
    for pattern in _WHOLE:
        text = pattern.sub(_REDACTED, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{_REDACTED}", text)
    return text


def scrub(event: Event, _hint: Hint) -> Event:
    """Reduce an event to what may leave the house."""
    kept: dict[str, Any] = {name: value for name, value in event.items() if name in _KEPT}
    for raised in kept.get("exception", {}).get("values", []):
        frames = (raised.get("stacktrace") or {}).get("frames") or []
        raised["stacktrace"] = {"frames": [{k: v for k, v in frame.items() if k in _FRAME_KEPT} for frame in frames]}
    return _each_text(kept)  # type: ignore[no-any-return]


def _each_text(value: Any) -> Any:
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, Mapping):
        return {key: _each_text(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(inner) for inner in value]
    return value


def report_failure(identity: str, error: BaseException | str | None, tags: Mapping[str, str]) -> None:
    """Send one event for a failure.

    Args:
        identity: names this failure (dag, run, task, try): Sentry keeps one event of an id, whoever sends it again.
        error: the exception, or the scheduler's sentence.
        tags: facts to search by: dag, run, partition, stage, task, settlement_release.
    """
    event: dict[str, Any] = {"level": "error", "tags": dict(tags), "fingerprint": _fingerprint(error, tags)}
    if not isinstance(error, BaseException):
        event["message"] = error or "failed without a message"
    _send(event, identity, error)


def report_late(day: str, due: datetime, waiting: Sequence[str]) -> None:
    """Send one event for a landing that did not come in time."""
    message = f"landing {day} was due at {due:%Y-%m-%d %H:%M} UTC and has not arrived: {', '.join(waiting)}"
    tags = {"dag": "landing_ingest", "partition": day, "stage": "landing"}
    _send({"message": message, "level": "warning", "tags": tags}, f"late/{day}")


def _fingerprint(error: BaseException | str | None, tags: Mapping[str, str]) -> list[str]:
    kind = type(error).__name__ if isinstance(error, BaseException) else "scheduler"
    return [tags.get("dag", ""), tags.get("task", ""), kind]


def _send(event: dict[str, Any], identity: str, error: BaseException | str | None = None) -> None:
    dsn = settings().sentry_dsn
    if dsn is None:
        return
    client = sentry_sdk.Client(
        dsn.get_secret_value(),
        environment=settings().env,
        release=settings().commit or __version__,
        default_integrations=False,  # they would send what is merely logged, a second time
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        before_send=scrub,
    )
    try:
        if isinstance(error, BaseException):  # read with every option of the client: it asks for more of them by release
            event = {**event_from_exception(error, client_options=client.options)[0], **event}
        client.capture_event({**event, "event_id": hashlib.sha256(identity.encode()).hexdigest()[:32]})  # type: ignore[typeddict-item]
        client.flush(timeout=_FLUSH_SECONDS)
    finally:
        client.close(timeout=0)
