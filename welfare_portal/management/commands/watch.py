"""One round of the watchers, for a cron of the machine: it also notices that beat or the workers are silent."""

from typing import Any

from django.core.management import BaseCommand

from foundation.audit.models import Alarm
from welfare_portal import watching


class Command(BaseCommand):
    """`manage.py watch`."""

    help = "Looks for trouble, tells people of what is new; exit code 1 while something critical is open."

    def handle(self, *args: Any, **options: Any) -> None:
        """Watch, tell, and list what is open."""
        blind = watching.watch(thoroughly=True)
        watching.tell_of_alarms()
        critical = 0
        for alarm in Alarm.objects.filter(closed_at=None).order_by("id"):
            critical += alarm.severity == Alarm.Severity.CRITICAL
            self.stdout.write(f"{alarm.severity} {alarm.code} {alarm.subject_kind} {alarm.subject_id}")
        for code in blind:
            self.stdout.write(f"cannot look: {code}")
        if critical or blind:
            raise SystemExit(1)
