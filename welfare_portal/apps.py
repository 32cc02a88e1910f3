"""The roof as an application: its commands and its checks."""

from django.apps import AppConfig


class WelfarePortalConfig(AppConfig):
    name = "welfare_portal"

    def ready(self) -> None:
        """Register the checks."""
        from welfare_portal import checks  # noqa: F401
