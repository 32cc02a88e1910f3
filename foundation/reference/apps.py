"""Foundation room: units, banks, programmes' code tables; city/ holds what is Ho Chi Minh City's own."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReferenceConfig(AppConfig):
    name = "foundation.reference"
    label = "reference"
    verbose_name = _("Danh mục dùng chung")
