"""Whoever changes the trail past every guard is found by the nightly check, and it is seen where people look."""

from typing import Any

from django.test import Client
from django.urls import reverse

from foundation.audit.operations import SYSTEM, record_event
from foundation.audit.sealing import seal_events
from foundation.users.models import User
from foundation.users.roles import Role
from tests.factories import make_staff
from tests.payments.helpers import as_criminal
from welfare_portal.watching import check_trail


def text(user: User, name: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse(name)).content.decode()


def test_whoever_meddles_with_the_trail_is_found_by_the_nightly_check(committed: None, superuser: Any) -> None:
    admin = make_staff(Role.ADMINISTRATOR, unit=None)
    record_event(kind="test.happened", actor=SYSTEM, subject_kind="test", subject_id=1)
    seal_events()
    assert as_criminal(superuser, "UPDATE audit_event SET subject_id = '2' WHERE kind = 'test.happened'") == 1
    assert not check_trail().holds
    assert "Nhật ký không còn như lúc niêm phong" in text(admin, "staff-home")
    assert "không khớp" in text(admin, "system-status")
