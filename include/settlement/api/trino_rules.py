"""Trino's own rules of access, file-based: whoever asks for partners reads their rows alone, whatever the query says.

The API asks Trino as `partner-<id>[-<id>…]` for partners. `python -m settlement.api.trino_rules` writes the rules from the model;
charts/trino/rules.json holds them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from settlement.api.identity import Scope
from settlement.api.model import Model, packaged
from settlement.api.tree import OWNER
from settlement.engines.places import short_name
from settlement.tables import Catalog

_PREFIX = "partner-"
_PARTNERS = r"partner-[0-9]+(-[0-9]+)*"
_OTHERS = rf"(?!{_PREFIX}).*"  # a name like partner-x is nobody's
_BUILDS = "[a-z][a-z0-9_]*_build"  # of every environment: each has a Trino of its own
_FILTER = f"contains(split(substr(current_user, {len(_PREFIX) + 1}), '-'), CAST({OWNER} AS varchar))"


def user_of(scope: Scope, usual: str) -> str:
    """Who asks Trino: for partners a user that Trino itself gives their rows alone, for the house the usual one."""
    return usual if scope.is_all else _PREFIX + "-".join(str(partner) for partner in sorted(scope.partners))


def rules(model: Model, catalog: Catalog, service: str = "settlement") -> dict[str, Any]:
    """The rules as Trino reads them: the first that fits holds.

    Args:
        service: the user as which the API signs in; it may ask as partners.
    """
    tables = {source.table for name, source in model.sources.items() if model.is_scoped(name)}
    tables |= {lookup.table for lookup in model.catalogue.values()}
    owned = sorted(name for name in tables if any(column.name == OWNER for column in catalog[name].columns))
    common = sorted(tables - set(owned))
    partners = {"user": _PARTNERS}
    others = {"user": _OTHERS}
    read = {**partners, "catalog": "hive|glue", "schema": _BUILDS, "privileges": ["SELECT"]}
    return {
        "catalogs": [{**partners, "catalog": "hive|glue", "allow": "read-only"}, {**others, "allow": "all"}],
        "schemas": [{**others, "owner": True}],
        "tables": [
            {**read, "table": _among(short_name(catalog[name]) for name in owned), "filter": _FILTER},
            {**read, "table": _among(short_name(catalog[name]) for name in common)},
            # Which builds there are, which are everybody's.
            {**read, "table": _among((short_name(catalog[name]) for name in sorted(tables)), r"\$partitions")},
            {**others, "privileges": ["SELECT", "INSERT", "DELETE", "UPDATE", "OWNERSHIP", "GRANT_SELECT"]},
        ],
        "functions": [{**others, "privileges": ["EXECUTE", "OWNERSHIP", "GRANT_EXECUTE"]}],
        "procedures": [{**others, "privileges": ["EXECUTE", "GRANT_EXECUTE"]}],
        "queries": [{**partners, "allow": ["execute"]}, {**others, "allow": ["execute", "kill", "view"]}],
        "impersonation": [{"original_user": service, "new_user": _PARTNERS}],
        "system_information": [{**others, "allow": ["read"]}],
    }


def text_of(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2) + "\n"


def _among(names: Any, end: str = "") -> str:
    return f"({'|'.join(names)}){end}"


if __name__ == "__main__":
    sys.stdout.write(text_of(rules(*packaged())))
