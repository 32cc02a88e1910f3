"""What an operation may refuse, and the Vietnamese words that tell a person what to do. Views turn these into answers."""

from django.utils.translation import gettext_lazy as _

from foundation.users.refusals import ActRefused


class PaymentRefused(ActRefused):
    """An act that the rules of paying refuse; `message` says what to do."""


class InvalidMove(PaymentRefused):
    """The row is not in a state that allows this act."""

    message = _("Đợt chi trả đã đổi trạng thái. Tải lại trang để xem trạng thái mới.")


class AlreadyDecided(InvalidMove):
    """Somebody has decided on the paper already."""

    message = _("Việc này đã có người quyết định. Tải lại trang để xem kết quả.")


class EmptyList(PaymentRefused):
    """Nothing in the list can be paid."""

    message = _("Danh sách không có khoản nào chi được. Xem lý do từng người, sửa rồi lập lại.")


class BatchExists(PaymentRefused):
    """There is already a live regular batch for this fund, unit and period."""

    message = _("Kỳ này đã có đợt chi trả. Mở đợt đang có, hoặc rút lại trước khi lập đợt mới.")


class FourEyesViolation(PaymentRefused):
    """The same human prepared or submitted the list, or has decided on it already."""

    status = 403
    message = _("Người lập hoặc trình danh sách không được tự phê duyệt. Cần một người khác.")


class OwnHold(FourEyesViolation):
    """The same human held, prepared or submitted the list that is to go on."""

    message = _("Người tạm dừng, lập hoặc trình danh sách không được tự cho chi tiếp. Cần một người khác.")


class OwnRecord(FourEyesViolation):
    """The same human recorded what is to be confirmed."""

    message = _("Người ghi không được tự xác nhận hoặc từ chối. Cần một người khác.")


class OwnProposal(FourEyesViolation):
    """The same human proposed what is to be decided."""

    message = _("Người đề nghị không được tự quyết định đề nghị của mình. Cần một người khác.")


class ProposalOpen(PaymentRefused):
    """Something is proposed for this subject already and waits for a decision."""

    message = _("Việc này đã có một đề nghị đang chờ người thứ hai. Mở đề nghị đó để quyết định hoặc rút lại.")


class EvidenceNeeded(PaymentRefused):
    """The act needs a paper that speaks for it."""

    status = 422
    message = _("Cần kèm tài liệu chứng minh, ví dụ văn bản trả lời của ngân hàng.")


class PaperTooLarge(PaymentRefused):
    """A paper of more than five megabytes."""

    status = 413
    message = _("Tệp lớn hơn 5 MB. Quét lại với độ phân giải thấp hơn, hoặc chia ra.")


class PaperUnreadable(PaymentRefused):
    """A paper of a kind that is not taken in, or cut off on its way."""

    status = 422
    message = _("Tệp không phải PDF, PNG, JPEG hoặc thư điện tử có chữ ký số (.eml), hoặc tệp đã hỏng. Chọn tệp khác.")


class ListChanged(PaymentRefused):
    """The list is no longer the one that was approved. Nobody's word mends that."""

    message = _(
        "Danh sách đã khác bản được duyệt nên không chi tiếp được. Báo quản trị hệ thống; huỷ đợt chi rồi lập đợt mới."
    )


class AuthorityLost(PaymentRefused):
    """Too few of those who approved the list have authority today."""

    message = _(
        "Người phê duyệt danh sách không còn đủ thẩm quyền. Cần người phê duyệt khác duyệt danh sách này trước khi chi tiếp."
    )


class PaymentsStopped(PaymentRefused):
    """Nothing new goes out in the city."""

    message = _("Chi trả toàn thành phố đang bị dừng. Chỉ làm tiếp được sau khi hai người có thẩm quyền mở lại.")


class StoppedAlready(PaymentRefused):
    """Somebody was faster."""

    message = _("Chi trả toàn thành phố đã được dừng trước đó.")


class ReferenceNeeded(PaymentRefused):
    """Who says that the bank has paid says under which reference."""

    status = 422
    message = _("Ghi mã tham chiếu của ngân hàng cho khoản đã chi.")


class OwnPayment(FourEyesViolation):
    """The payment goes to the same human."""

    message = _("Khoản này chi cho chính ông, bà nên ông, bà không được tham gia quyết định. Cần người khác.")


class LimitReached(PaymentRefused):
    """The day's limit of this approver, or of this approver with this submitter, does not leave room for the list."""

    status = 403
    message = _(
        "Danh sách này vượt hạn mức phê duyệt trong ngày của ông, bà. Để ngày mai, hoặc nhờ người phê duyệt khác."
    )


class BatchChanged(PaymentRefused):
    """The list is not the one that was shown."""

    message = _("Danh sách không còn giống bản ông, bà đã xem. Mở lại trang và xem lại.")


class NotInAuthority(PaymentRefused):
    """The user does not hold the permission for this unit now."""

    status = 403
    message = _("Ông, bà không có quyền làm việc này ở đơn vị này.")


class ListNotAsApproved(PaymentRefused):
    """What would have been paid is not what was approved; the batch is held."""

    message = _("Danh sách khác bản đã duyệt nên đợt chi đã bị tạm dừng. Báo ngay quản trị hệ thống.")


