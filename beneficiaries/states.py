"""States of accounts, questions to banks, entitlements and imports, and the moves allowed: the graph is data."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountState(models.TextChoices):
    """Where one version of a payout account stands."""

    REQUESTED = "REQUESTED", _("Đã gửi yêu cầu")
    ID_PROVEN = "ID_PROVEN", _("Đã xác thực danh tính")
    ACCOUNT_CHECKED = "ACCOUNT_CHECKED", _("Ngân hàng đã xác nhận tên")
    REVIEW = "REVIEW", _("Chờ cán bộ xem lại")
    COOLING = "COOLING", _("Chờ hết thời gian an toàn")
    ACTIVE = "ACTIVE", _("Đang dùng")
    SUSPENDED = "SUSPENDED", _("Tạm khoá")
    SUPERSEDED = "SUPERSEDED", _("Đã thay bằng tài khoản khác")
    CLOSED = "CLOSED", _("Ngân hàng báo đã đóng")
    REVOKED = "REVOKED", _("Người nhận đã huỷ")
    REFUSED = "REFUSED", _("Không được chấp nhận")
    EXPIRED = "EXPIRED", _("Quá hạn")


S = AccountState
ACCOUNT_MOVES: dict[AccountState, frozenset[AccountState]] = {
    S.REQUESTED: frozenset({S.ID_PROVEN, S.ACCOUNT_CHECKED, S.REVIEW, S.REFUSED, S.EXPIRED, S.REVOKED}),
    S.ID_PROVEN: frozenset({S.ACCOUNT_CHECKED, S.REVIEW, S.REFUSED, S.EXPIRED, S.REVOKED}),
    S.ACCOUNT_CHECKED: frozenset({S.COOLING, S.ACTIVE, S.REVIEW, S.REFUSED, S.EXPIRED, S.REVOKED}),
    S.REVIEW: frozenset({S.ACCOUNT_CHECKED, S.REFUSED, S.EXPIRED, S.REVOKED}),
    S.COOLING: frozenset({S.ACTIVE, S.SUSPENDED, S.SUPERSEDED, S.CLOSED, S.REVOKED}),
    S.ACTIVE: frozenset({S.SUSPENDED, S.SUPERSEDED, S.CLOSED, S.REVOKED}),
    S.SUSPENDED: frozenset({S.ACTIVE, S.SUPERSEDED, S.CLOSED, S.REVOKED}),
    S.SUPERSEDED: frozenset(),
    S.CLOSED: frozenset(),
    S.REVOKED: frozenset(),
    S.REFUSED: frozenset(),
    S.EXPIRED: frozenset(),
}
ACCOUNT_WAITING = (S.REQUESTED, S.ID_PROVEN, S.ACCOUNT_CHECKED, S.REVIEW, S.COOLING)
ACCOUNT_HOLDS_NUMBER = (S.COOLING, S.ACTIVE, S.SUSPENDED)  # while in these, the number belongs to this holder alone


ACCOUNT_TO_JUDGE = (S.ACCOUNT_CHECKED, S.REVIEW)  # what an officer may accept or refuse
ACCOUNT_ENDED = (S.SUPERSEDED, S.CLOSED, S.REVOKED, S.REFUSED, S.EXPIRED)


class EnquiryState(models.TextChoices):
    """What the bank has said of the number in a citizen's saved registration."""

    NONE = "NONE", _("Chưa nhập số tài khoản")
    WAITING = "WAITING", _("Đang hỏi ngân hàng")
    ANSWERED = "ANSWERED", _("Ngân hàng đã trả lời")
    REFUSED = "REFUSED", _("Không dùng được số này")


Q = EnquiryState
ENQUIRY_MOVES: dict[EnquiryState, frozenset[EnquiryState]] = {
    Q.NONE: frozenset({Q.WAITING}),
    Q.WAITING: frozenset({Q.ANSWERED, Q.REFUSED, Q.NONE}),
    Q.ANSWERED: frozenset({Q.WAITING, Q.NONE}),
    Q.REFUSED: frozenset({Q.WAITING, Q.NONE}),
}


class AccountSource(models.TextChoices):
    """Who told us of an account."""

    LINKED = "LINKED", _("Liên kết trong VNeID")
    SELF = "SELF", _("Đăng ký trên cổng")
    FILE = "FILE", _("Từ danh sách của phường")


class Way(models.TextChoices):
    """How a payee wants to be paid, where he has said so."""

    USUAL = "USUAL", _("Vào tài khoản; chưa có tài khoản thì nhận tiền mặt tại phường")
    WARD_CASH = "WARD_CASH", _("Tiền mặt tại phường")
    PAYMENT_SERVICE = "PAYMENT_SERVICE", _("Qua tổ chức dịch vụ chi trả")


class Delivery(models.TextChoices):
    """How the payment service brings the money."""

    CARD = "CARD", _("Thẻ chi trả")
    PAY_POINT = "PAY_POINT", _("Điểm chi trả")
    HOME = "HOME", _("Chi trả tại nhà")


class WaySource(models.TextChoices):
    """Who told us of a way."""

    OFFICER = "OFFICER", _("Cán bộ ghi nhận")
    FILE = "FILE", _("Từ danh sách của phường")


class MatchResult(models.TextChoices):
    """How the holder's name that the bank gave compares with ours."""

    MATCH = "MATCH", _("Khớp")
    MATCH_NOTE = "MATCH_NOTE", _("Khớp, khác dấu cách hoặc dấu nối")
    REVIEW = "REVIEW", _("Gần khớp, cần xem lại")
    MISMATCH = "MISMATCH", _("Không khớp")


class EntitlementState(models.TextChoices):
    """Whether a right is being paid."""

    DRAFT = "DRAFT", _("Chưa có quyết định")
    ACTIVE = "ACTIVE", _("Đang hưởng")
    SUSPENDED = "SUSPENDED", _("Tạm dừng")
    ENDED = "ENDED", _("Thôi hưởng")


E = EntitlementState
ENTITLEMENT_MOVES: dict[EntitlementState, frozenset[EntitlementState]] = {
    E.DRAFT: frozenset({E.ACTIVE, E.ENDED}),
    E.ACTIVE: frozenset({E.SUSPENDED, E.ENDED}),
    E.SUSPENDED: frozenset({E.ACTIVE, E.ENDED}),
    E.ENDED: frozenset(),
}


class ImportState(models.TextChoices):
    """What became of a list that an officer brought."""

    CHECKED = "CHECKED", _("Đã kiểm tra, chưa ghi")
    COMMITTED = "COMMITTED", _("Đã ghi")
    REFUSED = "REFUSED", _("Có lỗi")
    CANCELLED = "CANCELLED", _("Đã huỷ")
