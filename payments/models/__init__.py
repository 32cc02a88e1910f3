"""Paying: funds and ledger, batches and lines, transfers and dispatch."""

from payments.models.batches import Approval, ApprovalPolicy, PayoutBatch, PayoutLine, PayoutLineMove
from payments.models.comparisons import BatchComparison
from payments.models.funds import Fund, FundBalance, FundingVoucher, LedgerEntry
from payments.models.limits import ApprovalDay, ApprovalLimit
from payments.models.transfers import CashCollection, DispatchAttempt, DispatchChunk, Transfer, TransferReturn

__all__ = [
    "Approval",
    "ApprovalDay",
    "ApprovalLimit",
    "ApprovalPolicy",
    "BatchComparison",
    "CashCollection",
    "DispatchAttempt",
    "DispatchChunk",
    "Fund",
    "FundBalance",
    "FundingVoucher",
    "LedgerEntry",
    "PayoutBatch",
    "PayoutLine",
    "PayoutLineMove",
    "Transfer",
    "TransferReturn",
]
