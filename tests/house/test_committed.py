"""Tests that really commit leave nothing to those after them."""

from typing import Any

from django.db import connection

from foundation.reference.models import Bank, Neighbourhood
from tests.conftest import real_commits
from tests.factories import ACB, WARD, make_person


def test_what_a_test_committed_is_gone_and_what_it_changed_is_as_before(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    for _ in range(2):
        with real_commits(django_db_blocker):
            assert Bank.objects.get(bin=ACB).by_gateway
            assert not Neighbourhood.objects.exists()
            assert make_person("Nguyễn Văn Hai").pk == 1
            Bank.objects.filter(bin=ACB).update(by_gateway=False)
            Neighbourhood.objects.create(unit_id=WARD, name="Khu phố 3", kind="KHU_PHO")
    with django_db_blocker.unblock():
        assert Bank.objects.get(bin=ACB).by_gateway
        connection.close()
