"""Beneficiaries: who is owed what, and where it is paid."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BeneficiariesConfig(AppConfig):
    name = "beneficiaries"
    verbose_name = _("Người thụ hưởng")
