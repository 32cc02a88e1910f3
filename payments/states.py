"""Statuses of batches, transfers and chunks, with Vietnamese labels, and the moves allowed between them.

The graphs are data: the database enforces them by trigger, the docs draw them, the tests walk them. A transfer's state is
ours; what the bank last said stands beside it in ISO 20022's words (`Transfer.transaction_status`).
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BatchState(models.TextChoices):
    """Where a payout list stands, from being built to being closed."""

    BUILDING = "BUILDING", _("Đang lập danh sách")
    DRAFT = "DRAFT", _("Bản nháp")
    SUBMITTED = "SUBMITTED", _("Chờ phê duyệt")
    WITHDRAWN = "WITHDRAWN", _("Đã rút lại")
    REJECTED = "REJECTED", _("Bị trả lại")
    APPROVED = "APPROVED", _("Đã phê duyệt")
    RESERVED = "RESERVED", _("Đã giữ tiền")
    DISPATCHING = "DISPATCHING", _("Đang chi trả")
    HELD = "HELD", _("Tạm dừng")
    CANCELLING = "CANCELLING", _("Đang huỷ")
    DRAINED = "DRAINED", _("Đã có đủ kết quả")
    RECONCILED = "RECONCILED", _("Đã đối soát")
    CLOSED = "CLOSED", _("Đã đóng")


B = BatchState
BATCH_MOVES: dict[BatchState, frozenset[BatchState]] = {
    B.BUILDING: frozenset({B.DRAFT, B.WITHDRAWN}),
    B.DRAFT: frozenset({B.SUBMITTED, B.WITHDRAWN}),
    B.SUBMITTED: frozenset({B.APPROVED, B.REJECTED, B.WITHDRAWN}),
    B.APPROVED: frozenset({B.RESERVED, B.HELD, B.CANCELLING}),
    B.RESERVED: frozenset({B.DISPATCHING, B.HELD, B.CANCELLING}),
    B.DISPATCHING: frozenset({B.HELD, B.DRAINED, B.CANCELLING}),
    B.HELD: frozenset({B.APPROVED, B.RESERVED, B.DISPATCHING, B.CANCELLING, B.DRAINED}),
    B.CANCELLING: frozenset({B.DRAINED}),
    B.DRAINED: frozenset({B.RECONCILED}),
    B.RECONCILED: frozenset({B.CLOSED}),
    B.WITHDRAWN: frozenset(),
    B.REJECTED: frozenset(),
    B.CLOSED: frozenset(),
}
BATCH_OPEN_FOR_CHANGE = (B.BUILDING, B.DRAFT)
BATCH_DEAD = (B.WITHDRAWN, B.REJECTED)
BATCH_WITHDRAWABLE = (B.BUILDING, B.DRAFT, B.SUBMITTED)
BATCH_HOLDABLE = (B.APPROVED, B.RESERVED, B.DISPATCHING)
BATCH_CANCELLABLE = (B.APPROVED, B.RESERVED, B.DISPATCHING, B.HELD)
BATCH_RUNNING = (B.DISPATCHING, B.HELD, B.CANCELLING)  # what has left is followed to its end


class BatchKind(models.TextChoices):
    """What a list is made for."""

    REGULAR = "REGULAR", _("Hằng tháng")
    SUPPLEMENTARY = "SUPPLEMENTARY", _("Bổ sung")
    REPLACEMENT = "REPLACEMENT", _("Chi lại")
    FUNERAL = "FUNERAL", _("Mai táng")
    CAMPAIGN = "CAMPAIGN", _("Quà tặng")


class LineKind(models.TextChoices):
    """What the law pays with a line."""

    CURRENT = "CURRENT", _("Tháng này")
    ARREARS = "ARREARS", _("Truy lĩnh")
    CARRY_OVER = "CARRY_OVER", _("Chuyển kỳ")
    RECOVERY = "RECOVERY", _("Truy thu")
    GIFT = "GIFT", _("Quà tặng")
    FUNERAL = "FUNERAL", _("Mai táng phí")


class ExclusionReason(models.TextChoices):
    """Why a line that is owed is not paid in this batch, in words that tell the officer what to do."""

    PAYEE_DECEASED = "PAYEE_DECEASED", _("Người nhận đã mất: cập nhật người nhận thay")
    NO_RATE = "NO_RATE", _("Chưa có mức chuẩn cho kỳ này: báo quản trị")
    ACCOUNT_COOLING = "ACCOUNT_COOLING", _("Tài khoản mới đang trong thời gian an toàn: chi kỳ sau")
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED", _("Tài khoản đang tạm khoá: xem lại tài khoản")
    ACCOUNT_CHANGED = "ACCOUNT_CHANGED", _("Tài khoản đã đổi sau khi lập danh sách: lập lại")
    ENTITLEMENT_CHANGED = "ENTITLEMENT_CHANGED", _("Mức hưởng đã đổi sau khi lập danh sách: lập lại")
    WAY_CHANGED = "WAY_CHANGED", _("Cách nhận tiền đã đổi sau khi lập danh sách: lập lại")
    CHILD_WITHOUT_PAYEE = "CHILD_WITHOUT_PAYEE", _("Trẻ dưới 14 tuổi chưa có người nhận thay: bổ sung người nhận")


class Route(models.TextChoices):
    """How money reaches the payee; fixed when the list is frozen."""

    GATEWAY = "GATEWAY", _("Chuyển khoản")
    TREASURY_FILE = "TREASURY_FILE", _("Bảng kê Kho bạc")
    PAYMENT_SERVICE = "PAYMENT_SERVICE", _("Tổ chức dịch vụ chi trả")
    WARD_CASH = "WARD_CASH", _("Tiền mặt tại phường")


ROUTES_TO_ACCOUNTS = (Route.GATEWAY, Route.TREASURY_FILE)
ROUTES_BY_FILE = (
    Route.TREASURY_FILE,
    Route.PAYMENT_SERVICE,
)  # others pay by a list of ours and answer by one of theirs


class TransferState(models.TextChoices):
    """Where one payment stands, in our words."""

    PLANNED = "PLANNED", _("Trong danh sách")
    READY = "READY", _("Sẵn sàng chi")
    SENDING = "SENDING", _("Đang gửi")
    HANDED_OVER = "HANDED_OVER", _("Đã giao danh sách")
    ACCEPTED = "ACCEPTED", _("Ngân hàng đã nhận")
    UNKNOWN = "UNKNOWN", _("Chưa rõ, đang hỏi ngân hàng")
    REVIEW = "REVIEW", _("Chờ xem xét")
    SETTLED = "SETTLED", _("Đã chi")
    REJECTED = "REJECTED", _("Ngân hàng từ chối")
    RETURNED = "RETURNED", _("Bị trả lại")
    CANCELLED = "CANCELLED", _("Đã huỷ")
    EXCLUDED = "EXCLUDED", _("Đã loại khỏi danh sách")


T = TransferState
TRANSFER_MOVES: dict[TransferState, frozenset[TransferState]] = {
    T.PLANNED: frozenset({T.READY, T.EXCLUDED, T.CANCELLED}),
    T.READY: frozenset({T.SENDING, T.HANDED_OVER, T.CANCELLED, T.REVIEW, T.UNKNOWN}),  # UNKNOWN: after a restore only
    T.SENDING: frozenset({T.READY, T.ACCEPTED, T.SETTLED, T.REJECTED, T.UNKNOWN, T.REVIEW}),
    T.HANDED_OVER: frozenset({T.SETTLED, T.REJECTED, T.CANCELLED}),
    T.ACCEPTED: frozenset({T.SETTLED, T.REJECTED, T.UNKNOWN, T.REVIEW}),
    T.UNKNOWN: frozenset({T.ACCEPTED, T.SETTLED, T.REJECTED, T.READY, T.REVIEW}),
    T.REVIEW: frozenset({T.SETTLED, T.REJECTED, T.UNKNOWN, T.CANCELLED}),
    T.SETTLED: frozenset({T.RETURNED}),
    T.REJECTED: frozenset({T.SETTLED}),  # by two persons: the bank had paid after all
    T.RETURNED: frozenset(),
    T.CANCELLED: frozenset({T.SETTLED}),  # likewise
    T.EXCLUDED: frozenset(),
}
TRANSFER_ENDED_UNPAID = (T.REJECTED, T.CANCELLED)
SAID_PAID = ("ACSC", "ACCC", "BOOK")  # what a bank may have said of a payment that had ended unpaid
TRANSFER_LIVE = (T.PLANNED, T.READY, T.SENDING, T.HANDED_OVER, T.ACCEPTED, T.UNKNOWN, T.REVIEW)
TRANSFER_LEFT = (T.SENDING, T.HANDED_OVER, T.ACCEPTED, T.UNKNOWN, T.REVIEW, T.SETTLED)  # money may have gone
TRANSFER_FREES_LINES = (T.REJECTED, T.RETURNED, T.CANCELLED, T.EXCLUDED)  # money did not stay with the payee


class SettlementLevel(models.TextChoices):
    """How far a settled transfer is known to have come; the words that a citizen reads differ."""

    DEBTOR = "DEBTOR", _("Đã chuyển đi")
    CREDITOR = "CREDITOR", _("Đã vào tài khoản người nhận")
    CASH = "CASH", _("Đã nhận tiền mặt")
    TREASURY = "TREASURY", _("Kho bạc báo đã chuyển")
    SERVICE = "SERVICE", _("Tổ chức dịch vụ chi trả báo đã trả")


class ResultFileState(models.TextChoices):
    """What became of a file that the Treasury or the payment service sent back."""

    CHECKED = "CHECKED", _("Đã đọc, chưa ghi")
    COMMITTED = "COMMITTED", _("Đã ghi")
    CANCELLED = "CANCELLED", _("Đã bỏ")


RESULT_FILE_MOVES: dict[ResultFileState, frozenset[ResultFileState]] = {
    ResultFileState.CHECKED: frozenset({ResultFileState.COMMITTED, ResultFileState.CANCELLED}),
    ResultFileState.COMMITTED: frozenset(),
    ResultFileState.CANCELLED: frozenset(),
}


class PaidOrNot(models.TextChoices):
    """What a row of such a file says of a payment."""

    PAID = "PAID", _("Đã chi")
    NOT_PAID = "NOT_PAID", _("Chưa chi")


class Verdict(models.TextChoices):
    """What a row of such a file does."""

    PAID = "PAID", _("Đã chi")
    NOT_PAID = "NOT_PAID", _("Không chi được")
    BEFORE = "BEFORE", _("Đã có kết quả này từ trước")
    WRONG_AMOUNT = "WRONG_AMOUNT", _("Sai số tiền")
    UNKNOWN = "UNKNOWN", _("Không có trong tệp đã gửi")
    CONTRADICTS = "CONTRADICTS", _("Trái với kết quả đã ghi")


class ChunkState(models.TextChoices):
    """Where a message-sized part of a list stands."""

    PLANNED = "PLANNED", _("Trong danh sách")
    READY = "READY", _("Sẵn sàng")
    LEASED_SEND = "LEASED_SEND", _("Đang gửi")
    INQUIRY = "INQUIRY", _("Chờ hỏi hoặc chờ báo")
    LEASED_INQUIRY = "LEASED_INQUIRY", _("Đang hỏi")
    PARKED = "PARKED", _("Chờ xem xét")
    DONE = "DONE", _("Xong")


C = ChunkState
CHUNK_MOVES: dict[ChunkState, frozenset[ChunkState]] = {
    C.PLANNED: frozenset({C.READY, C.DONE}),
    C.READY: frozenset({C.LEASED_SEND, C.DONE, C.PARKED, C.INQUIRY}),  # INQUIRY: after a restore only
    C.LEASED_SEND: frozenset({C.READY, C.INQUIRY, C.DONE, C.PARKED}),
    C.INQUIRY: frozenset({C.LEASED_INQUIRY, C.DONE, C.PARKED, C.READY}),
    C.LEASED_INQUIRY: frozenset({C.INQUIRY, C.READY, C.DONE, C.PARKED}),
    C.PARKED: frozenset({C.INQUIRY, C.READY, C.DONE}),
    C.DONE: frozenset(),
}
CHUNK_LEASED = (C.LEASED_SEND, C.LEASED_INQUIRY)


class AttemptKind(models.TextChoices):
    """What a claim of a chunk was for."""

    SEND = "SEND", _("Gửi lệnh")
    INQUIRE = "INQUIRE", _("Hỏi kết quả")


class AttemptOutcome(models.TextChoices):
    """What an attempt proved."""

    PENDING = "PENDING", _("Chưa có trả lời")
    ANSWERED = "ANSWERED", _("Đã trả lời")
    NOT_SENT = "NOT_SENT", _("Chắc chắn chưa gửi")
    REFUSED = "REFUSED", _("Cả gói bị từ chối")
    UNKNOWN = "UNKNOWN", _("Không rõ")
    STALE = "STALE", _("Đến muộn, bỏ qua")


class LedgerAccount(models.TextChoices):
    """The accounts of a fund's ledger."""

    TREASURY = "TREASURY", _("Kho bạc")
    FUNDING = "FUNDING", _("Nguồn còn lại")
    RESERVED = "RESERVED", _("Đã giữ cho đợt chi")
    PAID = "PAID", _("Đã chi")
    RETURNS = "RETURNS", _("Bị trả lại")
    SUSPENSE = "SUSPENSE", _("Chờ làm rõ")
    FEES = "FEES", _("Phí chi trả còn lại")
    FEES_PAID = "FEES_PAID", _("Phí đã trả ngân hàng")


