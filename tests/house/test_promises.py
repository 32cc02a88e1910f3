"""Promises about people and accounts that docs/architecture.md makes, tried on the database itself."""

from itertools import product

import pytest
from django.db import IntegrityError, transaction

from beneficiaries.models import Payee, PayoutAccount
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import INCOMPATIBLE, Role
from tests.factories import ACB, VCB, make_account, make_person, make_staff

pytestmark = pytest.mark.django_db
SOMEBODY = "079185000001"
STAFF = [role for role in Role if role != Role.CITIZEN]


def give(role: Role, user: User) -> None:
    with transaction.atomic():
        RoleAssignment.objects.create(user=user, role=role, unit_id="26743", valid_from="2026-01-01")


class TestOneHumanNeverHoldsBothRolesOfAPair:
    @pytest.mark.parametrize(("held", "wanted"), [pair for pair in product(STAFF, STAFF) if pair[0] != pair[1]])
    def test_not_even_by_a_second_login(self, held: Role, wanted: Role) -> None:
        make_staff(held, person=SOMEBODY)
        second = User.objects.create_user(
            "second.login", person_fingerprint=User.objects.get().person_fingerprint, full_name="Một người"
        )
        if frozenset({held, wanted}) in INCOMPATIBLE:
            with pytest.raises(IntegrityError, match="role_assignment_compatible"):
                give(wanted, second)
        else:
            give(wanted, second)

    def test_but_two_humans_may(self) -> None:
        make_staff(Role.PREPARER, person=SOMEBODY)
        make_staff(Role.APPROVER, person="079185000002")

    def test_nor_by_changing_the_role_that_is_held(self) -> None:
        one = make_staff(Role.PREPARER, person=SOMEBODY)
        give(Role.ACCOUNTANT, one)
        with pytest.raises(IntegrityError, match="role_assignment_compatible"), transaction.atomic():
            RoleAssignment.objects.filter(user=one, role=Role.ACCOUNTANT).update(role=Role.APPROVER)


class TestAnAccount:
    @pytest.fixture
    def account(self) -> PayoutAccount:
        return make_account(Payee.objects.create(person=make_person()), number="0071000123456", bank=VCB)

    def test_has_one_holder_while_it_is_in_use(self, account: PayoutAccount) -> None:
        other = Payee.objects.create(person=make_person())
        with pytest.raises(IntegrityError, match="payout_account_one_holder"), transaction.atomic():
            make_account(other, number="0071000123456", bank=VCB)

    def test_is_another_one_at_another_bank(self, account: PayoutAccount) -> None:
        make_account(Payee.objects.create(person=make_person()), number="0071000123456", bank=ACB)

    def test_may_have_another_holder_once_it_has_ended(self, account: PayoutAccount) -> None:
        account.state = "REVOKED"
        account.save()
        make_account(Payee.objects.create(person=make_person()), number="0071000123456", bank=VCB)

    def test_is_the_payees_only_active_one(self, account: PayoutAccount) -> None:
        with pytest.raises(IntegrityError, match="payout_account_one_active"), transaction.atomic():
            make_account(account.payee, number="0071000999999", bank=VCB)

    def test_that_waits_has_its_next_look(self, account: PayoutAccount) -> None:
        waiting = make_account(account.payee, number="0071000999999", state="REQUESTED")
        with pytest.raises(IntegrityError, match="payout_account_waiting_is_due"), transaction.atomic():
            PayoutAccount.objects.filter(pk=waiting.pk).update(due_at=None)

    @pytest.mark.parametrize("change", [{"match_result": "REVIEW"}, {"match_result": "MISMATCH"}, {"holder_name": ""}])
    def test_is_not_used_on_a_near_match_that_nobody_judged(
        self, account: PayoutAccount, change: dict[str, str]
    ) -> None:
        with pytest.raises(IntegrityError, match=r"payout_account_(?:judged_by_somebody|active_is_proven)"):
            PayoutAccount.objects.filter(pk=account.pk).update(**change)

    def test_is_not_confirmed_by_whoever_asked_for_it(self, account: PayoutAccount) -> None:
        officer = make_staff(Role.APPROVER)
        with pytest.raises(IntegrityError, match="payout_account_second_person"):
            PayoutAccount.objects.filter(pk=account.pk).update(requested_by=officer, confirmed_by=officer)
