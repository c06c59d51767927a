"""A partner sees its own rows, whatever it asks: what it gets is what it would get if nobody else's rows were there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlglot import exp, parse_one

from settlement.api.guard import require_scope
from settlement.api.identity import Scope
from settlement.api.planning import plan
from settlement.api.problems import BadQuestion, Forbidden
from settlement.api.question import Question
from settlement.api.tree import OWNER, Tree, tree_of
from tests.unit.api.world import ALL, CATALOG, HOSTILE, MINE, MODEL, MONTH, OWN, answered, questions, world


@pytest.fixture(scope="module")
def everybody() -> Iterator[duckdb.DuckDBPyConnection]:
    with world() as con:
        yield con


@pytest.fixture(scope="module")
def mine() -> Iterator[duckdb.DuckDBPyConnection]:
    with world((MINE,)) as con:
        yield con


def test_a_thousand_questions_of_a_partner_give_its_own_rows_alone(
    everybody: duckdb.DuckDBPyConnection, mine: duckdb.DuckDBPyConnection
) -> None:
    counted = {"answered": 0, "refused": 0}

    @settings(max_examples=1_000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(asked=questions(), skipped=st.integers(0, 3))
    def ask(asked: dict[str, Any], skipped: int) -> None:
        try:
            found = plan(MODEL, Question.model_validate(asked), OWN)
        except (BadQuestion, Forbidden, ValidationError):
            counted["refused"] += 1
            return
        tree = tree_of(MODEL, CATALOG, found, OWN, found.limit, skipped)
        require_scope(tree, MODEL, CATALOG, OWN)
        unscoped = tree_of(MODEL, CATALOG, found, ALL, found.limit, skipped)
        rows = answered(everybody, found, tree)
        assert rows == answered(mine, found, unscoped)
        if "partner" in found.dimensions:
            assert {row[found.dimensions.index("partner")] for row in rows} <= {MINE}
        counted["answered"] += 1

    ask()
    assert counted["answered"] >= 200, counted
    assert counted["refused"] >= 50, counted


def test_the_comparison_would_see_a_query_without_scope(
    everybody: duckdb.DuckDBPyConnection, mine: duckdb.DuckDBPyConnection
) -> None:
    found = plan(MODEL, _question("amount_uwon", by=["track"]), OWN)
    unscoped = tree_of(MODEL, CATALOG, found, ALL)
    assert answered(everybody, found, unscoped) != answered(mine, found, unscoped)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_is_a_value_whatever_it_says(text: str, everybody: duckdb.DuckDBPyConnection) -> None:
    asked = _question("amount_uwon", by=["track_title"], where=[{"dimension": "track_title", "op": "in", "values": [text]}])
    found = plan(MODEL, asked, ALL)
    tree = tree_of(MODEL, CATALOG, found, ALL)
    assert text in tree.values.values()
    assert {row[0] for row in answered(everybody, found, tree)} <= {text}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_stands_in_the_tree(text: str) -> None:
    asked = _question("amount_uwon", by=["label"], where=[{"dimension": "label", "op": "not_in", "values": [f"zz{text}zz"]}])
    tree = tree_of(MODEL, CATALOG, plan(MODEL, asked, OWN), OWN)
    assert "zz" not in tree.select.sql("trino")


@pytest.mark.parametrize("source", [name for name in MODEL.sources if not MODEL.is_scoped(name)])
def test_what_is_not_kept_by_partner_is_refused_to_a_partner(source: str) -> None:
    measure = next(name for name, m in MODEL.measures.items() if list(m.ways) == [source] or source in m.ways)
    with pytest.raises(Forbidden, match="not kept by partner"):
        plan(MODEL, _question(measure, by=list(MODEL.dimensions_of(source))), OWN)


def _scoped() -> Tree:
    return tree_of(MODEL, CATALOG, plan(MODEL, _question("amount_uwon", by=["partner_name", "album_title"]), OWN), OWN)


def test_the_guard_lets_a_scoped_tree_through() -> None:
    require_scope(_scoped(), MODEL, CATALOG, OWN)


@pytest.mark.parametrize("number", [0, 1])
def test_the_guard_sees_that_one_of_the_conditions_is_gone(number: int) -> None:
    tree = _scoped()
    conditions = [node for node in tree.select.find_all(exp.In) if node.this.name == OWNER]
    assert len(conditions) == 2
    conditions[number].parent_select.set("where", None)
    with pytest.raises(Forbidden, match="beyond what the caller may see"):
        require_scope(tree, MODEL, CATALOG, OWN)


def test_the_guard_sees_a_condition_that_may_be_passed_by() -> None:
    tree = _scoped()
    condition = next(node for node in tree.select.find_all(exp.In) if node.this.name == OWNER)
    condition.replace(exp.or_(condition.copy(), exp.true()))
    with pytest.raises(Forbidden):
        require_scope(tree, MODEL, CATALOG, OWN)


def test_the_guard_sees_another_partner_s_number() -> None:
    tree = _scoped()
    with pytest.raises(Forbidden):
        require_scope(tree, MODEL, CATALOG, Scope(frozenset({MINE + 1})))
    with pytest.raises(Forbidden):
        require_scope(Tree(tree.select, dict.fromkeys(tree.values, MINE + 1)), MODEL, CATALOG, OWN)


@pytest.mark.parametrize("table", ["mart.pool", "mart.usage_daily", "ods.play", "ods.contract", "mart.settlement_line"])
def test_the_guard_sees_a_table_that_was_joined(table: str) -> None:
    tree = _scoped()
    more = parse_one(f"SELECT 1 FROM {table} AS t", read="trino")
    joined = Tree(tree.select.copy().join(more.subquery("t"), on="1 = 1"), tree.values)
    with pytest.raises(Forbidden, match=table):
        require_scope(joined, MODEL, CATALOG, OWN)


def test_the_guard_refuses_a_table_that_the_model_does_not_name_to_anybody() -> None:
    with pytest.raises(Forbidden, match=r"ods\.payment"):
        require_scope(Tree(exp.select("1").from_("ods.payment"), {}), MODEL, CATALOG, ALL)


def _question(*measures: str, by: list[str], where: list[dict[str, Any]] | None = None) -> Question:
    asked = {"measures": list(measures), "dimensions": by, "period": {"from": MONTH, "to": MONTH}, "filters": where or []}
    return Question.model_validate(asked)
