"""Whoever traces looks, and does not act: every form of the portal, sent by an auditor, leaves every row as it was."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from foundation.users.roles import PERMISSIONS, Permission, Role
from payments.models import Transfer
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff
from tests.payments.helpers import read

pytestmark = pytest.mark.django_db

# What a reading writes, and what holds a session.
WRITTEN_BY_READING = (
    "audit_event",
    "privacy_data_access",
    "django_session",
    "users_user",
    "axes_",
    "mfa_",
    "account_",
)
# What is held beside looking, on purpose: an administrator stops a list, keeps users.
ACTS = {Role.AUDITOR: frozenset[Permission](), Role.ADMINISTRATOR: {Permission.HOLD_BATCH, Permission.MANAGE_USERS}}


def doors(patterns: Any, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Every page that stands behind a permission, with its address."""
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern.url_patterns, address)
        elif getattr(pattern.callback, "permission", None) is not None:
            yield address, pattern


def filled(address: str, pattern: URLPattern, transfer: Transfer) -> str:
    """The address with ids that are there, so that nothing is refused only because it is not found."""
    values = {"end_to_end_id": transfer.end_to_end_id, "int": str(transfer.batch_id)}
    for name, converter in pattern.pattern.converters.items():
        kind = "int" if type(converter).__name__ == "IntConverter" else name
        value = values.get(kind, "x")
        start = min(place for place in (address.find(f":{name}>"), address.find(f"<{name}>")) if place >= 0)
        start = address.rfind("<", 0, start + 1)
        address = address[:start] + value + address[address.index(">", start) + 1 :]
    return address


def rows() -> dict[str, str]:
    """A digest of every table that somebody's act would change."""
    tables = [name for (name,) in read("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    digests = {}
    for table in tables:
        if not table.startswith(WRITTEN_BY_READING):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")
                digests[table] = cursor.fetchone()[0]
    return digests


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_no_form_of_the_portal_lets_somebody_who_traces_change_a_row(
    client: Client, office: Office, role: Role
) -> None:
    make_entitled(2)
    batch = build_batch(office)
    transfer = Transfer.objects.first()
    assert transfer is not None
    client.force_login(make_staff(role, unit=None))
    client.raise_request_exception = False
    before = rows()
    tried = 0
    for address, pattern in doors(get_resolver().url_patterns):
        permission = pattern.callback.permission  # type: ignore[attr-defined]
        if permission in ACTS[role]:
            continue
        path = filled(address, pattern, transfer)
        answer = client.post(path, {"purpose": "Kiểm tra theo kế hoạch", "code": str(batch.pk), "reason": "Thử"})
        if permission not in PERMISSIONS[role]:
            assert answer.status_code in (403, 405), path
        else:
            assert answer.status_code < 500, path
        tried += 1
    assert tried > 10
    assert rows() == before
