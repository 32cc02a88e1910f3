"""Paying: funds and ledger, batches and lines, transfers and dispatch."""

from payments.models.approvals import Approval, ApprovalPolicy
from payments.models.batches import PayoutBatch
from payments.models.chunks import DispatchAttempt, DispatchChunk
from payments.models.comparisons import BatchComparison
from payments.models.differences import DifferenceComment, ReconciliationDifference
from payments.models.funds import Fund, FundBalance, LedgerEntry
from payments.models.limits import ApprovalDay, ApprovalLimit
from payments.models.lines import PayoutLine, PayoutLineMove
from payments.models.proposals import EvidenceFile, Proposal
from payments.models.recoveries import Recovery
from payments.models.restores import Restore
from payments.models.route_files import PayoutFile, PayoutFileLine
from payments.models.route_results import ResultFile, ResultLine, TransferResult
from payments.models.statements import (
    BatchAdjustment,
    DayComparison,
    Statement,
    StatementDraftLine,
    StatementEntry,
    StatementFile,
    StatementFilePart,
)
from payments.models.stops import PaymentsStop
from payments.models.transfer_ends import CashCollection, TransferReturn
from payments.models.transfers import Transfer
from payments.models.verifications import VerificationResult, VerificationRun
from payments.models.vouchers import FundingVoucher

__all__ = [
    "Approval",
    "ApprovalDay",
    "ApprovalLimit",
    "ApprovalPolicy",
    "BatchAdjustment",
    "BatchComparison",
    "CashCollection",
    "DayComparison",
    "DifferenceComment",
    "DispatchAttempt",
    "DispatchChunk",
    "EvidenceFile",
    "Fund",
    "FundBalance",
    "FundingVoucher",
    "LedgerEntry",
    "PaymentsStop",
    "PayoutBatch",
    "PayoutFile",
    "PayoutFileLine",
    "PayoutLine",
    "PayoutLineMove",
    "Proposal",
    "ReconciliationDifference",
    "Recovery",
    "Restore",
    "ResultFile",
    "ResultLine",
    "Statement",
    "StatementDraftLine",
    "StatementEntry",
    "StatementFile",
    "StatementFilePart",
    "Transfer",
    "TransferResult",
    "TransferReturn",
    "VerificationResult",
    "VerificationRun",
]
