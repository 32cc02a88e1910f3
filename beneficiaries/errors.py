"""What the register and its accounts may refuse, and the Vietnamese words for it. Views turn these into answers.

`message` says what is wrong, `remedy` what to do; `code` leads to the next step in `beneficiaries.refusals`.
"""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.users.refusals import ActRefused

Words = str | Promise


class RegisterRefused(ActRefused):
    """An act that the rules about lists refuse."""


class NotCancellable(RegisterRefused):
    """The list was written, or given up, already."""

    message = _("Danh sách này đã được ghi vào sổ hoặc đã huỷ.")
    remedy = _("Xem lại trạng thái ở trang danh sách đã nhập.")


class FileTooLarge(RegisterRefused):
    """More is being sent than a list may weigh."""

    status = 413
    message = _("Tệp lớn hơn 50 MB.")
    remedy = _("Chia danh sách thành nhiều tệp, hoặc lưu lại thành .xlsx chỉ có trang tính của danh sách.")


class AccountRefused(ActRefused):
    """An act that the rules about people and their accounts refuse."""

    code: ClassVar[str] = "REFUSED"
    remedy: Words = _("Tải lại trang rồi thử lại; nếu vẫn không được, liên hệ Ủy ban nhân dân phường, xã.")


# --- Who ---
class NotInAuthority(AccountRefused):
    """It is not the person's own, or the officer does not hold the permission for this unit now."""

    code = "NOT_IN_AUTHORITY"
    status = 403
    message = _("Ông, bà không có quyền làm việc này.")
    remedy = _("Đăng nhập bằng tài khoản của chính mình, hoặc hỏi người quản trị của đơn vị.")


class NotOfThisCity(AccountRefused):
    """The register of the city has no place for somebody who lives elsewhere."""

    code = "NOT_OF_THIS_CITY"
    status = 403
    message = _("Theo VNeID, nơi cư trú của ông, bà không thuộc Thành phố Hồ Chí Minh.")
    remedy = _(
        "Đăng ký tại nơi ông, bà cư trú. Nếu đã chuyển về Thành phố, cập nhật nơi cư trú tại công an phường, xã "
        "rồi đăng nhập lại."
    )


class RecordedAsDeceased(AccountRefused):
    """The register says that this person has died: a mistake of it, or somebody uses another's e-ID."""

    code = "RECORDED_AS_DECEASED"
    status = 403
    message = _("Sổ quản lý an sinh xã hội không cho phép đăng ký tài khoản với số định danh này.")
    remedy = _("Mang căn cước đến Ủy ban nhân dân phường, xã để được kiểm tra và sửa lại thông tin.")


# --- The registration, step by step ---
class NoDraft(AccountRefused):
    """There is no saved registration: it was sent already, or was left alone for too long."""

    code = "NO_DRAFT"
    message = _("Không còn hồ sơ đang làm dở.")
    remedy = _("Xem lịch sử đăng ký; nếu chưa gửi, bắt đầu đăng ký lại.")


class BankNotAccepted(AccountRefused):
    """The bank or wallet is unknown, not valid on this day, or holds no account that can be paid into."""

    code = "BANK_NOT_ACCEPTED"
    message = _("Ngân hàng, ví điện tử này không nhận được tiền an sinh xã hội.")
    remedy = _("Chọn ngân hàng hoặc ví điện tử khác trong danh sách.")


class WrongNumber(AccountRefused):
    """What was typed is no account number; the words are those of the rule that it broke."""

    code = "WRONG_NUMBER"
    status = 422

    def __init__(self, reason: str, message: Words, remedy: Words) -> None:
        super().__init__(reason)
        self.reason, self.message, self.remedy = reason, message, remedy


class SameAccount(AccountRefused):
    """It is the account that is in use, or on its way, already."""

    code = "SAME_ACCOUNT"
    message = _("Ông, bà đã đăng ký tài khoản này rồi.")
    remedy = _("Không cần đăng ký lại. Muốn đổi nơi nhận tiền, nhập số tài khoản khác.")


class TooManyEnquiries(AccountRefused):
    """The person has caused as many questions to banks today as are allowed."""

    code = "TOO_MANY"
    status = 429
    message = _("Hôm nay ông, bà đã hỏi ngân hàng quá số lần cho phép.")
    remedy = _("Phần đã làm được lưu lại. Ngày mai thử lại, hoặc đến Ủy ban nhân dân phường, xã để được hỗ trợ.")


