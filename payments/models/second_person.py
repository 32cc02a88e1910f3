"""What one human writes down and another decides: the columns, and the check that the two are two."""

from django.db import models
from django.db.models import F, Q

from foundation.audit.clock import PortalNow


class RecordedThenDecided(models.Model):
    """A row that is RECORDED by one person; another one decides on it, and a refusal says why."""

    recorded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    recorded_by_person = models.BinaryField(max_length=32)
    recorded_at = models.DateTimeField(db_default=PortalNow())
    decided_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    decided_by_person = models.BinaryField(max_length=32, null=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        abstract = True


def decided_by_second_person(name: str) -> list[models.CheckConstraint]:
    """`<name>_decided_by_second_person` and `<name>_refusal_has_reason`."""
    return [
        models.CheckConstraint(
            name=f"{name}_decided_by_second_person",
            condition=Q(state="RECORDED", decided_by=None, decided_by_person=None, decided_at=None)
            | (
                ~Q(state="RECORDED")
                & Q(decided_by__isnull=False, decided_by_person__isnull=False, decided_at__isnull=False)
                & ~Q(decided_by_person=F("recorded_by_person"))
            ),
        ),
        models.CheckConstraint(
            name=f"{name}_refusal_has_reason", condition=~Q(state="REFUSED") | ~Q(decision_reason="")
        ),
    ]
