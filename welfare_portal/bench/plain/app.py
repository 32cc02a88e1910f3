"""The Celery application of the plain way's workers, apart from the portal's."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "welfare_portal.settings")

app = Celery("plain")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(task_routes=None, beat_schedule={}, imports=("welfare_portal.bench.plain.tasks",))
