"""From a question and who asks it to an answer that is ready to be computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from settlement.api.auditing import Entry
from settlement.api.cursors import Place
from settlement.api.engines.running import Bounds
from settlement.api.feed import Feed
from settlement.api.guard import require_scope
from settlement.api.identity import Caller
from settlement.api.planning import Plan, plan
from settlement.api.problems import BadQuestion
from settlement.api.publication import PublicationSet, publication_set
from settlement.api.question import Format, Question
from settlement.api.service import Service
from settlement.api.statement import Statement, schema_of
from settlement.api.trailer import Tally
from settlement.api.tree import tree_of
from settlement.warehouse import hash_json

if TYPE_CHECKING:
    import pyarrow as pa

    from settlement.api.formats import Encoder


@dataclass(frozen=True)
class Options:
    """How an answer is wanted.

    Attributes:
        format: of the answer; `sql`: the statement, nothing computed.
        rows: of a page; None: as the settings say.
        cursor: where the page begins; empty: at the first row.
        bom: whether CSV begins with a byte order mark.
        sql: whether the header tells the statement.
    """

    format: Format = "json"
    rows: int | None = None
    cursor: str = ""
    bom: bool = False
    sql: bool = False


@dataclass(frozen=True)
class Asked:
    """A question that may be answered: its plan, its builds, its statement."""

    question: Question
    options: Options
    caller: Caller
    plan: Plan
    publication: PublicationSet
    statement: Statement
    skipped: int

    @property
    def etag(self) -> str:
        """Changes with the question, the builds, the scope and the form of the answer."""
        o = self.options
        parts = [self.question.hash, self.publication.id, str(self.caller.scope), o.format, o.rows, self.skipped, o.bom, o.sql]
        return f'"{hash_json(parts)[:32]}"'


def ask(service: Service, question: Question, options: Options, caller: Caller) -> Asked:
    """What a question comes to.

    Raises:
        BadQuestion, Forbidden, NotArrived: it can't, or may not, be answered.
        LedgerUnavailable: nobody knows what is published.
    """
    found = plan(service.model, question, caller.scope)
    place = _place(service, question, options, caller)
    moment = service.publications.at(place.seq if place else question.as_of)
    publication = publication_set(moment, found, caller.scope, service.model, service.catalog)
    if place and place.publication != publication.id:
        raise BadQuestion("the cursor's builds can't be told any more", "ask the question again without a cursor")
    skipped = place.skipped if place else 0
    part = found
    if options.format == "json":
        # One row more than the page has tells whether there is another page.
        size = page_rows(service, options)
        left = size + 1 if found.limit is None else min(size + 1, found.limit - skipped)
        part = replace(found, limit=max(left, 0))
    tree = tree_of(service.model, service.catalog, part, caller.scope, part.limit, skipped)
    require_scope(tree, service.model, service.catalog, caller.scope)
    schema = schema_of(service.model, service.catalog, found)
    statement = service.engine.statement(tree, schema, publication.pins)
    return Asked(question, options, caller, found, publication, statement, skipped)


def page_rows(service: Service, options: Options) -> int:
    return min(options.rows or service.settings.page_rows, 10_000)


def _place(service: Service, question: Question, options: Options, caller: Caller) -> Place | None:
    if not options.cursor:
        return None
    if options.format != "json":
        raise BadQuestion("a cursor is for pages of JSON", "other formats give all rows in one answer")
    return service.cursors.taken(options.cursor, question.hash, f"{caller.name} {caller.scope}")


def header(service: Service, asked: Asked) -> dict[str, Any]:
    """What an answer begins with: its columns, and what it was computed from."""
    model, published = service.model, asked.publication
    said: dict[str, Any] = {
        "columns": [_column(service, asked.statement.schema, name) for name in asked.statement.schema.names],
        "source": asked.plan.source,
        "scope": str(asked.caller.scope),
        "engine": service.engine.name,
        "publication": {
            "id": published.id,
            "as_of": published.seq,
            "catalogue_day": published.catalogue_day,
            "missing": list(published.missing),
            "open_months": list(published.open_months),
            "is_provisional": model.sources[asked.plan.source].is_provisional,
        },
    }
    return {**said, "sql": told_statement(asked)} if asked.options.sql else said


def told_statement(asked: Asked) -> dict[str, Any]:
    """The statement as people may read it: its text and the values that are bound to it."""
    return {"text": asked.statement.text, "values": list(asked.statement.values)}


def _column(service: Service, schema: pa.Schema, name: str) -> dict[str, Any]:
    kind = {"string": "text", "int64": "integer"}.get(str(schema.field(name).type), "decimal")
    if name in service.model.dimensions:
        dimension = service.model.dimensions[name]
        return {"name": name, "type": kind, "ko": dimension.ko, "en": dimension.en, "is_measure": False}
    measure = service.model.measures[name]
    return {"name": name, "type": kind, "unit": measure.unit, "ko": measure.ko, "en": measure.en, "is_measure": True}


def encoder_of(asked: Asked) -> Encoder:
    """The format that is asked for."""
    from settlement.api.arrow_formats import Arrow, Parquet
    from settlement.api.formats import Csv, Json, Ndjson

    schema = asked.statement.schema
    match asked.options.format:
        case "ndjson":
            return Ndjson()
        case "csv":
            return Csv(asked.options.bom)
        case "arrow":
            return Arrow(schema)
        case "parquet":
            return Parquet(schema)
        case _:
            return Json()


def feed_of(service: Service, asked: Asked, encoder: Encoder, entry: Entry, most: int, bounds: Bounds) -> Feed:
    """The query, ready to begin.

    Args:
        most: rows; of a page what is more is left for the next one, of anything else it is too much.
        bounds: of the query.
    """
    is_page = asked.options.format == "json"
    source, measures = asked.plan.source, service.model.measures
    additive = [name for name in asked.plan.measures if measures[name].ways[source].is_additive]
    running = service.engine.start(asked.statement, asked.caller.scope, entry.id, bounds)
    return Feed(running, encoder, Tally(additive), most, is_page, service.threads)


def trailer_of(service: Service, asked: Asked, feed: Feed) -> Mapping[str, Any]:
    """The last part of an answer; of a page also where the next one begins."""
    trailer = {"trailer": feed.tally.trailer(asked.publication.id)}
    if asked.options.format != "json":
        return trailer
    shown = asked.skipped + feed.tally.rows
    place = Place(
        asked.question.hash, f"{asked.caller.name} {asked.caller.scope}", asked.publication.seq, asked.publication.id, shown
    )
    # A limit ends the answer also where there are more rows.
    is_over = asked.plan.limit is not None and shown >= asked.plan.limit
    return {**trailer, "next": service.cursors.made(place) if feed.has_more and not is_over else None}
