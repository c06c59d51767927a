"""Runs the mutants of a query on its fixtures: which are killed, which survive."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import duckdb

from settlement.engines.duckdb import Session
from settlement.tables import Table
from tests.sql.harness import Case, answer, case_paths, read_case, session
from tests.sql.mutations import mutants
from tests.sql.rows import FixtureError

_NOT_SQL = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)


@dataclass
class Toll:
    """What became of a query's mutants."""

    killed: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Share of the mutants that are killed."""
        return self.killed / (self.killed + len(self.survivors))


def toll(table: Table) -> Toll:
    """Every mutant of the table's query, run on all fixtures until one kills it.

    Raises:
        FixtureError: the query itself doesn't pass a fixture, so that nothing can be said of its mutants.
    """
    found = Toll()
    with ExitStack() as stack:
        opened: list[tuple[Case, Session]] = []
        for path in case_paths(table):
            case = read_case(table, path)
            opened.append((case, stack.enter_context(session(case.given, case.params))))
        if _dies(table, list(opened)) is not False:
            raise FixtureError(f"{table.name}: the query fails its own fixtures: see test_fixtures.py")
        for mutant in mutants(table):
            died = _dies(mutant.table, opened)
            if died is False:
                found.survivors.append(mutant.name)
            elif died is True:
                found.killed += 1
    return found


def _dies(mutant: Table, opened: list[tuple[Case, Session]]) -> bool | None:
    """Whether a fixture tells the mutant from the query; None when the mutant is no SQL."""
    for place, (case, open_session) in enumerate(opened):
        try:
            same = answer(open_session, mutant) == case.expect and case.error is None
        except _NOT_SQL:
            return None
        except duckdb.Error as error:
            same = case.error is not None and case.error in str(error)
        if not same:
            opened.insert(0, opened.pop(place))  # what kills one mutant often kills the next
            return True
    return False
