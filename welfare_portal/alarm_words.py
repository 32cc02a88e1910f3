"""How an alarm is called, on pages and in notices."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from foundation.audit.alarms import KINDS
from foundation.audit.models import Alarm


def title_of(alarm: Alarm) -> str | Promise:
    """What is wrong; the bare code of a kind that a newer release has declared."""
    kind = KINDS.get(alarm.code)
    return kind.title if kind else alarm.code


def subject_of(alarm: Alarm) -> str:
    """What it is about."""
    nouns = {
        "batch": _("Đợt chi %(id)s"),
        "bank": _("Ngân hàng %(id)s"),
        "unit": _("Đơn vị %(id)s"),
        "user": _("Cán bộ số %(id)s"),
        "account": _("Tài khoản số %(id)s"),
        "gateway_message": _("Bản tin số %(id)s"),
        "gateway": _("Cổng kết nối"),
        "trail": _("Nhật ký"),
        "process": _("Tiến trình %(id)s"),
        "table": _("Bảng %(id)s"),
        "job": _("Công việc số %(id)s"),
        "notices": _("Thông báo"),
        "watcher": _("Phép kiểm tra %(id)s"),
        "verification": _("Kiểm chứng"),
    }
    return nouns.get(alarm.subject_kind, f"{alarm.subject_kind} %(id)s") % {"id": alarm.subject_id}