class NoAnswerYet(AccountRefused):
    """The bank has not confirmed the number: it was not asked, has not answered, or refused."""

    code = "NO_ANSWER_YET"
    message = _("Ngân hàng chưa xác nhận số tài khoản này.")
    remedy = _("Chờ ngân hàng trả lời, hoặc nhập lại số tài khoản.")


class ConsentMissing(AccountRefused):
    """The citizen has not agreed, or agreed to an older text."""

    code = "CONSENT_MISSING"
    message = _("Ông, bà chưa đồng ý cho chia sẻ dữ liệu.")
    remedy = _("Đọc nội dung và đánh dấu vào ô đồng ý. Nếu không đồng ý, ông, bà vẫn được nhận tiền mặt.")


class DraftChanged(AccountRefused):
    """What is to be sent is not what the citizen saw."""

    code = "DRAFT_CHANGED"
    message = _("Hồ sơ đã thay đổi sau khi ông, bà mở trang này.")
    remedy = _("Xem lại thông tin mới rồi gửi lại.")


class EnquiryTooOld(AccountRefused):
    """The bank's answer is from another day: the account may have been closed since."""

    code = "ENQUIRY_TOO_OLD"
    message = _("Ngân hàng đã xác nhận từ hơn 24 giờ trước.")
    remedy = _("Hỏi lại ngân hàng rồi gửi hồ sơ.")


class AccountTaken(AccountRefused):
    """One account, one holder: somebody else is paid there. Nobody is told who."""

    code = "ACCOUNT_TAKEN"
    message = _("Không đăng ký được tài khoản này cho ông, bà.")
    remedy = _(
        "Dùng tài khoản khác do chính ông, bà đứng tên. Nếu đây đúng là tài khoản của ông, bà, mang căn cước đến "
        "Ủy ban nhân dân phường, xã."
    )


# --- Accounts that stand ---
class InvalidMove(AccountRefused):
    """The account is not in a state that allows this act."""

    code = "INVALID_MOVE"
    message = _("Tài khoản đã đổi trạng thái.")
    remedy = _("Tải lại trang để xem trạng thái mới.")


class OwnAccount(AccountRefused):
    """Four eyes: the officer judges an account of his own, or one that he brought himself."""

    code = "OWN_ACCOUNT"
    status = 403
    message = _("Ông, bà không được tự duyệt tài khoản của mình hoặc do mình nhập.")
    remedy = _("Đề nghị một người phê duyệt khác xem tài khoản này.")


class OwnWay(AccountRefused):
    """Nobody writes down how his own money is paid."""

    code = "OWN_WAY"
    status = 403
    message = _("Ông, bà không được tự ghi cách nhận tiền của mình.")
    remedy = _("Đề nghị một cán bộ khác ghi nhận.")


class SameWay(AccountRefused):
    """The payee is paid in this way already."""

    code = "SAME_WAY"
    message = _("Người nhận đang nhận tiền theo cách này rồi.")
    remedy = _("Không cần ghi lại.")


class WrongWay(AccountRefused):
    """A delivery without the payment service, or a card without its customer's code."""

    code = "WRONG_WAY"
    status = 422
    message = _("Cách nhận tiền chưa đầy đủ.")
    remedy = _("Chọn hình thức của tổ chức dịch vụ chi trả; nhận bằng thẻ thì ghi mã khách hàng.")


class AccountsChanged(AccountRefused):
    """The accounts that wait are not those that the officer was shown."""

    code = "ACCOUNTS_CHANGED"
    message = _("Danh sách tài khoản chờ xác nhận đã thay đổi sau khi ông, bà mở trang.")
    remedy = _("Mở lại trang, xem danh sách mới rồi xác nhận.")


class ReasonMissing(AccountRefused):
    """A decision without a reason that somebody else can follow."""

    code = "REASON_MISSING"
    status = 422
    message = _("Chưa ghi rõ lý do.")
    remedy = _("Ghi lý do ít nhất 10 ký tự: đã đối chiếu giấy tờ nào, ai xác nhận.")


class ReasonHoldsNumber(AccountRefused):
    """A reason is kept in the trail for ever, where no personal number may stand."""

    code = "REASON_HOLDS_NUMBER"
    status = 422
    message = _("Lý do có số định danh, số tài khoản hoặc số điện thoại.")
    remedy = _("Xoá dãy số đó; nhật ký chỉ ghi lý do bằng lời.")
