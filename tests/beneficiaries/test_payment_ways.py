"""How a payee wants to be paid: dated, never changed, written by an officer with a reason or by the ward's list."""

from datetime import timedelta
from typing import Any

import pytest

from beneficiaries import errors
from beneficiaries.models import Payee, PaymentWay
from beneficiaries.operations.ways import choose_way
from beneficiaries.queries.ways import holding_way
from beneficiaries.states import Delivery, Way
from foundation.audit.models import AuditEvent
from foundation.users.access import CITY_TIME
from foundation.users.roles import Role
from tests.factories import Office, make_entitled, make_office, make_staff
from tests.payments.helpers import at_once, kinds, refused

REASON = "Người nhận đề nghị tại quầy một cửa"


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


def choose(office: Office, payee: Payee, way: Way = Way.PAYMENT_SERVICE, **told: Any) -> PaymentWay:
    given = {"delivery": Delivery.HOME if way == Way.PAYMENT_SERVICE else "", "reason": REASON, "by": office.preparer}
    return choose_way(payee_id=payee.pk, way=way, at=office.at(), **(given | told))


class TestChoosingAWay:
    def test_is_a_row_from_today_with_who_and_why(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        chosen = choose(office, payee)
        assert (chosen.valid_from, chosen.recorded_by, chosen.reason) == (
            office.at().astimezone(CITY_TIME).date(),
            office.preparer,
            REASON,
        )
        event = AuditEvent.objects.get(kind="payee.way_chosen")
        assert (event.subject_id, event.payload["delivery"]) == (str(payee.pk), "HOME")

    def test_the_newest_row_that_has_begun_holds(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        today = office.at().astimezone(CITY_TIME).date()
        assert holding_way(payee=payee, day=today) is None
        choose(office, payee)
        newest = choose(office, payee, Way.WARD_CASH)
        assert holding_way(payee=payee, day=today) == newest
        assert holding_way(payee=payee, day=today - timedelta(days=1)) is None

    def test_what_holds_already_is_not_written_again(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        with pytest.raises(errors.SameWay):
            choose(office, payee, Way.USUAL)
        choose(office, payee)
        with pytest.raises(errors.SameWay):
            choose(office, payee)

    @pytest.mark.parametrize(
        "told",
        [
            {"delivery": ""},
            {"delivery": "DRONE"},
            {"delivery": Delivery.CARD},
            {"service_code": "KH0001"},
            {"way": Way.WARD_CASH, "delivery": Delivery.HOME},
        ],
    )
    def test_delivery_and_code_belong_to_their_way(self, office: Office, told: dict[str, Any]) -> None:
        (payee,) = make_entitled(1)
        with pytest.raises(errors.WrongWay):
            choose(office, payee, **told)
        assert not PaymentWay.objects.exists()

    def test_a_reason_that_nobody_can_follow_is_refused(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        with pytest.raises(errors.ReasonMissing):
            choose(office, payee, reason="đổi")
        with pytest.raises(errors.ReasonHoldsNumber):
            choose(office, payee, reason="Người nhận có số căn cước 079148000123")

    def test_it_is_for_the_wards_own_preparer(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        for by in (office.approver, office.accountant, make_staff(Role.PREPARER, unit="26740")):
            with pytest.raises(errors.NotInAuthority):
                choose(office, payee, by=by)

    def test_nobody_writes_down_his_own(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        officer = make_staff(Role.PREPARER)
        assert payee.person is not None
        officer.person_fingerprint = bytes(payee.person.national_id_index)
        officer.save()
        with pytest.raises(errors.OwnWay):
            choose(office, payee, by=officer)

    def test_two_officers_at_once_write_one_row(self, committed: None) -> None:
        office = make_office()
        (payee,) = make_entitled(1)
        assert kinds(at_once(*[lambda: choose(office, payee)] * 2)) == ["PAYMENT_SERVICE HOME", "SameWay"]


class TestTheDatabase:
    def test_changes_no_row(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        choose(office, payee)
        refused("UPDATE beneficiaries_payment_way SET way = 'USUAL', delivery = ''", by="permission denied")
        refused("DELETE FROM beneficiaries_payment_way", by="permission denied")

    @pytest.mark.parametrize(
        ("values", "rule"),
        [
            ("'PAYMENT_SERVICE', '', '', 'FILE', ''", "payment_way_delivery_of_service"),
            ("'USUAL', 'HOME', '', 'FILE', ''", "payment_way_delivery_of_service"),
            ("'PAYMENT_SERVICE', 'CARD', '', 'FILE', ''", "payment_way_card_has_code"),
            ("'PAYMENT_SERVICE', 'CARD', '9704366612345678', 'FILE', ''", "payment_way_service_code_form"),
            ("'WARD_CASH', '', '', 'OFFICER', ''", "payment_way_officer_says_why"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, office: Office, values: str, rule: str) -> None:
        (payee,) = make_entitled(1)
        refused(
            "INSERT INTO beneficiaries_payment_way (payee_id, valid_from, way, delivery, service_code, source, reason) "
            f"VALUES (%s, now(), {values})",
            payee.pk,
            by=rule,
        )
