"""The Celery application and, in one list, everything that beat does.

A message only rings; what is to be done stands in the database. Losing Redis therefore costs at most one sweep.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "welfare_portal.settings")

app = Celery("welfare_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "look for work": {"task": "payments.tasks.tick", "schedule": settings.DISPATCH_SWEEP_INTERVAL},
    "keep house": {"task": "payments.tasks.housekeep", "schedule": 3600.0},
}
