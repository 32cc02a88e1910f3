"""Exclusion constraints without btree_gist, which the embedded server does not have: scalars as one-element ranges."""

from typing import Any

from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db.models import CheckConstraint, F, Func, Q, Value


def same_number(column: str) -> "tuple[Func[Any], str]":
    """Rows with the same value of a numeric column exclude each other (together with the other expressions)."""
    return Func(F(column), F(column), Value("[]"), function="int8range"), RangeOperators.OVERLAPS


def same_text(*columns: str) -> "tuple[Func[Any], str]":
    """Rows with the same text in `columns` (null counts as a value of its own), compared by a 64-bit hash."""
    joined = " || '/' || ".join(f"coalesce({column}, '*')" for column in columns)
    hashed = f"hashtextextended({joined}, 0)"
    return Func(template=f"int8range({hashed}, {hashed}, '[]')"), RangeOperators.OVERLAPS


def overlapping_days(first: str = "valid_from", last: str = "valid_to") -> "tuple[Func[Any], str]":
    """Rows whose days, both ends inclusive and open where null, overlap."""
    days = Func(F(first), F(last), Value("[]"), function="daterange", output_field=DateRangeField())
    return days, RangeOperators.OVERLAPS


def days_in_order(name: str, first: str = "valid_from", last: str = "valid_to") -> CheckConstraint:
    """The last day is not before the first."""
    return CheckConstraint(name=name, condition=Q(**{last: None}) | Q(**{f"{last}__gte": F(first)}))
