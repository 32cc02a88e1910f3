"""The Celery application; what beat does stands in one list, CELERY_BEAT_SCHEDULE in the settings.

A message only rings; what is to be done stands in the database. Losing Redis therefore costs at most one sweep.
"""

import os
from typing import Any

import structlog
from celery import Celery, Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "welfare_portal.settings")

log = structlog.get_logger(__name__)


class SteadyTask(Task[Any, Any]):
    """A task that outlives its memory: in Celery 5.7.0 a MemoryError of one task ends the whole worker (celery#10462).

    What the task held in the database is given up by its lease, as after any other loss of a worker.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run; when the memory ends, let go of everything and wait for the next bell."""
        try:
            return super().__call__(*args, **kwargs)
        except MemoryError:
            log.critical("out of memory", task=self.name)


app = Celery("welfare_portal", task_cls=SteadyTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
