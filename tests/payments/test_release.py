"""From approved to being paid: authority is looked at again, money is set aside, and a day that has not come is waited for."""

from datetime import timedelta

import pytest

from foundation.users.models import RoleAssignment
from payments.errors import FundTooLow, InvalidMove
from payments.models import FundBalance
from payments.operations import release
from tests.factories import Office, approve, build_batch, make_entitled, make_office


def test_an_approver_who_was_relieved_before_the_start_holds_the_batch(office: Office) -> None:
    make_entitled(1)
    batch = approve(office, build_batch(office))
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    RoleAssignment.objects.filter(user=office.approver).update(valid_to=office.at().date() - timedelta(days=1))
    release.start_batch(batch_id=batch.pk, at=office.at())
    batch.refresh_from_db()
    assert (batch.state, batch.held_from) == ("HELD", "RESERVED")
    assert release.open_chunks() == 0


def test_an_approver_who_was_dismissed_does_not_count_either(office: Office) -> None:
    make_entitled(1)
    batch = approve(office, build_batch(office))
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    office.approver.is_active = False
    office.approver.save()
    release.start_batch(batch_id=batch.pk, at=office.at())
    batch.refresh_from_db()
    assert batch.state == "HELD"


def test_a_fund_that_holds_too_little_keeps_the_batch_waiting(db: None) -> None:
    office = make_office(money=649_999)
    make_entitled(1)
    batch = approve(office, build_batch(office))
    with pytest.raises(FundTooLow):
        release.reserve_batch(batch_id=batch.pk, at=office.at())
    batch.refresh_from_db()
    assert batch.state == "APPROVED"
    assert FundBalance.objects.get(fund=office.fund, account="FUNDING").balance == 649_999


def test_a_batch_waits_for_its_day(office: Office) -> None:
    make_entitled(1)
    batch = approve(office, build_batch(office, execution_date=office.at().date() + timedelta(days=2)))
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    with pytest.raises(InvalidMove):
        release.start_batch(batch_id=batch.pk, at=office.at())
    release.start_batch(batch_id=batch.pk, at=office.at() + timedelta(days=3))
    batch.refresh_from_db()
    assert batch.state == "DISPATCHING"
