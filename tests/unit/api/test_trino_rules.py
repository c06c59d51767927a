"""Trino's rules of access: those of the chart are those of the model, and a partner's user is bound in every table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from settlement.api.identity import Scope
from settlement.api.trino_rules import rules, text_of, user_of
from settlement.engines.places import short_name
from tests.unit.api.world import ALL, CATALOG, MODEL

_CHART = Path(__file__).parents[3] / "charts" / "trino" / "rules.json"


def _rule(user: str, table: str) -> dict[str, Any] | None:
    fits = (
        rule
        for rule in rules(MODEL, CATALOG)["tables"]
        if re.fullmatch(rule["user"], user)
        and re.fullmatch(rule.get("schema", ".*"), "settlement_dev_build")
        and re.fullmatch(rule.get("table", ".*"), table)
    )
    return next(fits, None)


def test_the_chart_has_the_rules_of_the_model() -> None:
    assert _CHART.read_text("utf-8") == text_of(rules(MODEL, CATALOG))


def test_a_partner_s_user_reads_no_row_of_others_in_any_table() -> None:
    for table in CATALOG.tables.values():
        rule = _rule("partner-3", short_name(table))
        if rule is None:
            continue
        assert rule["privileges"] == ["SELECT"]
        has_owner = any(column.name == "partner_id" for column in table.columns)
        assert has_owner == ("partner_id" in rule.get("filter", "")), table.name
    assert _rule("partner-3", "mart_settlement_line") is not None
    assert _rule("partner-3", "mart_pool") is None
    for user in ("partner-", "partner-3x", "partner-3 ", "partner-all"):
        assert _rule(user, "mart_settlement_line") is None


def test_the_house_is_asked_for_as_the_usual_user_and_partners_as_their_own() -> None:
    assert user_of(ALL, "settlement") == "settlement"
    assert user_of(Scope(frozenset({12, 3})), "settlement") == "partner-3-12"
