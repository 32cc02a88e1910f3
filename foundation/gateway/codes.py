"""What the codes of the gateway mean to us: ISO 20022 statuses and reasons, and the refusals of a name enquiry.

Tables as data, read by dispatch (what to do with a transfer), by the account pages (what to tell the citizen) and by
tests. A code that is not in a table is never guessed: an unknown status leaves the outcome unknown, an unknown reason
goes to people.
Sources: ISO 20022 External Code Sets; docs/gateway-contract.md 4.2 (refusals); docs/architecture.md (what follows).
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


class Outcome(StrEnum):
    """What a gateway's status, with its reason, says about one transfer."""

    ACCEPTED = "ACCEPTED"  # taken on, not final
    SETTLED_DEBTOR = "SETTLED_DEBTOR"  # left the fund's account
    SETTLED_CREDITOR = "SETTLED_CREDITOR"  # reached the receiver
    REJECTED = "REJECTED"  # not paid, final
    REVIEW = "REVIEW"  # people decide
    UNKNOWN = "UNKNOWN"  # ask
    NOT_FOUND = "NOT_FOUND"  # inquiries only; proves nothing before the last not_after (contract 3.2)


TRANSACTION_STATUSES: dict[str, Outcome] = {
    "RCVD": Outcome.ACCEPTED,
    "ACTC": Outcome.ACCEPTED,
    "ACCP": Outcome.ACCEPTED,
    "ACFC": Outcome.ACCEPTED,
    "ACSP": Outcome.ACCEPTED,
    "ACWP": Outcome.ACCEPTED,
    "PDNG": Outcome.ACCEPTED,
    "ACSC": Outcome.SETTLED_DEBTOR,
    "ACCC": Outcome.SETTLED_CREDITOR,
    "RJCT": Outcome.REJECTED,
    "BLCK": Outcome.REVIEW,
}
NOT_FOUND = "NOTFOUND"
REJECTED = "RJCT"
BOOKED = "BOOK"  # no answer's word, but the statement's: the fund was debited

# Out of order, the higher wins; RJCT against a settled one is a conflict for people (contract 5.1).
STATUS_RANK: dict[str, int] = {
    "RCVD": 1,
    "PDNG": 2,
    "ACTC": 3,
    "ACCP": 3,
    "ACFC": 3,
    "ACSP": 4,
    "ACWP": 4,
    "ACSC": 5,
    "ACCC": 6,
}


class Action(StrEnum):
    """What follows from a reason, beside the transfer's own state."""

    VERIFY_LINK = "VERIFY_LINK"
    CLOSE_LINK = "CLOSE_LINK"
    SUSPEND_LINK = "SUSPEND_LINK"
    SUSPEND_BENEFICIARY = "SUSPEND_BENEFICIARY"
    STOP_PROGRAMME = "STOP_PROGRAMME"
    CHECK_CONFIGURATION = "CHECK_CONFIGURATION"
    PROPOSE_REPLACEMENT = "PROPOSE_REPLACEMENT"
    INQUIRE = "INQUIRE"
    REVIEW = "REVIEW"


@dataclass(frozen=True, slots=True)
class StatusReason:
    """One reason code: the words for it, what each side can do, what the portal does."""

    code: str
    label: Words
    for_citizen: Words
    for_officer: Words
    action: Action


_CHECK_ACCOUNT = _("Vui lòng kiểm tra lại số tài khoản và liên kết lại; khoản tiền của ông, bà được giữ nguyên.")
_OTHER_ACCOUNT = _("Vui lòng liên kết một tài khoản khác đang hoạt động; khoản tiền của ông, bà được giữ nguyên.")
_ASK_BANK = _("Vui lòng liên hệ ngân hàng để mở lại tài khoản, hoặc liên kết tài khoản khác.")
_WARD = _("Vui lòng liên hệ Ủy ban nhân dân phường, xã nơi ông, bà nhận trợ cấp.")
_NOTHING_TO_DO = _("Ông, bà không cần làm gì; cán bộ đang xử lý.")
_WAIT = _("Ông, bà không cần làm gì; khoản tiền sẽ được chi lại sau khi được duyệt.")

_RELINK = _("Yêu cầu người thụ hưởng liên kết lại tài khoản, sau đó lập khoản chi thay thế.")
_NEW_LINK = _("Đóng liên kết; khi có tài khoản mới thì lập khoản chi thay thế.")
_CONFIGURE = _("Báo quản trị kiểm tra cấu hình hạn mức, đơn vị tiền và kênh chi trước khi gửi tiếp.")
_REPLACE = _("Ngân hàng tạm thời không chi được; có thể đề nghị khoản chi thay thế.")
_ASK = _("Không gửi lại. Hệ thống đang hỏi ngân hàng về khoản chi đầu tiên.")
_TWO_PERSONS = _("Cần hai cán bộ xem xét, kèm chứng từ của ngân hàng.")

