"""The trail: what happened (AuditEvent, append-only), the seal over it, what is going on (Job), and what is wrong (Alarm).

Audit rows hold values, not foreign keys: they outlive what they speak of.
"""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns
from foundation.audit.protection import append_only


class GenerateUuid(models.Func):
    """PostgreSQL's random UUID: 122 bits that keep a sealed leaf from being guessed."""

    function = "gen_random_uuid"
    template = "%(function)s()"
    output_field = models.UUIDField()


class AuditEvent(models.Model):
    """One thing that happened, said once. Events of a chunk stand for its transfers.

    The table is partitioned by month of `at`; the database's primary key is (id, at).
    """

    class ActorKind(models.TextChoices):
        STAFF = "STAFF", _("Cán bộ")
        CITIZEN = "CITIZEN", _("Công dân")
        SYSTEM = "SYSTEM", _("Hệ thống")
        GATEWAY = "GATEWAY", _("Cổng kết nối")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=PortalNow())
    kind = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=200, blank=True)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    payload = models.JSONField(default=dict)
    version = models.PositiveSmallIntegerField(default=1, help_text="form of the canonical text that is sealed")
    salt = models.UUIDField(db_default=GenerateUuid(), editable=False)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "audit_event"
        indexes = [models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_event_subject")]
        triggers = append_only("audit_event")
        verbose_name = _("sự kiện")
        verbose_name_plural = _("nhật ký")

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_kind} {self.subject_id}"