class EntryKind(models.TextChoices):
    """Why money moved."""

    FUND = "FUND", _("Nhận kinh phí")
    RESERVE = "RESERVE", _("Giữ tiền cho đợt chi")
    POST = "POST", _("Đã chi")
    VOID = "VOID", _("Không chi, trả về nguồn")
    UNVOID = "UNVOID", _("Giữ lại tiền: ngân hàng đã chi")
    RETURN = "RETURN", _("Tiền bị trả lại")
    REFUND = "REFUND", _("Nhập lại nguồn")
    REMIT = "REMIT", _("Nộp trả ngân sách")
    SUSPEND = "SUSPEND", _("Đưa vào chờ làm rõ")
    CLEAR = "CLEAR", _("Đã làm rõ")
    RECOVER = "RECOVER", _("Người hưởng nộp lại")
    FUND_FEES = "FUND_FEES", _("Nhận kinh phí trả phí")
    FEE = "FEE", _("Phí ngân hàng")
    REMIT_FEES = "REMIT_FEES", _("Nộp trả kinh phí trả phí")


L = LedgerAccount
K = EntryKind
# Money flows from the debited to the credited account: kind -> (debit, credit).
ENTRY_ACCOUNTS: dict[EntryKind, tuple[LedgerAccount, LedgerAccount]] = {
    K.FUND: (L.TREASURY, L.FUNDING),
    K.RESERVE: (L.FUNDING, L.RESERVED),
    K.POST: (L.RESERVED, L.PAID),
    K.VOID: (L.RESERVED, L.FUNDING),
    K.UNVOID: (L.FUNDING, L.RESERVED),
    K.RETURN: (L.PAID, L.RETURNS),
    K.REFUND: (L.RETURNS, L.FUNDING),
    K.REMIT: (L.FUNDING, L.TREASURY),
    K.SUSPEND: (L.TREASURY, L.SUSPENSE),
    K.CLEAR: (L.SUSPENSE, L.TREASURY),
    K.RECOVER: (L.TREASURY, L.FUNDING),
    K.FUND_FEES: (L.TREASURY, L.FEES),
    K.FEE: (L.FEES, L.FEES_PAID),
    K.REMIT_FEES: (L.FEES, L.TREASURY),
}
# What an entry of a kind is booked by; SUSPEND and CLEAR have their own rules.
ENTRY_SOURCES: dict[str, tuple[EntryKind, ...]] = {
    "voucher": (K.FUND, K.RECOVER, K.FUND_FEES, K.FEE),
    "batch": (K.RESERVE,),
    "transfer": (K.POST, K.VOID, K.UNVOID, K.RETURN, K.REFUND),
    "proposal": (K.REMIT, K.REMIT_FEES),
}
REMIT_OF_ACCOUNT: dict[LedgerAccount, EntryKind] = {L.FUNDING: K.REMIT, L.FEES: K.REMIT_FEES}


