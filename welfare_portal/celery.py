"""The Celery application; what beat does stands in one list, CELERY_BEAT_SCHEDULE in the settings.

A message only rings; what is to be done stands in the database. Losing Redis therefore costs at most one sweep.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "welfare_portal.settings")

app = Celery("welfare_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
