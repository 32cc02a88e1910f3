"""The roof as an application: its commands and its checks."""

from django.apps import AppConfig


class WelfarePortalConfig(AppConfig):
    name = "welfare_portal"