class SealedEvent(models.Model):
    """The place of one event in the tree: a dense index, given to events in the order in which they were found committed.

    Holds the event's leaf hash, so that an event that is changed or taken away is missed.
    """

    tree_index = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    event_at = models.DateTimeField()
    leaf = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_sealed_event"
        triggers = [
            *append_only("audit_sealed_event"),
            # I-29: no gap and no second place. The first index follows the last one of all before.
            pgtrigger.Trigger(
                name="sealed_event_without_gap",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("first", "bigint"), ("last", "bigint"), ("places", "bigint")],
                func="""
                    SELECT min(tree_index), max(tree_index), count(*) INTO first, last, places FROM added;
                    IF places > 0 AND (last - first + 1 <> places OR first <> coalesce(
                        (SELECT max(tree_index) + 1 FROM audit_sealed_event WHERE tree_index < first), 0))
                    THEN
                        RAISE EXCEPTION 'sealed_event_without_gap: % to %', first, last USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("sự kiện đã niêm phong")
        verbose_name_plural = _("sự kiện đã niêm phong")

    def __str__(self) -> str:
        return f"{self.tree_index}"


class TreeHead(models.Model):
    """The head of the tree over the first `size` events, signed; each one extends the one before."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    frontier = ArrayField(models.BinaryField(max_length=32), help_text="heads of the complete subtrees, largest first")
    previous_size = models.BigIntegerField(unique=True)
    sealed_through = models.BigIntegerField(help_text="no event up to this id is looked for again")
    at = models.DateTimeField()
    key_id = models.CharField(max_length=20)
    signature = models.BinaryField(max_length=64)

    class Meta:
        db_table = "audit_tree_head"
        constraints = [
            models.CheckConstraint(
                name="tree_head_grows", condition=Q(size__gt=models.F("previous_size"), previous_size__gte=0)
            ),
        ]
        triggers = [
            *append_only("audit_tree_head"),
            pgtrigger.Trigger(
                name="tree_head_follows_the_last",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.previous_size <> coalesce((SELECT max(size) FROM audit_tree_head), 0)
                       OR NEW.size <> coalesce((SELECT max(tree_index) + 1 FROM audit_sealed_event), 0)
                    THEN
                        RAISE EXCEPTION 'tree_head_follows_the_last: %', NEW.size USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("gốc niêm phong")
        verbose_name_plural = _("gốc niêm phong")

    def __str__(self) -> str:
        return f"{self.size}: {bytes(self.root).hex()}"


class Job(models.Model):
    """A long piece of work that can be left and taken up again: its order, its progress and its end in one row."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("Đang chờ")
        RUNNING = "RUNNING", _("Đang chạy")
        DONE = "DONE", _("Xong")
        FAILED = "FAILED", _("Lỗi")

    kind = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, help_text="not known before the first look")
    cursor = models.JSONField(default=dict, help_text="where the next worker goes on")
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=PortalNow())
    error = models.CharField(max_length=500, blank=True)
    created_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=PortalNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_job"
        constraints = [
            models.CheckConstraint(
                name="job_done_within_total", condition=Q(total=None) | Q(done__lte=models.F("total"))
            ),
            models.CheckConstraint(
                name="job_finished_when_ended",
                condition=Q(state__in=["DONE", "FAILED"], finished_at__isnull=False)
                | Q(state__in=["WAITING", "RUNNING"], finished_at=None),
            ),
            models.UniqueConstraint(
                name="job_one_open_per_subject",
                fields=["kind", "subject_kind", "subject_id"],
                condition=Q(state__in=["WAITING", "RUNNING"]),
            ),
        ]
        indexes = [
            models.Index(name="job_due", fields=["due_at"], condition=Q(state__in=["WAITING", "RUNNING"])),
        ]
        verbose_name = _("công việc")
        verbose_name_plural = _("công việc")

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_kind} {self.subject_id}: {self.done}/{self.total}"


class Alarm(models.Model):
    """Something that people must look at; while it is open, the same trouble with the same subject is counted, not raised anew.

    What each code means, how bad it is and which page of the docs says what to do, stands in `foundation.audit.alarms`.
    """

    class Severity(models.TextChoices):
        NOTICE = "NOTICE", _("Cần biết")
        WARNING = "WARNING", _("Cần xem sớm")
        CRITICAL = "CRITICAL", _("Xử lý ngay")

    code = models.CharField(max_length=60)
    severity = models.CharField(max_length=8, choices=Severity)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    unit_code = models.CharField(max_length=5, blank=True, help_text="ward whose matter it is; empty: the city's")
    details = models.JSONField(default=dict, help_text="facts of the last time; never a personal number")
    times = models.PositiveIntegerField(default=1, db_default=1)
    raised_at = models.DateTimeField(db_default=PortalNow())
    told_at = models.DateTimeField(null=True, help_text="when notices of it were written")
    last_seen_at = models.DateTimeField(db_default=PortalNow())
    owner_id = models.BigIntegerField(null=True, help_text="user who takes care of it")
    owner_label = models.CharField(max_length=200, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    closed_by_id = models.BigIntegerField(null=True)
    closed_by_label = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True)
    closing_note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "audit_alarm"
        constraints = [
            models.UniqueConstraint(
                name="alarm_one_open_per_subject",
                fields=["code", "subject_kind", "subject_id"],
                condition=Q(closed_at=None),
            ),
            models.CheckConstraint(
                name="alarm_acknowledged_by_somebody",
                condition=Q(owner_id=None, acknowledged_at=None)
                | Q(owner_id__isnull=False, acknowledged_at__isnull=False),
            ),
            models.CheckConstraint(
                name="alarm_closed_with_a_word",
                condition=Q(closed_at=None, closed_by_id=None, closing_note="")
                | Q(closed_at__isnull=False) & ~Q(closing_note=""),
            ),
        ]
        indexes = [
            models.Index(name="alarm_open", fields=["-id"], condition=Q(closed_at=None)),
            models.Index(name="alarm_untold", fields=["id"], condition=Q(told_at=None)),
        ]
        triggers = [
            pgtrigger.Protect(name="alarm_kept", operation=pgtrigger.Delete),
            frozen_columns("alarm", ["code", "severity", "subject_kind", "subject_id", "unit_code", "raised_at"]),
            pgtrigger.Trigger(
                name="alarm_closed_for_good",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.closed_at IS NOT NULL"),
                func="RAISE EXCEPTION 'alarm_closed_for_good: %', OLD.id USING ERRCODE = 'check_violation';",
            ),
        ]
        verbose_name = _("cảnh báo")
        verbose_name_plural = _("cảnh báo")

    def __str__(self) -> str:
        return f"{self.code} {self.subject_kind} {self.subject_id}"

    @property
    def is_open(self) -> bool:
        """Whether the trouble is still there, as far as anybody knows."""
        return self.closed_at is None

    @property
    def ended_by_itself(self) -> bool:
        """Whether a watcher closed it, because the trouble was gone."""
        return self.closed_at is not None and self.closed_by_id is None


class SignOfLife(models.Model):
    """When a process, or a piece of regular work, was last seen at it. A row a name, overwritten."""

    class Kind(models.TextChoices):
        BEAT = "BEAT", _("Bộ hẹn giờ")
        WORKER = "WORKER", _("Tiến trình xử lý")
        TRAIL_CHECK = "TRAIL_CHECK", _("Kiểm tra nhật ký")

    name = models.CharField(max_length=100, primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField(db_default=PortalNow())
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "audit_sign_of_life"
        verbose_name = _("dấu hiệu hoạt động")
        verbose_name_plural = _("dấu hiệu hoạt động")

    def __str__(self) -> str:
        return f"{self.name}: {self.at}"
