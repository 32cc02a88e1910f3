"""Foundation room: the one door to banks and VNeID."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    name = "foundation.gateway"
    label = "gateway"
    verbose_name = _("Cổng kết nối")
