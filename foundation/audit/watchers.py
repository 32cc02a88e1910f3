"""What may go wrong with the trail, the regular work and the tables of months, and the watchers that look for it."""

from django.utils.translation import gettext_lazy as _

from foundation.audit.alarms import Severity, declare
from foundation.audit.watching import Watcher

SEALING_BEHIND = declare(
    "trail.sealing_behind",
    Severity.CRITICAL,
    _("Nhật ký chưa được niêm phong"),
    page="operations.md#alarm-trail-sealing-behind",
)
TRAIL_BROKEN = declare(
    "trail.broken",
    Severity.CRITICAL,
    _("Nhật ký không còn như lúc niêm phong"),
    page="operations.md#alarm-trail-broken",
)
MONTHS_MISSING = declare(
    "tables.months_missing",
    Severity.WARNING,
    _("Bảng theo tháng chưa được tạo cho tháng tới"),
    page="operations.md#alarm-tables-months-missing",
)
BEAT_SILENT = declare(
    "processes.beat_silent",
    Severity.CRITICAL,
    _("Bộ hẹn giờ không chạy"),
    page="operations.md#alarm-processes-beat-silent",
)
WORKERS_SILENT = declare(
    "processes.workers_silent",
    Severity.CRITICAL,
    _("Không tiến trình xử lý nào hoạt động"),
    page="operations.md#alarm-processes-workers-silent",
)
JOB_STUCK = declare(
    "jobs.stuck", Severity.WARNING, _("Công việc dài bị dừng hoặc lỗi"), page="operations.md#alarm-jobs-stuck"
)
UNSEALED = """
SELECT 'trail', 'trail', '', jsonb_build_object('events', count(*), 'since', min(e.at))
FROM audit_event e
WHERE e.id > coalesce((SELECT sealed_through FROM audit_tree_head ORDER BY size DESC LIMIT 1), 0)
  AND e.at < portal_now() - interval '5 minutes'
  AND NOT EXISTS (SELECT 1 FROM audit_sealed_event s WHERE s.event_id = e.id)
HAVING count(*) > 0
"""

# A row that came while its month was missing lies in the catch-all, and then the month cannot be made any more.
MISSING = """
SELECT 'table', parent::regclass::text, '', jsonb_build_object('month', to_char(month, 'YYYY-MM'))
FROM (SELECT partrelid AS parent FROM pg_partitioned_table) AS parents,
     LATERAL (SELECT date_trunc('month', portal_now() AT TIME ZONE 'UTC') + interval '1 month' AS month) AS coming
WHERE NOT EXISTS (
    SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent AND c.relname = format('%%s_%%s', parent::regclass::text, to_char(month, 'YYYY_MM')))
"""

# Beat's own word is written by the worker that it woke. A portal that has never had a beat (a fresh one) says nothing.
NO_BEAT = """
SELECT 'process', 'beat', '', jsonb_build_object('last_seen', max(at))
FROM audit_sign_of_life WHERE kind = 'BEAT' HAVING max(at) < portal_now() - interval '3 minutes'
"""
NO_WORKER = """
SELECT 'process', 'workers', '', jsonb_build_object('last_seen', max(at))
FROM audit_sign_of_life WHERE kind = 'WORKER' HAVING max(at) < portal_now() - interval '3 minutes'
"""

STUCK = """
SELECT 'job', id, '', jsonb_build_object('job', kind, 'state', state, 'about', subject_kind || ' ' || subject_id)
FROM audit_job
WHERE state IN ('WAITING', 'RUNNING') AND due_at < portal_now() - interval '30 minutes'
  AND coalesce(lease_until, due_at) < portal_now() - interval '5 minutes'
   OR state = 'FAILED' AND finished_at > portal_now() - interval '1 day'
ORDER BY id
"""

WATCHERS = (
    Watcher(SEALING_BEHIND, UNSEALED),
    Watcher(MONTHS_MISSING, MISSING),
    Watcher(BEAT_SILENT, NO_BEAT),
    Watcher(WORKERS_SILENT, NO_WORKER),
    Watcher(JOB_STUCK, STUCK),
)