class NotOpenYet(PaymentRefused):
    """Workers are still making the payments of the batch ready."""

    message = _("Các khoản của đợt đang được mở. Thử lại sau ít phút.")


class NothingToGive(PaymentRefused):
    """Every payment of the route stands in a list, or has its result."""

    message = _("Không còn khoản nào cần đưa vào tệp.")


class FileChanged(PaymentRefused):
    """A list can no longer be made as it was: somebody changed what it was made of."""

    message = _("Không lập lại được đúng tệp đã gửi: dữ liệu của tệp đã bị thay đổi. Báo ngay quản trị hệ thống.")


class ResultsTooLarge(PaymentRefused):
    """More is being sent than a result file may weigh."""

    status = 413
    message = _("Tệp lớn hơn 20 MB. Chia kết quả thành nhiều tệp.")


class ResultsKnown(PaymentRefused):
    """The same file was brought before."""

    message = _("Tệp này đã được tải lên rồi. Mở tệp đó trong danh sách các tệp kết quả.")


class FundTooLow(PaymentRefused):
    """The fund holds less than the list needs."""

    message = _("Nguồn kinh phí không đủ. Bổ sung chứng từ cấp kinh phí rồi thử lại.")


class FundClosed(PaymentRefused):
    """The fund's budget year is closed: it takes no new lists and no new money."""

    message = _("Nguồn kinh phí này đã khoá sổ. Chọn nguồn của năm đang mở.")


class RecoveryExceeded(PaymentRefused):
    """More is to be taken back than is left."""

    message = _("Số tiền lớn hơn số còn phải thu hồi. Xem lại khoản thu hồi.")


class WrongInput(PaymentRefused):
    """A value that was given cannot be right."""

    status = 422
    message = _("Thông tin chưa đúng. Kiểm tra lại rồi gửi lại.")


class RestoreNotEnded(PaymentRefused):
    """The database is an older copy, and what the banks did since is not known yet."""

    message = _(
        "Dữ liệu vừa được khôi phục từ bản sao lưu. Chờ quản trị đối chiếu xong với ngân hàng rồi mới chi tiếp, huỷ hoặc "
        "rút danh sách."
    )


class DifferenceClosed(PaymentRefused):
    """The difference is decided already."""

    message = _("Chênh lệch này đã có kết luận. Tải lại trang để xem.")


class NoSuchPayment(PaymentRefused):
    """The payment that an entry is said to be cannot be it."""

    status = 422
    message = _(
        "Không có khoản chi nào mang mã này mà cùng tài khoản, cùng số tiền, đã chi và chưa khớp sao kê. Kiểm tra lại mã."
    )


class BadStatement(PaymentRefused):
    """A statement's file that may not be believed; nothing of it was kept. `code` is the reader's, `line` where it stood."""

    status = 422

    def __init__(self, code: str, *, line: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.message = STATEMENT_REFUSALS.get(code, STATEMENT_REFUSALS["FIELD"])


STATEMENT_REFUSALS = {
    "NOT_XML": _("Tệp không phải XML đọc được. Tải lại tệp sao kê từ ngân hàng."),
    "CUT": _("Tệp bị cắt, thiếu phần cuối. Tải lại tệp sao kê từ ngân hàng."),
    "DTD": _("Tệp có phần khai báo DTD không được phép. Không nhận tệp này; báo ngân hàng."),
    "NOT_CAMT053": _("Tệp không phải sao kê camt.053.001.08. Xin ngân hàng tệp đúng mẫu."),
    "NO_STATEMENT": _("Tệp không có sao kê nào."),
    "TOO_MANY": _("Tệp có quá nhiều sao kê. Xin ngân hàng tách tệp."),
    "TOO_MUCH": _("Tệp có đoạn quá dài không có bút toán. Không nhận tệp này; báo ngân hàng."),
    "TOO_LARGE": _("Tệp lớn hơn 50 MB. Dùng nút lấy sao kê từ ngân hàng, hoặc xin tách tệp."),
    "CURRENCY": _("Sao kê có khoản không phải đồng Việt Nam (VND)."),
    "FIELD": _("Sao kê có ô sai hoặc thiếu. Báo ngân hàng gửi lại tệp đúng."),
    "NOT_BOOKED": _("Sao kê có bút toán chưa hạch toán. Chỉ nhận sao kê cuối ngày."),
    "SUMS": _("Các bút toán cộng lại không bằng tổng ghi trong sao kê. Tệp đã bị sửa hoặc thiếu."),
    "BALANCES": _("Số dư đầu cộng phát sinh không bằng số dư cuối. Tệp đã bị sửa hoặc thiếu."),
    "BATCH_SUM": _("Một bút toán gộp không bằng tổng các dòng của nó. Báo ngân hàng gửi lại tệp đúng."),
    "ACCOUNT": _("Sao kê là của tài khoản không thuộc nguồn kinh phí nào của cổng."),
    "REFERENCE": _("Số bút toán trong tệp bị trùng, hoặc đã có trong sao kê ngày khác. Báo ngân hàng."),
    "TWICE": _("Tệp có hai sao kê của cùng một tài khoản và ngày. Xin ngân hàng tách tệp."),
}
