"""What each verification of the books found, line by line: kept and never changed, so that nobody can make a red day green."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.protection import append_only


class VerificationRun(models.Model):
    """One run of `verify` over everything."""

    class Source(models.TextChoices):
        NONE = "NONE", _("không có sổ của cổng để so")
        LOG = "LOG", _("nhật ký ghi có của cổng")
        STATEMENT = "STATEMENT", _("sao kê của cổng")

    started_at = models.DateTimeField(_("bắt đầu"))
    finished_at = models.DateTimeField(_("kết thúc"), db_default=PortalNow())
    milliseconds = models.PositiveIntegerField()
    source = models.CharField(_("so với"), max_length=10, choices=Source)
    compared_until = models.DateField(
        null=True, help_text="of statements: the last day for which every account has one"
    )
    days_missing = models.PositiveIntegerField(
        default=0, db_default=0, help_text="days before that without a statement"
    )
    transfers = models.BigIntegerField(_("số khoản chi"))
    lines = models.PositiveSmallIntegerField()
    broken = models.PositiveSmallIntegerField(help_text="lines that do not hold")
    run_by = models.CharField(max_length=200, blank=True, help_text="empty: the system, by its timetable")

    class Meta:
        db_table = "payments_verification_run"
        constraints = [
            models.CheckConstraint(name="verification_run_counts", condition=Q(broken__lte=F("lines"), lines__gte=1)),
            models.CheckConstraint(
                name="verification_run_statements_until_a_day",
                condition=Q(source="STATEMENT", compared_until__isnull=False)
                | ~Q(source="STATEMENT") & Q(compared_until=None, days_missing=0),
            ),
        ]
        triggers = append_only("payments_verification_run")
        verbose_name = _("lần kiểm chứng")
        verbose_name_plural = _("lần kiểm chứng")

    def __str__(self) -> str:
        return f"{self.started_at}: {self.broken}/{self.lines}"

    @property
    def seconds(self) -> int:
        """How long it took, rounded up."""
        return -(-self.milliseconds // 1000)

    @property
    def against(self) -> str:
        """What it was compared with, and until when."""
        return against(source=self.source, until=self.compared_until, days_missing=self.days_missing)


def against(*, source: str, until: date | None, days_missing: int) -> str:
    """What a verification was compared with, in words: what is not said to be compared was not."""
    said = str(VerificationRun.Source(source).label)
    if until is not None:
        said = gettext("%(book)s đến hết ngày %(day)s") % {"book": said, "day": f"{until:%d/%m/%Y}"}
    if days_missing:
        missing = ngettext(
            "%(count)d ngày thiếu sao kê chưa so", "%(count)d ngày thiếu sao kê chưa so", days_missing
        ) % {"count": days_missing}
        said = f"{said}; {missing}"
    return said


class VerificationResult(models.Model):
    """One line of a run."""

    class Outcome(models.TextChoices):
        HOLDS = "HOLDS", _("Đúng")
        BROKEN = "BROKEN", _("Sai")
        NOT_COMPARED = "NOT_COMPARED", _("Chưa so với cổng")

    run = models.ForeignKey(VerificationRun, on_delete=models.PROTECT, related_name="results", db_index=False)
    code = models.CharField(max_length=4)
    outcome = models.CharField(max_length=12, choices=Outcome)
    checked = models.BigIntegerField()
    broken = models.BigIntegerField()
    finding = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField()

    class Meta:
        db_table = "payments_verification_result"
        constraints = [
            models.UniqueConstraint(name="verification_result_once", fields=["run", "code"]),
            models.CheckConstraint(
                name="verification_result_broken_is_told",
                condition=Q(outcome="BROKEN", broken__gte=1) & ~Q(finding="")
                | ~Q(outcome="BROKEN") & Q(broken=0, finding=""),
            ),
        ]
        triggers = append_only("payments_verification_result")
        verbose_name = _("kết quả kiểm chứng")
        verbose_name_plural = _("kết quả kiểm chứng")

    def __str__(self) -> str:
        return f"{self.code} {self.outcome}"
