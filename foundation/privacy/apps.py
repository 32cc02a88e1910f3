"""Foundation room: encryption, blind indexes and masking of personal data."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "foundation.privacy"
    label = "privacy"
    verbose_name = _("Bảo vệ dữ liệu")
