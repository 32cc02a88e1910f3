"""What may go wrong with payments, and the watchers that look for it in sets, one statement a kind.

Two rhythms: what is read from indexes and small tables each minute, what walks the chunks of open batches each ten minutes.
Kinds that are raised by the act that finds the trouble (a list that was altered) stand in `payments.alarms`; where such a trouble
has an end that the rows show, a watcher here ends the alarm.
"""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from foundation.audit.alarms import Severity, declare
from foundation.audit.watching import Watcher
from payments.alarms import PAYMENTS_STOPPED, RESTORED

REVIEW_WAITS = declare(
    "payments.review_waits",
    Severity.WARNING,
    _("Khoản chi chờ xem xét quá một ngày"),
    page="operations.md#alarm-payments-review-waits",
)
CHUNK_PARKED = declare(
    "payments.chunk_parked",
    Severity.WARNING,
    _("Gói chi dừng lại, chờ người quyết định"),
    page="operations.md#alarm-payments-chunk-parked",
)
UNKNOWN_LONG = declare(
    "payments.unknown_long",
    Severity.CRITICAL,
    _("Khoản chi chưa rõ kết quả đã quá một giờ"),
    page="operations.md#alarm-payments-unknown-long",
)
NOTHING_CLAIMED = declare(
    "payments.nothing_claimed",
    Severity.CRITICAL,
    _("Việc đến hạn mà không tiến trình nào nhận"),
    page="operations.md#alarm-payments-nothing-claimed",
)
FUND_TOO_LOW = declare(
    "payments.fund_too_low",
    Severity.WARNING,
    _("Nguồn không đủ tiền cho đợt đã duyệt"),
    page="operations.md#alarm-payments-fund-too-low",
)
SAME_PAIR = declare(
    "approvals.same_pair",
    Severity.NOTICE,
    _("Gần như luôn cùng một người trình và một người duyệt"),
    page="operations.md#alarm-approvals-same-pair",
)
LIMIT_REACHED = declare(
    "approvals.limit_reached",
    Severity.NOTICE,
    _("Người duyệt chạm hạn mức trong ngày"),
    page="operations.md#alarm-approvals-limit-reached",
)
DIFFERENCE_OVERDUE = declare(
    "difference.overdue",
    Severity.WARNING,
    _("Chênh lệch đối soát quá hạn"),
    page="operations.md#alarm-difference-overdue",
)
COOLING_BROKEN = declare(
    "accounts.cooling_broken",
    Severity.CRITICAL,
    _("Tài khoản mới được dùng trước khi hết thời gian an toàn"),
    page="operations.md#alarm-accounts-cooling-broken",
)

TOO_FAST = declare(
    "approvals.too_fast",
    Severity.WARNING,
    _("Duyệt nhanh đến mức không thể đã đọc danh sách"),
    page="operations.md#alarm-approvals-too-fast",
)
VERIFY_LATE = declare(
    "verify.late",
    Severity.CRITICAL,
    _("Lần kiểm chứng tốt gần nhất đã quá một ngày"),
    page="operations.md#alarm-verify-late",
)

UNCLAIMED_MINUTES = 10
VERIFY_HOURS = 26  # it runs once a day
FAST_DAYS = 7  # for so long a list approved too fast is shown to people
PAIR_SHARE, PAIR_LISTS, PAIR_DAYS = 80, 10, 90

