"""The semantic model: held against the tables, and refused where it would add up what mustn't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from settlement.api import model as module
from settlement.api.identity import Scope
from settlement.api.model import load_model
from settlement.api.planning import Plan, plan
from settlement.api.problems import BadQuestion
from settlement.api.question import Question, filters_of
from settlement.errors import TableError
from tests.unit.api.world import ALL, CATALOG, MODEL, OWN

_FILE = Path(module.__file__).with_name("model.yaml")


def _planned(measures: list[str], by: list[str], scope: Scope = ALL, **more: Any) -> Plan:
    period = {"from": "2026-02", "to": "2026-02"}
    return plan(MODEL, Question.model_validate({"measures": measures, "dimensions": by, "period": period, **more}), scope)


def test_every_measure_and_dimension_has_a_unit_and_both_labels() -> None:
    for measure in MODEL.measures.values():
        assert measure.unit
        assert measure.ko
        assert measure.en
    assert all(dimension.ko and dimension.en for dimension in MODEL.dimensions.values())


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["sources", "lines", "columns", "track"], "title", "title of mart.settlement_line is no track"),
        (["sources", "lines", "time"], "day", "is not kept by day"),
        (["sources", "lines", "columns"], {"track": "track_id"}, "has a partner_id, which must be the dimension partner"),
        (["measures", "amount_uwon", "unit"], "krw", "amount_uwon is in uwon, not in krw"),
        (["measures", "amount_uwon", "in", "lines", "sum"], "kind", "kind is no number"),
        (["measures", "amount_uwon", "in", "lines"], {"sum": "weight", "count": True}, "exactly one of sum, count and distinct"),
        (["measures", "line_plays", "in", "lines", "not_over"], ["device"], "device is no dimension of it"),
        (["dimensions", "artist", "column"], "singer", "the catalogue's track has no column singer"),
        (["catalogue", "track", "key"], "isrc", "has not the grain isrc"),
    ],
)
def test_a_model_that_is_off_is_refused_by_name(path: list[str], value: object, says: str, tmp_path: Path) -> None:
    content: Any = yaml.safe_load(_FILE.read_text("utf-8"))
    part = content
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    changed = tmp_path / "model.yaml"
    changed.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(TableError, match=says):
        load_model(CATALOG, changed)


def test_measures_go_together_when_a_source_has_them_all() -> None:
    assert _planned(["plays"], ["album", "device"]).source == "usage"
    assert _planned(["plays", "listeners"], ["album", "device"]).source == "listening"
    assert _planned(["royalty_krw"], ["product"]).source == "royalties"
    assert _planned(["royalty_krw", "paid_krw"], ["partner"]).source == "statements"


@pytest.mark.parametrize(
    ("measures", "by"),
    [(["amount_uwon", "plays"], []), (["amount_uwon"], ["device"]), (["pool_uwon"], ["track"]), (["plays"], ["version"])],
)
def test_what_does_not_go_together_is_refused(measures: list[str], by: list[str]) -> None:
    with pytest.raises(BadQuestion, match="don't go together"):
        _planned(measures, by)


@pytest.mark.parametrize(("measures", "by"), [(["amount"], []), (["amount_uwon"], ["musician"])])
def test_a_name_that_is_not_there_is_refused(measures: list[str], by: list[str]) -> None:
    with pytest.raises(BadQuestion, match=r"there is no (measure amount|dimension musician)"):
        _planned(measures, by)


def test_plays_of_lines_are_not_added_up_over_partners() -> None:
    with pytest.raises(BadQuestion, match="may not be added up over partner"):
        _planned(["line_plays"], ["track", "right_type"])
    _planned(["line_plays"], ["track", "right_type", "partner"])
    _planned(["line_plays"], ["track", "right_type"], filters=[{"dimension": "partner", "values": [1]}])
    _planned(["line_plays"], ["track", "right_type"], scope=OWN)
    for values, op in (([1, 2], "in"), ([1], "not_in")):
        with pytest.raises(BadQuestion, match="may not be added up over partner"):
            _planned(["line_plays"], ["right_type"], filters=[{"dimension": "partner", "op": op, "values": values}])
    with pytest.raises(BadQuestion, match="may not be added up over partner"):
        _planned(["line_plays"], ["right_type"], scope=Scope(frozenset({1, 2})))


def test_what_is_counted_on_a_day_is_not_added_up_over_days() -> None:
    with pytest.raises(BadQuestion, match="may not be added up over day"):
        _planned(["subscriptions"], ["product"])
    _planned(["subscriptions"], ["product", "day"])


def test_two_versions_of_a_month_are_not_added_up() -> None:
    versions = [{"dimension": "version", "values": [1, 2]}]
    with pytest.raises(BadQuestion, match="two versions"):
        _planned(["amount_uwon"], ["partner"], filters=versions)
    assert _planned(["amount_uwon"], ["partner", "version"], filters=versions).versions == (1, 2)
    with pytest.raises(BadQuestion, match="one filter"):
        _planned(["amount_uwon"], ["version"], filters=[{"dimension": "version", "op": "at_least", "values": [1]}])


@pytest.mark.parametrize("value", ["x", "1.0", "", "1e3", "９", str(2**63), " 1"])
def test_what_is_numbered_is_filtered_by_whole_numbers(value: str) -> None:
    with pytest.raises(BadQuestion, match="is no whole number"):
        _planned(["amount_uwon"], [], filters=[{"dimension": "track", "values": [value]}])


def test_what_is_kept_by_month_is_asked_for_by_month() -> None:
    period = {"from": "2026-02-01", "to": "2026-02-28"}
    with pytest.raises(BadQuestion, match="kept by month"):
        plan(MODEL, Question.model_validate({"measures": ["amount_uwon"], "period": period}), ALL)
    found = plan(MODEL, Question.model_validate({"measures": ["plays"], "period": {"from": "2026-02", "to": "2026-03"}}), ALL)
    assert (found.partitions[0], found.partitions[-1], len(found.partitions)) == ("2026-02-01", "2026-03-31", 59)


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-02", "2026-02-01"), ("2026-03", "2026-02"), ("2026-13", "2026-13"), ("2026-02-30", "2026-03-01"), ("1969-01", "1969-01"),
     ("2024-01", "2026-12"), ("2026-2", "2026-2"), ("", "")],
)  # fmt: skip
def test_a_period_that_is_none_is_refused(first: str, last: str) -> None:
    with pytest.raises(ValueError, match=r"period"):
        Question.model_validate({"measures": ["plays"], "period": {"from": first, "to": last}})


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "x" * 501, "a\nb"])
def test_a_value_has_no_control_character_and_an_end(value: str) -> None:
    with pytest.raises(ValueError, match="filters"):
        _planned(["plays"], [], filters=[{"dimension": "device", "values": [value]}])


def test_filters_of_a_link() -> None:
    assert filters_of(["label:a:b", "label:c", "device!:app"]) == [
        {"dimension": "label", "op": "in", "values": ["a:b", "c"]},
        {"dimension": "device", "op": "not_in", "values": ["app"]},
    ]
    with pytest.raises(BadQuestion, match="is no filter"):
        filters_of(["label"])


def test_every_dimension_is_in_the_order_so_that_pages_fit_together() -> None:
    found = _planned(["amount_uwon"], ["track", "partner"], order=["-amount_uwon", "partner"])
    assert found.order == (("amount_uwon", True), ("partner", False), ("track", False))