class VoucherKind(models.TextChoices):
    """What a paper is about; confirmed, it is booked as the entry kind of the same name."""

    FUND = "FUND", _("Cấp kinh phí chi trả")
    FUND_FEES = "FUND_FEES", _("Cấp kinh phí trả phí ngân hàng")
    FEE = "FEE", _("Hoá đơn phí của ngân hàng")
    RECOVER = "RECOVER", _("Người hưởng nộp lại tiền")


class VoucherState(models.TextChoices):
    """Whether a paper that brings money counts."""

    RECORDED = "RECORDED", _("Chờ xác nhận")
    CONFIRMED = "CONFIRMED", _("Đã xác nhận")
    REFUSED = "REFUSED", _("Bị từ chối")


VOUCHER_MOVES: dict[VoucherState, frozenset[VoucherState]] = {
    VoucherState.RECORDED: frozenset({VoucherState.CONFIRMED, VoucherState.REFUSED}),
    VoucherState.CONFIRMED: frozenset(),
    VoucherState.REFUSED: frozenset(),
}


class RecoveryState(models.TextChoices):
    """Whether money that was paid in error is being taken back."""

    RECORDED = "RECORDED", _("Chờ xác nhận")
    CONFIRMED = "CONFIRMED", _("Đang thu hồi")
    REFUSED = "REFUSED", _("Không xác nhận")
    STOPPED = "STOPPED", _("Đã thôi thu")


