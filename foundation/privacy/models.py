"""The log of who read which citizen's numbers, when and what for: values only, never changed, never what was read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.protection import append_only


class DataAccess(models.Model):
    """One reading of personal data in full. Holds no foreign keys: it outlives the accounts and persons it names."""

    at = models.DateTimeField(_("lúc"), db_default=PortalNow())
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(_("người xem"), max_length=200)
    role = models.CharField(_("vai trò"), max_length=40, blank=True)
    subject_kind = models.CharField(_("loại đối tượng"), max_length=40)
    subject_id = models.CharField(_("đối tượng"), max_length=40)
    fields = ArrayField(models.CharField(max_length=40), verbose_name=_("dữ liệu đã xem"))
    purpose = models.CharField(_("mục đích"), max_length=200)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "privacy_data_access"
        constraints = [
            models.CheckConstraint(name="data_access_names_fields", condition=Q(fields__len__gt=0)),
            models.CheckConstraint(name="data_access_has_purpose", condition=~Q(purpose="")),
        ]
        indexes = [
            models.Index(name="data_access_subject", fields=["subject_kind", "subject_id", "id"]),
            models.Index(name="data_access_actor", fields=["actor_id", "id"]),
        ]
        triggers = append_only("privacy_data_access")
        verbose_name = _("lượt xem dữ liệu cá nhân")
        verbose_name_plural = _("lượt xem dữ liệu cá nhân")

    def __str__(self) -> str:
        return f"{self.actor_label}: {self.subject_kind} {self.subject_id}"
