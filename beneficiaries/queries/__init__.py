"""Reads over the register and its accounts. Never writes."""

from beneficiaries.queries.owed import OWED

__all__ = ["OWED"]