_REASONS = [
    StatusReason("AC01", _("Số tài khoản không đúng"), _CHECK_ACCOUNT, _RELINK, Action.VERIFY_LINK),
    StatusReason("AC03", _("Số tài khoản người nhận không hợp lệ"), _CHECK_ACCOUNT, _RELINK, Action.VERIFY_LINK),
    StatusReason("BE01", _("Tên và tài khoản không khớp"), _CHECK_ACCOUNT, _RELINK, Action.VERIFY_LINK),
    StatusReason("BE06", _("Ngân hàng không nhận ra người nhận"), _CHECK_ACCOUNT, _RELINK, Action.VERIFY_LINK),
    StatusReason("RC01", _("Mã ngân hàng không đúng"), _CHECK_ACCOUNT, _RELINK, Action.VERIFY_LINK),
    StatusReason("RC03", _("Mã ngân hàng người nhận không hợp lệ"), _CHECK_ACCOUNT, _RELINK, Action.VERIFY_LINK),
    StatusReason("AC04", _("Tài khoản đã đóng"), _OTHER_ACCOUNT, _NEW_LINK, Action.CLOSE_LINK),
    StatusReason("AC07", _("Tài khoản người nhận đã đóng"), _OTHER_ACCOUNT, _NEW_LINK, Action.CLOSE_LINK),
    StatusReason(
        "AC06",
        _("Tài khoản bị phong tỏa"),
        _ASK_BANK,
        _("Liên kết đã tạm ngừng; xác minh với người thụ hưởng trước khi chi tiếp."),
        Action.SUSPEND_LINK,
    ),
    StatusReason(
        "MD07",
        _("Ngân hàng báo chủ tài khoản đã mất"),
        _WARD,
        _("Tạm dừng chi trả; đối chiếu hộ tịch trước khi quyết định."),
        Action.SUSPEND_BENEFICIARY,
    ),
    StatusReason(
        "AM04",
        _("Tài khoản nguồn không đủ tiền"),
        _NOTHING_TO_DO,
        _("Việc chi của nguồn này đã dừng; kiểm tra số dư tài khoản nguồn với Kho bạc, ngân hàng."),
        Action.STOP_PROGRAMME,
    ),
    StatusReason("AM02", _("Số tiền không được phép"), _NOTHING_TO_DO, _CONFIGURE, Action.CHECK_CONFIGURATION),
    StatusReason("AM14", _("Vượt hạn mức đã thỏa thuận"), _NOTHING_TO_DO, _CONFIGURE, Action.CHECK_CONFIGURATION),
    StatusReason("AM23", _("Vượt hạn mức thanh toán"), _NOTHING_TO_DO, _CONFIGURE, Action.CHECK_CONFIGURATION),
    StatusReason("AB05", _("Ngân hàng nhận không trả lời kịp"), _WAIT, _REPLACE, Action.PROPOSE_REPLACEMENT),
    StatusReason("AB06", _("Quá thời gian xử lý"), _WAIT, _REPLACE, Action.PROPOSE_REPLACEMENT),
    StatusReason("AB08", _("Ngân hàng nhận không trực tuyến"), _WAIT, _REPLACE, Action.PROPOSE_REPLACEMENT),
    StatusReason("AB10", _("Ngân hàng nhận gặp lỗi"), _WAIT, _REPLACE, Action.PROPOSE_REPLACEMENT),
    StatusReason("NOAS", _("Người nhận không phản hồi ngân hàng"), _WAIT, _REPLACE, Action.PROPOSE_REPLACEMENT),
    StatusReason("TM01", _("Quá giờ giao dịch"), _WAIT, _REPLACE, Action.PROPOSE_REPLACEMENT),
    StatusReason("AM05", _("Ngân hàng báo trùng"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("DUPL", _("Ngân hàng báo trùng"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("DU01", _("Trùng mã gói gửi"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("DU02", _("Trùng mã đợt"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("DU03", _("Trùng giao dịch"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("DU04", _("Trùng mã giao dịch"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("DU05", _("Trùng mã lệnh"), _NOTHING_TO_DO, _ASK, Action.INQUIRE),
    StatusReason("FRAD", _("Nghi ngờ gian lận"), _WARD, _TWO_PERSONS, Action.REVIEW),
    StatusReason("LEGL", _("Quyết định của cơ quan có thẩm quyền"), _WARD, _TWO_PERSONS, Action.REVIEW),
    StatusReason("RR04", _("Lý do theo quy định pháp luật"), _WARD, _TWO_PERSONS, Action.REVIEW),
    StatusReason("NARR", _("Ngân hàng nêu lý do bằng lời"), _NOTHING_TO_DO, _TWO_PERSONS, Action.REVIEW),
    StatusReason("MS03", _("Ngân hàng không nêu lý do"), _NOTHING_TO_DO, _TWO_PERSONS, Action.REVIEW),
]
STATUS_REASONS: dict[str, StatusReason] = {reason.code: reason for reason in _REASONS}
_UNLISTED = StatusReason("", _("Lý do khác của ngân hàng"), _NOTHING_TO_DO, _TWO_PERSONS, Action.REVIEW)


def status_reason(code: str) -> StatusReason:
    """The entry of a reason code; an unlisted code gets the general words and goes to people."""
    return STATUS_REASONS.get(code, _UNLISTED)


def outcome_of(transaction_status: str, status_reason_code: str | None) -> Outcome:
    """What one answered status means, the reason taken into account.

    A rejection for a duplicate says nothing about the first credit (contract 3.3): UNKNOWN, ask. A rejection whose
    reason nobody has classified, or which names fraud or law, keeps the money reserved until people decide: REVIEW.
    """
    if transaction_status == NOT_FOUND:
        return Outcome.NOT_FOUND
    outcome = TRANSACTION_STATUSES.get(transaction_status, Outcome.UNKNOWN)
    if outcome is Outcome.REJECTED:
        action = status_reason(status_reason_code or "").action
        return {Action.INQUIRE: Outcome.UNKNOWN, Action.REVIEW: Outcome.REVIEW}.get(action, outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class EnquiryRefusal:
    """Why a bank does not confirm an account, in words for the citizen, with the way out."""

    code: str
    label: Words
    remedy: Words
    try_again: bool = False  # the same request may work later: it is kept, nobody has to type again


_REFUSALS = [
    EnquiryRefusal(
        "ACC_NOT_FOUND",
        _("Không có số tài khoản này tại ngân hàng đã chọn"),
        _("Vui lòng kiểm tra lại ngân hàng và nhập lại số tài khoản."),
    ),
    EnquiryRefusal(
        "NAME_MISMATCH",
        _("Tên chủ tài khoản khác với tên trên căn cước"),
        _("Vui lòng đến quầy ngân hàng, hoặc dùng ứng dụng ngân hàng, để cập nhật họ tên theo căn cước rồi thử lại."),
    ),
    EnquiryRefusal(
        "ID_MISMATCH",
        _("Số giấy tờ lưu tại ngân hàng khác với số định danh cá nhân"),
        _("Vui lòng mang căn cước đến quầy ngân hàng để cập nhật giấy tờ rồi thử lại, hoặc dùng tài khoản khác."),
    ),
    EnquiryRefusal(
        "ACC_INACTIVE",
        _("Tài khoản đã đóng, bị phong tỏa hoặc lâu ngày không hoạt động"),
        _("Vui lòng dùng tài khoản khác, hoặc liên hệ ngân hàng để mở lại."),
    ),
    EnquiryRefusal(
        "ACC_TYPE",
        _("Đây không phải là tài khoản thanh toán bằng đồng Việt Nam"),
        _("Vui lòng dùng tài khoản thanh toán, không dùng số thẻ, tài khoản tiết kiệm hay ngoại tệ."),
    ),
    EnquiryRefusal(
        "BANK_NOT_SUPPORTED",
        _("Ngân hàng này chưa tham gia chi trả an sinh xã hội"),
        _("Vui lòng chọn ngân hàng khác, hoặc đăng ký nhận tiền mặt."),
    ),
    EnquiryRefusal(
        "BIO_MISSING",
        _("Ngân hàng chưa có thông tin sinh trắc học của ông, bà"),
        _("Vui lòng cập nhật sinh trắc học bằng ứng dụng ngân hàng hoặc tại quầy rồi thử lại."),
    ),
    EnquiryRefusal(
        "EID_LEVEL",
        _("Tài khoản định danh điện tử của ông, bà mới ở mức 1"),
        _("Vui lòng đến công an phường, xã để nâng lên mức 2 rồi thử lại."),
    ),
    EnquiryRefusal(
        "TEMPORARY",
        _("Hệ thống ngân hàng đang bận"),
        _("Yêu cầu của ông, bà đã được lưu; hệ thống sẽ tự thử lại, ông, bà không cần nhập lại."),
        try_again=True,
    ),
]
ENQUIRY_REFUSALS: dict[str, EnquiryRefusal] = {refusal.code: refusal for refusal in _REFUSALS}
