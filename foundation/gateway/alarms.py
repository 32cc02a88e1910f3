"""What may go wrong with the gateway, the banks' channels, the inbox and the notices; and the watchers that look for it."""

from django.utils.translation import gettext_lazy as _

from foundation.audit.alarms import Severity, declare
from foundation.audit.watching import Watcher
from foundation.gateway.channels import WHOLE_GATEWAY

BANK_DOWN = declare(
    "gateway.bank_down",
    Severity.WARNING,
    _("Ngân hàng không nhận lệnh đã lâu"),
    page="operations.md#alarm-gateway-bank-down",
)
UNREACHABLE = declare(
    "gateway.unreachable",
    Severity.CRITICAL,
    _("Không kết nối được với cổng ngân hàng"),
    page="operations.md#alarm-gateway-unreachable",
)
FORGED = declare(
    "gateway.callbacks_forged",
    Severity.CRITICAL,
    _("Nhiều bản tin có chữ ký sai"),
    page="operations.md#alarm-gateway-callbacks-forged",
)
MESSAGE_CONFLICT = declare(
    "gateway.message_conflict",
    Severity.CRITICAL,
    _("Cùng mã bản tin, nội dung khác"),
    page="operations.md#alarm-gateway-message-conflict",
)
QUARANTINED = declare(
    "gateway.messages_quarantined",
    Severity.WARNING,
    _("Bản tin chờ người xem xét"),
    page="operations.md#alarm-gateway-messages-quarantined",
)
INBOX_BEHIND = declare(
    "gateway.inbox_behind",
    Severity.WARNING,
    _("Bản tin nhận đã lâu chưa xử lý"),
    page="operations.md#alarm-gateway-inbox-behind",
)
FOREIGN_IDS = declare(
    "gateway.foreign_ids",
    Severity.CRITICAL,
    _("Trả lời của cổng có mã giao dịch lạ"),
    page="operations.md#alarm-gateway-foreign-ids",
)
CLOCK_SKEW = declare(
    "gateway.clock_skew",
    Severity.WARNING,
    _("Đồng hồ lệch với cổng hơn một phút"),
    page="operations.md#alarm-gateway-clock-skew",
)
NOTICES_BEHIND = declare(
    "notices.behind",
    Severity.WARNING,
    _("Thông báo chưa gửi được"),
    page="operations.md#alarm-notices-behind",
)

DOWN_MINUTES = 15
UNREACHABLE_MINUTES = 2
FORGED_IN_FIVE_MINUTES = 20

DOWN = """
SELECT 'bank', bank_bin, '', jsonb_build_object('since', opened_at, 'failures', failures, 'retry_at', retry_at)
FROM gateway_bank_channel
WHERE state <> 'CLOSED' AND bank_bin <> %(whole)s AND opened_at < portal_now() - %(minutes)s * interval '1 minute'
"""
GATEWAY_DOWN = """
SELECT 'gateway', 'gateway', '', jsonb_build_object('since', opened_at, 'failures', failures, 'retry_at', retry_at)
FROM gateway_bank_channel
WHERE state <> 'CLOSED' AND bank_bin = %(whole)s AND opened_at < portal_now() - %(minutes)s * interval '1 minute'
"""
REFUSED_LATELY = """
SELECT 'gateway', 'callbacks', '', jsonb_build_object('refused', sum(count), 'minutes', 5)
FROM gateway_refused_callbacks WHERE minute > portal_now() - interval '5 minutes'
HAVING sum(count) >= %(most)s
"""
SET_ASIDE = """
SELECT 'gateway', 'inbox', '', jsonb_build_object('messages', count(*), 'since', min(received_at))
FROM gateway_message WHERE state = 'QUARANTINED' HAVING count(*) > 0
"""
NOT_APPLIED = """
SELECT 'gateway', 'inbox', '', jsonb_build_object('messages', count(*), 'since', min(received_at))
FROM gateway_message WHERE state = 'RECEIVED' AND received_at < portal_now() - interval '15 minutes' HAVING count(*) > 0
"""
# What was given up in the last day, and what should have left an hour ago. Whoever has no e-ID reads here or hears at the ward.
NOT_TOLD = """
SELECT 'notices', lower(channel), '',
       jsonb_build_object('given_up', count(*) FILTER (WHERE state = 'GIVEN_UP'),
                          'waiting', count(*) FILTER (WHERE state <> 'GIVEN_UP'), 'since', min(created_at))
FROM gateway_notice
WHERE state IN ('WAITING', 'FAILED') AND created_at < portal_now() - interval '1 hour'
   OR state = 'GIVEN_UP' AND outcome <> 'NO_EID' AND ended_at > portal_now() - interval '1 day'
GROUP BY channel
"""

WATCHERS = (
    Watcher(BANK_DOWN, DOWN, lambda: {"whole": WHOLE_GATEWAY, "minutes": DOWN_MINUTES}),
    Watcher(UNREACHABLE, GATEWAY_DOWN, lambda: {"whole": WHOLE_GATEWAY, "minutes": UNREACHABLE_MINUTES}),
    Watcher(FORGED, REFUSED_LATELY, lambda: {"most": FORGED_IN_FIVE_MINUTES}),
    Watcher(QUARANTINED, SET_ASIDE),
    Watcher(INBOX_BEHIND, NOT_APPLIED),
    Watcher(NOTICES_BEHIND, NOT_TOLD),
)

# Raised by each answer that shows it; over when answers have shown it no more for so long.
FADING = ((CLOCK_SKEW, 30),)
