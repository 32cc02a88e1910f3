"""Statuses of statement files and differences, and the words for entries: what `states` is to lists and payments."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FileState(models.TextChoices):
    """How far a statement file has come."""

    ORDERED = "ORDERED", _("Chờ lấy từ ngân hàng")
    RECEIVING = "RECEIVING", _("Đang nhận")
    RECEIVED = "RECEIVED", _("Đang nhập")
    IMPORTED = "IMPORTED", _("Đã nhập")
    UNCHANGED = "UNCHANGED", _("Không có gì mới")
    ABSENT = "ABSENT", _("Ngân hàng không có sao kê ngày này")
    REFUSED = "REFUSED", _("Không đọc được")


F = FileState
FILE_MOVES: dict[FileState, frozenset[FileState]] = {
    F.ORDERED: frozenset({F.RECEIVING}),
    F.RECEIVING: frozenset({F.ORDERED, F.RECEIVED, F.ABSENT, F.REFUSED}),
    F.RECEIVED: frozenset({F.IMPORTED, F.UNCHANGED, F.REFUSED}),
    F.IMPORTED: frozenset(),
    F.UNCHANGED: frozenset(),
    F.ABSENT: frozenset(),
    F.REFUSED: frozenset(),
}
FILE_OPEN = (F.ORDERED, F.RECEIVING, F.RECEIVED)


class FileSource(models.TextChoices):
    """How a statement came."""

    FETCHED = "FETCHED", _("Lấy từ ngân hàng")
    UPLOADED = "UPLOADED", _("Tải tệp lên")


class EntryDirection(models.TextChoices):
    """Which way a statement's entry moved the account, in ISO 20022's words."""

    DBIT = "DBIT", _("Ghi nợ")
    CRDT = "CRDT", _("Ghi có")


class MatchedHow(models.TextChoices):
    """How an entry of a statement was found to belong to a payment of ours."""

    END_TO_END = "END_TO_END", _("Theo mã giao dịch")
    AMOUNT_DATE = "AMOUNT_DATE", _("Theo số tiền và ngày")
    PERSON = "PERSON", _("Cán bộ kết luận")


class AdjustmentKind(models.TextChoices):
    """What became of a payment after its list had been reconciled."""

    RETURNED = "RETURNED", _("Tiền bị trả lại")
    PAID = "PAID", _("Ngân hàng đã chi, hai người kết luận")


class DifferenceKind(models.TextChoices):
    """In what our books, the bank's answers and its statement do not agree."""

    MISSING_IN_STATEMENT = "MISSING_IN_STATEMENT", _("Đã chi nhưng không có trong sao kê")
    UNKNOWN_TO_US = "UNKNOWN_TO_US", _("Có trong sao kê, không có trong sổ")
    AMOUNT = "AMOUNT", _("Khác số tiền")
    ACCOUNT = "ACCOUNT", _("Khác tài khoản nhận")
    DOUBLE_CREDIT = "DOUBLE_CREDIT", _("Một khoản ghi nợ hai lần")
    STATE = "STATE", _("Sao kê ghi nợ, sổ ghi chưa chi")
    DATE = "DATE", _("Khác ngày")
    RETURN = "RETURN", _("Tiền trả lại không khớp")
    RETURN_MISSING = "RETURN_MISSING", _("Báo trả lại nhưng không có trong sao kê")
    CHANGED = "CHANGED", _("Bút toán bị sửa ở bản sao kê sau")
    VANISHED = "VANISHED", _("Bút toán biến mất ở bản sao kê sau")
    BALANCE = "BALANCE", _("Số dư không nối tiếp")
    TOTALS = "TOTALS", _("Tổng trong ngày không khớp")


class DifferenceState(models.TextChoices):
    """Whether a difference is settled."""

    OPEN = "OPEN", _("Đang xử lý")
    CLOSED = "CLOSED", _("Đã kết luận")


DIFFERENCE_MOVES: dict[DifferenceState, frozenset[DifferenceState]] = {
    DifferenceState.OPEN: frozenset({DifferenceState.CLOSED}),
    DifferenceState.CLOSED: frozenset(),
}


class DifferenceOutcome(models.TextChoices):
    """How a difference ended. The last three are the system's, each with its proof in the rows."""

    BANK_ERROR = "BANK_ERROR", _("Ngân hàng ghi sai và đã xác nhận")
    OUR_ERROR = "OUR_ERROR", _("Sổ của cổng ghi sai, đã xử lý")
    GIVEN_BACK = "GIVEN_BACK", _("Tiền đã được hoàn lại")
    NOT_OURS = "NOT_OURS", _("Không thuộc việc chi trả, đã chuyển nơi có trách nhiệm")
    MATCHED = "MATCHED", _("Là khoản chi được nêu")
    FOUND = "FOUND", _("Đã thấy trong sao kê đến sau")
    REPLACED = "REPLACED", _("Bản sao kê sau thay thế")
    PAID = "PAID", _("Khoản chi đã được hai người kết luận là đã chi")


BY_PEOPLE = (
    DifferenceOutcome.BANK_ERROR,
    DifferenceOutcome.OUR_ERROR,
    DifferenceOutcome.GIVEN_BACK,
    DifferenceOutcome.NOT_OURS,
    DifferenceOutcome.MATCHED,
)
