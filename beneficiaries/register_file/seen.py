"""What has stood in a list before, in memory that does not grow with the list.

The newest chunk is in memory; what came before it is in a temporary table of the session, written when the next chunk
comes, so that an ordinary ward's list needs no table at all. The table holds salted 64-bit hashes: no number of a
person is in it. One statement writes a chunk and one looks it up; no transaction is held open between them.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

# OFFSET 0 keeps the planner, who knows nothing of a new table, from reading all of it for every chunk.
_LOOK_UP = """
    SELECT told.key, before.value, before.row
    FROM unnest(%s::bigint[]) AS told (key)
    CROSS JOIN LATERAL (SELECT value, row FROM {table} AS seen WHERE seen.key = told.key OFFSET 0) AS before
"""
_WRITE = "INSERT INTO {table} SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::integer[])"


First = tuple[int, int]
"""What stood first under a key, as a hash, and in which row of the file: a plain tuple, for there are many."""


class Seen:
    """The first value and row of every key, for one list, in one session; holds a temporary table that must be closed."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._newest: dict[int, First] = {}
        self._table = ""

    def hashed(self, value: object) -> int:
        """The 64 bits that stand for `value` in this list, and in no other."""
        return hash((self._salt, value))

    def first_of(self, told: Sequence[tuple[int, int, int]]) -> list[First]:
        """For each (hashed key, hashed value, row) in order, the first that stood under its key: itself, if it is new."""
        if not told:
            return []
        self._put_away()
        before = self._look_up({key for key, _value, _row in told}) if self._table else {}
        newest = self._newest
        return [before.get(key) or newest.setdefault(key, (value, row)) for key, value, row in told]

    def close(self) -> None:
        """Drop the table; inside a transaction, which may be broken, its end drops it."""
        if self._table and not connection.in_atomic_block:
            self._run(f"DROP TABLE IF EXISTS {self._table}")
        self._table = ""

    def _put_away(self) -> None:
        if not self._newest:
            return
        if not self._table:
            self._table = f"register_seen_{secrets.token_hex(8)}"
            end = "ON COMMIT DROP" if connection.in_atomic_block else ""
            self._run(
                f"CREATE TEMPORARY TABLE {self._table} (key bigint PRIMARY KEY, value bigint NOT NULL,"
                f" row integer NOT NULL) {end}"
            )
        keys = sorted(self._newest)  # in the order of the index, so that its pages are touched one after the other
        firsts = [self._newest[key] for key in keys]
        self._run(
            _WRITE.format(table=self._table),
            [_array(keys), _array(value for value, _row in firsts), _array(row for _value, row in firsts)],
        )
        self._newest = {}

    def _look_up(self, keys: Iterable[int]) -> dict[int, First]:
        rows = self._run(_LOOK_UP.format(table=self._table), [_array(sorted(keys))])
        return {key: (value, row) for key, value, row in rows}

    def _run(self, sql: str, values: list[str] | None = None) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []


def _array(numbers: Iterable[int]) -> str:
    """An array in PostgreSQL's own form: read in one go, where ARRAY[…] would be parsed number by number."""
    return "{" + ",".join(map(str, numbers)) + "}"
