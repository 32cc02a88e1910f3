"""Reads for pages, commands and the API. Never writes.

What a page may show is decided here by `visible_to`, or by the batch, transfer or person that the caller has found through it.
"""

from payments.queries.totals import (
    BatchTotals,
    Part,
    batch_totals,
    oldest_claim_wait,
    totals_of_batches,
)
from payments.queries.tracing import Trace, find_transfer, trace

__all__ = [
    "BatchTotals",
    "Part",
    "Trace",
    "batch_totals",
    "find_transfer",
    "oldest_claim_wait",
    "totals_of_batches",
    "trace",
]
