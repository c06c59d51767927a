"""From a question to a plan: which source answers, and whether its sums would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from settlement.api.identity import Scope
from settlement.api.model import PARTNER, VERSION, Dimension, Model, Way
from settlement.api.problems import BadQuestion, Forbidden
from settlement.api.question import Filter, Question

_LARGEST = 2**63


@dataclass(frozen=True)
class Condition:
    """A filter whose values have their dimension's type."""

    dimension: str
    op: str
    values: tuple[str | int, ...]


@dataclass(frozen=True)
class Plan:
    """What is computed, in names of the model.

    Attributes:
        source: the one that answers.
        partitions: days, or months, that are asked for.
        versions: those that are asked for; none: the settled one of each month.
        order: name and whether descending; every dimension is in it, so that it is the same order each time.
    """

    source: str
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    conditions: tuple[Condition, ...]
    partitions: tuple[str, ...]
    versions: tuple[int, ...]
    order: tuple[tuple[str, bool], ...]
    limit: int | None


def plan(model: Model, question: Question, scope: Scope) -> Plan:
    """The plan of a question.

    Raises:
        BadQuestion: a name is unknown, names don't go together, or the figures may not be added up like this.
        Forbidden: what is asked for isn't kept by partner, and whoever asks is one.
    """
    _require_known(model, question)
    conditions = tuple(_condition(model.dimensions[f.dimension], f) for f in question.filters)
    source = _source(model, question, scope)
    is_by_month = model.sources[source].time == "month"
    period = question.period
    found = Plan(
        source=source,
        measures=tuple(question.measures),
        dimensions=tuple(question.dimensions),
        conditions=tuple(c for c in conditions if c.dimension != VERSION),
        partitions=tuple(period.months() if is_by_month else period.days()),
        versions=_versions([c for c in conditions if c.dimension == VERSION], question),
        order=_order(question),
        limit=question.limit,
    )
    for name in question.measures:
        _require_addable(name, model.measures[name].ways[source], found, scope)
    return found


def _require_known(model: Model, question: Question) -> None:
    dimensions = {*question.dimensions, *(f.dimension for f in question.filters)}
    for what, names, known in (("measure", question.measures, model.measures), ("dimension", dimensions, model.dimensions)):
        for name in sorted(set(names) - set(known)):
            raise BadQuestion(f"there is no {what} {name}", "GET /v1/meta lists what there is")


def _source(model: Model, question: Question, scope: Scope) -> str:
    """The first source that has all that is asked for; of those that a partner may see, if it is one who asks."""
    needed = {*question.dimensions, *(f.dimension for f in question.filters)}
    first, *others = (model.measures[name].ways for name in question.measures)
    fitting = [name for name in first if all(name in ways for ways in others) and needed <= set(model.dimensions_of(name))]
    visible = [name for name in fitting if scope.is_all or model.is_scoped(name)]
    if visible:
        return visible[0]
    if fitting:
        raise Forbidden(
            f"{', '.join(question.measures)}: not kept by partner", "ask for measures of lines, royalties or statements"
        )
    asked = ", ".join([*question.measures, *sorted(needed)])
    raise BadQuestion(f"{asked}: these don't go together", "GET /v1/meta lists the dimensions of each source")


def _condition(dimension: Dimension, asked: Filter) -> Condition:
    if dimension.type == "text":
        return Condition(asked.dimension, asked.op, tuple(str(value) for value in asked.values))
    return Condition(asked.dimension, asked.op, tuple(_number(asked.dimension, value) for value in asked.values))


def _number(dimension: str, value: str | int) -> int:
    text = str(value)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 19 or not -_LARGEST <= int(text) < _LARGEST:
        raise BadQuestion(f"{dimension}: {text[:40]!r} is no whole number of 64 bits", "filter it by numbers")
    return int(text)


def _versions(conditions: Sequence[Condition], question: Question) -> tuple[int, ...]:
    """The versions of a month that are asked for: rows of two may not be added up."""
    if not conditions:
        return ()
    if len(conditions) > 1 or conditions[0].op != "in":
        raise BadQuestion("versions are asked for by one filter `in`", "name them: version in [1, 2]")
    found = tuple(int(value) for value in conditions[0].values)
    if len(set(found)) > 1 and VERSION not in question.dimensions:
        raise BadQuestion("two versions of a month may not be added up", "add the dimension version, or ask for one version")
    return found


def _require_addable(name: str, way: Way, found: Plan, scope: Scope) -> None:
    for dimension in way.not_over:
        if not _is_held(dimension, found, scope):
            raise BadQuestion(
                f"{name} may not be added up over {dimension}: what it counts is in several rows",
                f"add the dimension {dimension}, or filter it to one value",
            )


def _is_held(dimension: str, found: Plan, scope: Scope) -> bool:
    """Whether each row of the answer is about one value of a dimension."""
    if dimension in found.dimensions or (dimension == "month" and "day" in found.dimensions):
        return True
    if dimension in ("day", "month") and len(found.partitions) == 1:
        return True
    if dimension == PARTNER and not scope.is_all and len(scope.partners) == 1:
        return True
    return any(c.dimension == dimension and c.op == "in" and len(set(c.values)) == 1 for c in found.conditions)


def _order(question: Question) -> tuple[tuple[str, bool], ...]:
    asked = [(name.removeprefix("-"), name.startswith("-")) for name in question.order]
    named = {name for name, _ in asked}
    return (*asked, *((name, False) for name in question.dimensions if name not in named))
