"""Foundation room: who may do what, where and when."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    name = "foundation.users"
    label = "users"
    verbose_name = _("Người dùng")