RECOVERY_MOVES: dict[RecoveryState, frozenset[RecoveryState]] = {
    RecoveryState.RECORDED: frozenset({RecoveryState.CONFIRMED, RecoveryState.REFUSED}),
    RecoveryState.CONFIRMED: frozenset({RecoveryState.STOPPED}),
    RecoveryState.REFUSED: frozenset(),
    RecoveryState.STOPPED: frozenset(),
}


class RecoveryBasis(models.TextChoices):
    """What allows the office to take money back: nobody's payment is cut on an officer's own word."""

    DECISION = "DECISION", _("Quyết định thu hồi")
    CONSENT = "CONSENT", _("Người hưởng đồng ý bằng văn bản")


class ProposalKind(models.TextChoices):
    """Acts that one person proposes, with a reason, and another decides."""

    RELEASE_BATCH = "RELEASE_BATCH", _("Cho chi tiếp")
    CANCEL_BATCH = "CANCEL_BATCH", _("Huỷ đợt chi")
    DECIDE_TRANSFER = "DECIDE_TRANSFER", _("Kết luận khoản chờ xem xét")
    RESUME_PAYMENTS = "RESUME_PAYMENTS", _("Mở lại chi trả toàn thành phố")
    REMIT_FUNDS = "REMIT_FUNDS", _("Nộp trả ngân sách")
    STOP_RECOVERY = "STOP_RECOVERY", _("Thôi thu hồi")
    DECIDE_DIFFERENCE = "DECIDE_DIFFERENCE", _("Kết luận chênh lệch đối soát")


class ProposalState(models.TextChoices):
    """Where a proposal stands."""

    PROPOSED = "PROPOSED", _("Chờ người thứ hai")
    CONFIRMED = "CONFIRMED", _("Đã đồng ý")
    REFUSED = "REFUSED", _("Không đồng ý")
    WITHDRAWN = "WITHDRAWN", _("Đã rút lại")


PROPOSAL_MOVES: dict[ProposalState, frozenset[ProposalState]] = {
    ProposalState.PROPOSED: frozenset({ProposalState.CONFIRMED, ProposalState.REFUSED, ProposalState.WITHDRAWN}),
    ProposalState.CONFIRMED: frozenset(),
    ProposalState.REFUSED: frozenset(),
    ProposalState.WITHDRAWN: frozenset(),
}