# A line that came to people has its next look a day later; a chunk that is over holds none.
REVIEW = """
SELECT 'batch', b.id, coalesce(b.unit_id, ''),
       jsonb_build_object('payments', count(*), 'sum', sum(t.instructed_amount), 'since', min(t.due_at) - interval '1 day')
FROM payments_payout_batch b
JOIN payments_dispatch_chunk c ON c.batch_id = b.id AND c.state NOT IN ('PLANNED', 'DONE')
JOIN payments_transfer t ON t.chunk_id = c.id AND t.state = 'REVIEW' AND t.due_at <= portal_now()
WHERE b.state IN ('DISPATCHING', 'HELD', 'CANCELLING')
GROUP BY b.id
"""
PARKED = """
SELECT 'batch', b.id, coalesce(b.unit_id, ''), jsonb_build_object('chunks', count(*))
FROM payments_payout_batch b JOIN payments_dispatch_chunk c ON c.batch_id = b.id AND c.state = 'PARKED'
WHERE b.state IN ('DISPATCHING', 'HELD', 'CANCELLING')
GROUP BY b.id
"""
UNKNOWN = """
SELECT 'batch', b.id, coalesce(b.unit_id, ''),
       jsonb_build_object('payments', count(*), 'sum', sum(t.instructed_amount), 'since', min(t.first_sent_at))
FROM payments_payout_batch b
JOIN payments_dispatch_chunk c ON c.batch_id = b.id AND c.state IN ('INQUIRY', 'LEASED_INQUIRY', 'LEASED_SEND')
JOIN payments_transfer t ON t.chunk_id = c.id AND t.state = 'UNKNOWN' AND t.first_sent_at < portal_now() - interval '1 hour'
WHERE b.state IN ('DISPATCHING', 'HELD', 'CANCELLING')
GROUP BY b.id
"""
# Consumers have fallen silent after a lost connection before: what counts is not whether a process lives but whether work that is
# due is taken up. Chunks of banks that are closed or out of reach are put off, so they are not due; a held batch sends nothing.
UNCLAIMED = """
SELECT 'bank', c.creditor_agent, '',
       jsonb_build_object('chunks', count(*), 'since', min(c.due_at),
                          'last_claim', (SELECT tokens_at FROM gateway_bank_channel h WHERE h.bank_bin = c.creditor_agent))
FROM payments_dispatch_chunk c JOIN payments_payout_batch b ON b.id = c.batch_id
WHERE c.route = 'GATEWAY' AND c.state IN ('READY', 'INQUIRY')
  AND c.due_at < portal_now() - %(minutes)s * interval '1 minute'
  AND (b.state IN ('DISPATCHING', 'CANCELLING') OR b.state = 'HELD' AND c.state = 'INQUIRY')
GROUP BY c.creditor_agent
"""
TOO_LOW = """
SELECT 'batch', b.id, coalesce(b.unit_id, ''),
       jsonb_build_object('fund', b.fund_id, 'sum', b.control_sum, 'missing', b.control_sum - f.balance)
FROM payments_payout_batch b JOIN payments_fund_balance f ON f.fund_id = b.fund_id AND f.account = 'FUNDING'
WHERE b.state = 'APPROVED' AND f.balance < b.control_sum
"""
# Counted by human, not by login.
PAIR = """
WITH decided AS (
    SELECT coalesce(b.unit_id, '') AS unit, a.person_fingerprint AS approver, u.person_fingerprint AS submitter,
           max(a.decided_by_id) AS approver_id, max(u.id) AS submitter_id, count(*) AS lists
    FROM payments_approval a
    JOIN payments_payout_batch b ON b.id = a.batch_id
    JOIN users_user u ON u.id = b.submitted_by_id
    WHERE a.decision = 'APPROVED' AND a.decided_at > portal_now() - %(days)s * interval '1 day'
    GROUP BY 1, 2, 3
), shares AS (
    SELECT decided.*, sum(lists) OVER (PARTITION BY unit) AS of_unit FROM decided
)
SELECT 'unit', unit, unit,
       jsonb_build_object('approver', approver_id, 'submitter', submitter_id, 'lists', lists, 'of', of_unit)
FROM shares WHERE of_unit >= %(lists)s AND lists * 100 > of_unit * %(share)s
"""
# The shortest of: since the approver's page of this list was opened, since the list was there to be read, since the same human's
# approval of another list. What somebody has looked into and closed does not come again.
FAST = """
WITH decided AS (
    SELECT a.batch_id, coalesce(b.unit_id, '') AS unit, a.decided_by_id AS approver, a.decided_at,
           least(a.decided_at - a.opened_at, a.decided_at - b.submitted_at,
                 a.decided_at - lag(a.decided_at) OVER (PARTITION BY a.person_fingerprint ORDER BY a.decided_at, a.id)) AS took
    FROM payments_approval a JOIN payments_payout_batch b ON b.id = a.batch_id
    WHERE a.decision = 'APPROVED' AND a.decided_at > portal_now() - (%(days)s + 1) * interval '1 day'
)
SELECT DISTINCT ON (batch_id) 'batch', batch_id, unit,
       jsonb_build_object('approver', approver, 'seconds', floor(extract(epoch FROM took)))
FROM decided
WHERE took < %(seconds)s * interval '1 second' AND decided_at > portal_now() - %(days)s * interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM audit_alarm known WHERE known.code = %(code)s AND known.subject_kind = 'batch'
                  AND known.subject_id = batch_id::text AND known.closed_at IS NOT NULL)
ORDER BY batch_id, took
"""
# A portal that pays and has never verified is late too.
LATE = """
SELECT 'verification', 'verification', '',
       jsonb_build_object('last_good', good.at, 'last_run', good.last, 'broken', (
           SELECT broken FROM payments_verification_run ORDER BY id DESC LIMIT 1))
FROM (SELECT max(finished_at) FILTER (WHERE broken = 0) AS at, max(finished_at) AS last FROM payments_verification_run) AS good
WHERE coalesce(good.at, (SELECT min(started_at) FROM payments_payout_batch)) < portal_now() - %(hours)s * interval '1 hour'
"""
# The database refuses it (`payout_account_cools_off`), so this is somebody past its guards.
COOLED_TOO_SHORT = """
SELECT 'account', a.id, coalesce(m.unit_id, ''),
       jsonb_build_object('activated_at', a.activated_at, 'cooling_until', a.cooling_until)
FROM beneficiaries_payout_account a
JOIN beneficiaries_payee p ON p.id = a.payee_id LEFT JOIN beneficiaries_person m ON m.id = p.person_id
WHERE a.state = 'ACTIVE' AND a.cooling_until > a.activated_at
"""

