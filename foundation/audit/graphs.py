"""A state graph, written once as data, enforced by the database."""

from collections.abc import Iterable, Mapping
from typing import Any

import pgtrigger


def edges(moves: Mapping[Any, Iterable[Any]]) -> list[tuple[str, str]]:
    """The allowed moves as sorted pairs."""
    return sorted((str(old), str(new)) for old, targets in moves.items() for new in targets)


def only_allowed_moves(
    name: str, moves: Mapping[Any, Iterable[Any]], *, initial: Iterable[str]
) -> list[pgtrigger.Trigger]:
    """Triggers that refuse any change of `state` outside the graph, and a first state outside `initial`.

    The test stands in the trigger's WHEN clause, so that an allowed move never enters PL/pgSQL: a chunk of 500 rows pays a few
    comparisons in C.
    """
    allowed = ", ".join(f"'{old}>{new}'" for old, new in edges(moves))
    first = ", ".join(f"'{state}'" for state in sorted(str(state) for state in initial))
    return [
        pgtrigger.Trigger(
            name=f"{name}_moves",
            when=pgtrigger.Before,
            operation=pgtrigger.UpdateOf("state"),
            condition=pgtrigger.Condition(
                f"OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY[{allowed}])"
            ),
            func=(
                f"RAISE EXCEPTION '{name}_moves: % to % is no move of the graph', OLD.state, NEW.state "
                "USING ERRCODE = 'check_violation';"
            ),
        ),
        pgtrigger.Trigger(
            name=f"{name}_starts",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            condition=pgtrigger.Condition(f"NOT NEW.state = ANY (ARRAY[{first}])"),
            func=(
                f"RAISE EXCEPTION '{name}_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';"
            ),
        ),
    ]


def frozen_columns(name: str, columns: Iterable[str], *, when: str = "TRUE") -> pgtrigger.Trigger:
    """A trigger that refuses to change `columns` of a row for which the SQL condition `when` over OLD holds."""
    columns = list(columns)
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    return pgtrigger.Trigger(
        name=f"{name}_frozen",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(f"(({when}) AND ({changed}))"),
        func=f"RAISE EXCEPTION '{name}_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
    )
