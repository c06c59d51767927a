"""Whether an object is of Kubernetes' own form: every field one that its client knows, by the name and kind it has there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubernetes import client

_LIST, _DICT = re.compile(r"list\[(.*)\]"), re.compile(r"dict[\[(]str, (.*)[\])]")
_PLAIN = {"str": str, "int": int, "float": (int, float), "bool": bool, "datetime": str}


def field_faults(thing: Mapping[str, Any]) -> list[str]:
    """What of an object Kubernetes doesn't know, by its path."""
    version = thing["apiVersion"].rpartition("/")[2]
    return list(_faults(thing, f"{version.capitalize()}{thing['kind']}", f"{thing['kind']} {thing['metadata']['name']}"))


def _faults(value: Any, kind: str, path: str) -> Iterator[str]:
    if listed := _LIST.fullmatch(kind):
        yield from _of_list(value, listed[1], path)
    elif mapped := _DICT.fullmatch(kind):
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no {kind}"
            return
        for key, inner in value.items():
            yield from _faults(inner, mapped[1], f"{path}.{key}")
    elif kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (kind == "int" and isinstance(value, bool)):
            yield f"{path}: {value!r} is no {kind}"
    elif kind != "object":
        yield from _of_model(value, getattr(client, kind), path)


def _of_list(value: Any, kind: str, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is no list"
        return
    for number, inner in enumerate(value):
        yield from _faults(inner, kind, f"{path}[{number}]")


def _of_model(value: Any, model: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no {model.__name__}"
        return
    fields = {said: model.openapi_types[name] for name, said in model.attribute_map.items()}
    for key, inner in value.items():
        if key not in fields:
            yield f"{path}: {model.__name__} has no field {key}"
        elif inner is not None:
            yield from _faults(inner, fields[key], f"{path}.{key}")
