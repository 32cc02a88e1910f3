"""The roof: settings, addresses, Celery, the first page, and the embedded servers."""

from welfare_portal.celery import app as celery_app

__all__ = ["celery_app"]
