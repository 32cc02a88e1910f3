"""The events of the trail that a payment's story tells, in words."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.gateway.codes import Words


class Tone(models.TextChoices):
    """How a page may colour an entry."""

    PLAIN = "PLAIN", _("Diễn biến")
    GOOD = "GOOD", _("Tốt")
    WAIT = "WAIT", _("Chưa rõ")
    BAD = "BAD", _("Cần chú ý")


EVENTS: dict[str, tuple[Tone, Words]] = {
    "batch.started": (Tone.PLAIN, _("Bắt đầu lập đợt chi")),
    "batch.built": (Tone.PLAIN, _("Lập xong danh sách")),
    "batch.submitted": (Tone.PLAIN, _("Trình phê duyệt")),
    "batch.withdrawn": (Tone.BAD, _("Rút lại danh sách")),
    "batch.dispatching": (Tone.PLAIN, _("Bắt đầu chi trả")),
    "batch.held": (Tone.BAD, _("Tạm dừng đợt chi")),
    "batch.released": (Tone.PLAIN, _("Cho chi tiếp")),
    "batch.authority_lost": (Tone.BAD, _("Tạm dừng: người phê duyệt không còn thẩm quyền")),
    "batch.tampered": (Tone.BAD, _("Tạm dừng: danh sách khác bản đã duyệt")),
    "batch.cancelling": (Tone.BAD, _("Huỷ đợt chi")),
    "batch.lines_cancelled": (Tone.PLAIN, _("Huỷ các khoản chưa gửi")),
    "chunk.lines_cancelled": (Tone.BAD, _("Huỷ khoản của người đã mất hoặc tài khoản đã đóng")),
    "chunk.replacements_stopped": (Tone.BAD, _("Dừng khoản chi lại: khoản trước được báo là đã chi")),
    "transfer.decided": (Tone.PLAIN, _("Hai người kết luận khoản chi")),
    "proposal.proposed": (Tone.PLAIN, _("Đề nghị, chờ người thứ hai")),
    "proposal.confirmed": (Tone.PLAIN, _("Người thứ hai đồng ý")),
    "proposal.refused": (Tone.BAD, _("Người thứ hai không đồng ý")),
    "proposal.withdrawn": (Tone.PLAIN, _("Rút lại đề nghị")),
    "proposal.paper_read": (Tone.PLAIN, _("Xem tài liệu chứng minh")),
    "alarm.raised": (Tone.BAD, _("Báo động")),
    "batch.drained": (Tone.GOOD, _("Cả đợt đã có kết quả")),
    "batch.reconciled": (Tone.GOOD, _("Sao kê khớp với đợt chi; ghi số liệu cuối cùng")),
    "batch.closed": (Tone.GOOD, _("Đóng đợt chi: số liệu cuối cùng đã niêm phong")),
    "batch.paid_after_all": (Tone.BAD, _("Khoản chi được kết luận là đã chi sau khi đợt chi đã đóng")),
    "batch.adjusted": (Tone.BAD, _("Tiền bị trả lại sau khi đợt chi đã đóng")),
    "chunk.proven": (Tone.GOOD, _("Sao kê chứng minh khoản đã chuyển đi")),
    "chunk.lease_expired": (Tone.WAIT, _("Tiến trình gửi không phản hồi: chuyển sang hỏi ngân hàng")),
    "file.taken": (Tone.PLAIN, _("Tải tệp gửi đi về máy")),
    "results.checked": (Tone.PLAIN, _("Tải tệp kết quả lên, chưa ghi")),
    "results.cancelled": (Tone.PLAIN, _("Bỏ tệp kết quả chưa ghi")),
    "cash.list_taken": (Tone.PLAIN, _("In danh sách ký nhận tiền mặt")),
    "cash.handed_over": (Tone.PLAIN, _("Giao danh sách và tiền mặt cho điểm chi trả")),
    "cash.carried_over": (Tone.PLAIN, _("Khoá danh sách tiền mặt, chuyển kỳ sau phần chưa nhận")),
    "account.enquired": (Tone.PLAIN, _("Hỏi ngân hàng tên chủ tài khoản")),
    "account.enquiry_answered": (Tone.PLAIN, _("Ngân hàng trả lời tên chủ tài khoản")),
    "account.registered": (Tone.PLAIN, _("Đăng ký tài khoản nhận tiền")),
    "account.checked": (Tone.PLAIN, _("Ngân hàng xác nhận tài khoản")),
    "account.linked": (Tone.PLAIN, _("Liên kết tài khoản trong VNeID")),
    "account.activated": (Tone.PLAIN, _("Tài khoản được đưa vào sử dụng")),
    "account.suspended": (Tone.BAD, _("Tạm khoá tài khoản")),
    "account.closed": (Tone.BAD, _("Đóng tài khoản theo báo của ngân hàng")),
    "account.removed": (Tone.PLAIN, _("Bỏ liên kết tài khoản trong VNeID")),
    "account.withdrawn": (Tone.PLAIN, _("Người nhận huỷ tài khoản")),
    "account.refused": (Tone.BAD, _("Tài khoản không được chấp nhận")),
    "account.expired": (Tone.PLAIN, _("Yêu cầu về tài khoản quá hạn")),
}