OVERDUE = """
SELECT 'unit', coalesce(unit_id, 'city'), coalesce(unit_id, ''),
       jsonb_build_object('differences', count(*), 'oldest', (min(due_at) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
FROM payments_difference WHERE state = 'OPEN' AND due_at < portal_now() GROUP BY unit_id
"""
STOPPED = "SELECT 'stop', id, '', jsonb_build_object('reason', reason) FROM payments_stop WHERE resumed_at IS NULL"
RESTORING = """
SELECT 'restore', id, '', jsonb_build_object('known_until', known_until) FROM payments_restore WHERE ended_at IS NULL
"""

WATCHERS = (
    Watcher(PAYMENTS_STOPPED, STOPPED),
    Watcher(RESTORED, RESTORING),
    Watcher(NOTHING_CLAIMED, UNCLAIMED, lambda: {"minutes": UNCLAIMED_MINUTES}),
    Watcher(FUND_TOO_LOW, TOO_LOW),
)
SLOW_WATCHERS = (
    Watcher(REVIEW_WAITS, REVIEW),
    Watcher(CHUNK_PARKED, PARKED),
    Watcher(UNKNOWN_LONG, UNKNOWN),
    Watcher(SAME_PAIR, PAIR, lambda: {"days": PAIR_DAYS, "lists": PAIR_LISTS, "share": PAIR_SHARE}),
    Watcher(TOO_FAST, FAST, lambda: {"days": FAST_DAYS, "seconds": settings.APPROVAL_READING_SECONDS}),
    Watcher(VERIFY_LATE, LATE, lambda: {"hours": VERIFY_HOURS}),
    Watcher(COOLING_BROKEN, COOLED_TOO_SHORT),
    Watcher(DIFFERENCE_OVERDUE, OVERDUE),
)
