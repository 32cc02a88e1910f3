"""Who may sign in to the demonstration, and where its list lies."""

import json
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand
from rich.console import Console
from rich.table import Table

from foundation.reference.models import Unit
from welfare_portal.demo.bank import ControlledGateway
from welfare_portal.demo.citizens import CITIZENS
from welfare_portal.demo.seed import LIST_NAME, PASSWORD, STAFF, listed_people


class Command(BaseCommand):
    """`manage.py show_demo`."""

    help = "Prints the demo staff and the demo citizens."

    def handle(self, *args: Any, **options: Any) -> None:
        """Open the list's accounts at the mocked banks, then print who is who."""
        if not settings.DEMO:
            return
        ControlledGateway().open_accounts(listed_people())
        console = Console(width=118)  # a password is never cut off
        staff = Table("Tên đăng nhập", "Mật khẩu", "Họ và tên", "Vai trò", "Nơi làm việc", title="Cán bộ")
        units = dict(Unit.objects.values_list("code", "name"))
        for officer in STAFF:
            place = f"Phường {units[officer.unit_code]}" if officer.unit_code else "Toàn thành phố"
            staff.add_row(officer.username, PASSWORD, officer.full_name, str(officer.role.label), place)
        console.print(staff)
        people = json.loads(CITIZENS.read_text(encoding="utf-8"))
        citizens = Table("Số định danh", "Họ và tên", "Mức", "Mã PIN", title="Công dân (VNeID mô phỏng)")
        for person in people["citizens"] if isinstance(people, dict) else people:
            citizens.add_row(
                str(person["national_id"]),
                str(person["name"]),
                str(person.get("eid_level", person.get("level", ""))),
                str(person.get("passcode", "")),
            )
        console.print(citizens)
        console.print(f"Danh sách mẫu để nhập: var/demo/{LIST_NAME}\n")
