"""Reads for pages, commands and the API. Never writes.

What a page may show is decided here by `visible_to`, or by the batch, transfer or person that the caller has found through it.
"""

from foundation.users.paging import Page
from payments.queries.citizen import next_expected, payment_of_person, payments_of_person
from payments.queries.comparing import Change, Comparison, comparison, comparison_rows, largest_changes
from payments.queries.lists import batch_transfers, excluded_counts, excluded_lines
from payments.queries.overview import batches_visible, fund_shortfall, unit_history, work_queue
from payments.queries.progress import batch_progress
from payments.queries.searching import search
from payments.queries.timelines import timeline
from payments.queries.totals import BatchTotals, Part, batch_totals, oldest_claim_wait, totals_of_batches
from payments.queries.tracing import Trace, find_transfer, trace

__all__ = [
    "BatchTotals",
    "Change",
    "Comparison",
    "Page",
    "Part",
    "Trace",
    "batch_progress",
    "batch_totals",
    "batch_transfers",
    "batches_visible",
    "comparison",
    "comparison_rows",
    "excluded_counts",
    "excluded_lines",
    "find_transfer",
    "fund_shortfall",
    "largest_changes",
    "next_expected",
    "oldest_claim_wait",
    "payment_of_person",
    "payments_of_person",
    "search",
    "timeline",
    "totals_of_batches",
    "trace",
    "unit_history",
    "work_queue",
]
