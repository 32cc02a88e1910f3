"""What may go wrong with paying, and where it is written what to do: kinds of alarms, raised by the operations that find it."""

from django.utils.translation import gettext_lazy as _

from foundation.audit.alarms import Severity, declare

BATCH_TAMPERED = declare(
    "batch.tampered",
    Severity.CRITICAL,
    _("Danh sách khác bản đã duyệt: đợt chi đã bị dừng"),
    page="operations.md#list-tampered",
)
AUTHORITY_LOST = declare(
    "batch.authority_lost",
    Severity.WARNING,
    _("Người phê duyệt không còn thẩm quyền: đợt chi đã bị dừng"),
    page="operations.md#authority-lost",
)
PAYMENTS_STOPPED = declare(
    "payments.stopped",
    Severity.CRITICAL,
    _("Chi trả toàn thành phố đang bị dừng"),
    page="operations.md#payments-stopped",
)
RESTORED = declare(
    "payments.restored",
    Severity.CRITICAL,
    _("Dữ liệu vừa được khôi phục từ bản sao lưu: mọi đợt chi bị dừng cho đến khi đối chiếu xong với ngân hàng"),
    page="operations.md#backups",
)
STATEMENT_REFUSED = declare(
    "statement.refused",
    Severity.WARNING,
    _("Sao kê của ngân hàng không đọc được"),
    page="operations.md#alarm-statement-refused",
)
STATEMENT_DIFFERS = declare(
    "statement.differs",
    Severity.CRITICAL,
    _("Sao kê có khoản ngoài sổ, trùng hoặc trái kết quả"),
    page="operations.md#alarm-statement-differs",
)
STATEMENT_REISSUED = declare(
    "statement.reissued",
    Severity.WARNING,
    _("Ngân hàng gửi lại sao kê khác bản trước"),
    page="operations.md#alarm-statement-reissued",
)
VERIFY_BROKEN = declare(
    "verify.broken",
    Severity.CRITICAL,
    _("Kiểm chứng thấy điều không được phép sai"),
    page="operations.md#does-everything-still-hold",
)
PAID_TWICE = declare(
    "payments.paid_twice",
    Severity.CRITICAL,
    _("Khoản trước được báo đã chi khi khoản chi lại đã gửi đi"),
    page="operations.md#alarm-payments-paid-twice",
)
