"""Officers judge near names: who may, what follows, and what the trail keeps."""

import pytest

from beneficiaries import errors
from beneficiaries.models import Payee, PayoutAccount, Person, RegisterImport
from beneficiaries.operations import accounts, review
from beneficiaries.queries.accounts import (
    account_summary,
    accounts_in_review,
    accounts_of_person,
    accounts_to_confirm,
)
from beneficiaries.queries.confirming import accounts_by_unit
from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.importing import SAI_GON
from tests.beneficiaries.registering import NEAR, NUMBER, OTHER, Citizen, make_citizen
from tests.factories import PERIOD, WARD, make_account, make_person, make_staff

pytestmark = pytest.mark.django_db
REASON = "Đã đối chiếu căn cước tại phường"


@pytest.fixture
def officer() -> User:
    return make_staff(Role.APPROVER)


@pytest.fixture
def citizen() -> Citizen:
    return make_citizen()


def accept(account: PayoutAccount, by: User, reason: str = REASON) -> PayoutAccount:
    return review.accept_near_match(account_id=account.pk, reason=reason, by=by, at=clock.now())


def refuse(account: PayoutAccount, by: User, reason: str = REASON) -> PayoutAccount:
    return review.refuse_account(account_id=account.pk, reason=reason, by=by, at=clock.now())


def listed(
    person: Person, number: str, state: str = "ACCOUNT_CHECKED", requested_by: User | None = None
) -> PayoutAccount:
    """An account from a ward's list, as far as `state`."""
    payee, _ = Payee.objects.get_or_create(person=person)
    account = make_account(payee, number=number, state="REQUESTED")
    PayoutAccount.objects.filter(pk=account.pk).delete()
    account.source, account.requested_by = "FILE", requested_by
    account.save(force_insert=True)
    account.state = state
    account.save()
    return account


class TestAccept:
    def test_takes_the_first_account_into_use(self, citizen: Citizen, officer: User) -> None:
        account = accept(citizen.register(at=NEAR), officer)
        account.refresh_from_db()
        assert (account.state, account.confirmed_by, account.due_at) == ("ACTIVE", officer, None)

    def test_lets_one_cool_that_replaces_another(self, citizen: Citizen, officer: User) -> None:
        old = citizen.register()
        account = accept(citizen.register(OTHER, at=NEAR), officer)
        assert (account.state, account.replaces) == ("COOLING", old)

    def test_gives_a_suspended_number_back_to_use(self, citizen: Citizen, officer: User) -> None:
        old = citizen.register()
        PayoutAccount.objects.filter(pk=old.pk).update(state="SUSPENDED")
        account = accept(citizen.register(), officer)
        old.refresh_from_db()
        assert (old.state, account.state) == ("SUPERSEDED", "ACTIVE")

    def test_is_told_with_the_reason(self, citizen: Citizen, officer: User) -> None:
        account = accept(citizen.register(at=NEAR), officer, f"  {REASON}\n ")
        event = AuditEvent.objects.get(kind="account.near_match_accepted")
        assert (event.actor_id, event.subject_id) == (officer.pk, str(account.pk))
        assert event.payload == {"reason": REASON, "state": "ACTIVE", "match": "REVIEW", "source": "SELF"}

    def test_is_refused_where_somebody_else_is_paid_there_by_now(self, citizen: Citizen, officer: User) -> None:
        account = citizen.register(at=NEAR)
        make_citizen().register()
        with pytest.raises(errors.AccountTaken):
            accept(account, officer)
        account.refresh_from_db()
        assert (account.state, account.confirmed_by) == ("REVIEW", None)

    def test_needs_an_account_under_review(self, citizen: Citizen, officer: User) -> None:
        account = citizen.register()
        with pytest.raises(errors.InvalidMove):
            accept(account, officer)
        with pytest.raises(errors.InvalidMove):
            accept(listed(make_person(), OTHER), officer)


class TestRefuse:
    def test_ends_it_and_sends_the_citizen_to_the_ward(self, citizen: Citizen, officer: User) -> None:
        account = refuse(citizen.register(at=NEAR), officer)
        account.refresh_from_db()
        assert (account.state, account.refusal_code, account.due_at) == ("REFUSED", "OFFICER", None)
        assert AuditEvent.objects.get(kind="account.refused_by_officer").payload["reason"] == REASON

    def test_works_for_one_from_a_list_too(self, officer: User) -> None:
        assert refuse(listed(make_person(), NUMBER), officer).state == "REFUSED"

    def test_does_not_work_for_one_in_use(self, citizen: Citizen, officer: User) -> None:
        with pytest.raises(errors.InvalidMove):
            refuse(citizen.register(), officer)


@pytest.mark.parametrize("judge", [accept, refuse])
class TestWhoMay:
    @pytest.mark.parametrize(
        "role", [Role.PREPARER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMINISTRATOR, Role.ASSISTANT]
    )
    def test_only_whoever_confirms_accounts(self, citizen: Citizen, judge: object, role: Role) -> None:
        account = citizen.register(at=NEAR)
        with pytest.raises(errors.NotInAuthority):
            judge(account, make_staff(role))  # type: ignore[operator]

    def test_only_in_the_unit_where_the_person_lives(self, citizen: Citizen, judge: object) -> None:
        account = citizen.register(at=NEAR)
        with pytest.raises(errors.NotInAuthority):
            judge(account, make_staff(Role.APPROVER, unit=SAI_GON))  # type: ignore[operator]
        judge(account, make_staff(Role.APPROVER, unit=None))  # type: ignore[operator]

    def test_never_the_officers_own(self, judge: object) -> None:
        """Counted as a human: he registered it as a citizen, under another login."""
        number = "079180000777"
        account = make_citizen(national_id=number).register(at=NEAR)
        with pytest.raises(errors.OwnAccount):
            judge(account, make_staff(Role.APPROVER, person=number))  # type: ignore[operator]

    def test_never_one_that_the_officer_brought(self, judge: object, officer: User) -> None:
        first = make_staff(Role.ACCOUNTANT)
        User.objects.filter(pk=first.pk).update(person_fingerprint=officer.person_fingerprint)
        for number, brought_by in ((NUMBER, officer), (OTHER, first)):
            account = listed(make_person(), number, state="REVIEW", requested_by=brought_by)
            with pytest.raises(errors.OwnAccount):
                judge(account, officer)  # type: ignore[operator]

    @pytest.mark.parametrize("reason", ["", "   ", "đúng rồi", " " * 20, "a" * 501])
    def test_only_with_a_reason_that_can_be_followed(
        self, citizen: Citizen, judge: object, officer: User, reason: str
    ) -> None:
        account = citizen.register(at=NEAR)
        with pytest.raises(errors.ReasonMissing):
            judge(account, officer, reason)  # type: ignore[operator]

    @pytest.mark.parametrize("number", [NUMBER, "079 148 000 123", "0901.234.567"])
    def test_only_with_a_reason_that_tells_no_number(
        self, citizen: Citizen, judge: object, officer: User, number: str
    ) -> None:
        account = citizen.register(at=NEAR)
        with pytest.raises(errors.ReasonHoldsNumber):
            judge(account, officer, f"Đã xem căn cước {number} ngày 02/03/2026")  # type: ignore[operator]
        judge(account, officer, "Đã xem căn cước ngày 02/03/2026, biên bản 15/BB")  # type: ignore[operator]


class TestConfirmingLists:
    def test_leaves_out_the_officers_own(self) -> None:
        number = "079180000777"
        own, other = listed(make_person(national_id=number), NUMBER), listed(make_person(), OTHER)
        officer = make_staff(Role.APPROVER, person=number)
        assert accounts.confirm_listed_accounts(unit_code=WARD, by=officer, at=clock.now()) == 1
        own.refresh_from_db()
        other.refresh_from_db()
        assert (own.state, other.state) == ("ACCOUNT_CHECKED", "ACTIVE")

    def test_lets_a_number_cool_beside_a_suspended_one(self, officer: User) -> None:
        person = make_person()
        old = make_account(Payee.objects.create(person=person), number=NUMBER, state="SUSPENDED")
        new = listed(person, OTHER)
        accounts.confirm_listed_accounts(unit_code=WARD, by=officer, at=clock.now())
        new.refresh_from_db()
        assert (new.state, new.replaces) == ("COOLING", old)


class TestWhatWaits:
    def test_is_listed_with_both_names_page_by_page(self, officer: User) -> None:
        wanted = [make_citizen().register(f"20000000{n:02d}", at=NEAR).pk for n in range(5)]
        seen, after, pages = [], 0, 0
        while True:
            page = accounts_in_review(user=officer, at=clock.now(), after=after, limit=2)
            seen += [account.pk for account in page.rows]
            pages += 1
            if page.next is None:
                break
            after = page.next
        assert (seen, pages) == (wanted, 3)
        account = page.rows[0]
        assert account.payee.person is not None
        assert (account.payee.person.full_name, account.holder_name) == ("Nguyễn Thị Hoà", "HOA NGUYEN THI")

    def test_from_lists_is_apart(self, officer: User) -> None:
        account = listed(make_person(), NUMBER)
        make_citizen().register(OTHER, at=NEAR)
        assert accounts_to_confirm(user=officer, at=clock.now()).rows == (account,)

    def test_is_seen_in_ones_own_units_only(self, officer: User) -> None:
        here = make_citizen().register(NUMBER, at=NEAR)
        there = make_citizen(unit_id=SAI_GON).register(OTHER, at=NEAR)
        city, stranger = make_staff(Role.APPROVER, unit=None), make_staff(Role.ASSISTANT)
        for user, seen in ((officer, [here]), (city, [here, there]), (stranger, [])):
            assert accounts_in_review(user=user, at=clock.now()).rows == tuple(seen)
            assert list(PayoutAccount.objects.visible_to(user, at=clock.now()).order_by("pk")) == seen
        assert accounts_in_review(user=city, at=clock.now(), unit_code=SAI_GON).rows == (there,)
        assert accounts_in_review(user=officer, at=clock.now(), unit_code=SAI_GON).rows == ()

    def test_is_counted_by_unit(self, officer: User) -> None:
        listed(make_person(), NUMBER)
        make_citizen().register("2000000001", at=NEAR)
        make_citizen(unit_id=SAI_GON).register(OTHER, at=NEAR)
        make_citizen().register("2000000002")
        work = accounts_by_unit(user=officer, at=clock.now())
        assert [(row.unit_code, row.checked, row.near) for row in work] == [(WARD, 1, 1)]
        city = accounts_by_unit(user=make_staff(Role.AUDITOR, unit=None), at=clock.now())
        assert {(row.unit_code, row.checked, row.near) for row in city} == {(WARD, 1, 1), (SAI_GON, 0, 1)}

    @pytest.mark.parametrize("people", [2, 20])
    def test_costs_the_same_number_of_queries(
        self, officer: User, people: int, django_assert_num_queries: object
    ) -> None:
        for number in range(people):
            make_citizen().register(f"20000000{number:02d}", at=NEAR)
        at = clock.now()
        with django_assert_num_queries(2):  # type: ignore[operator]
            page = accounts_in_review(user=officer, at=at)
            assert len([f"{account.payee.person.unit} {account.bank}" for account in page.rows]) == people  # type: ignore[union-attr]


class TestVisibleTo:
    def test_people_and_lists_of_ones_units(self, officer: User) -> None:
        here, there = make_person(), make_person(unit_id=SAI_GON)
        preparer = make_staff(Role.PREPARER, unit=SAI_GON)
        lists = [
            RegisterImport.objects.create(
                unit_id=unit, file_name="x.xlsx", file_sha256=b"x" * 32, period=PERIOD, uploaded_by=preparer
            )
            for unit in (WARD, SAI_GON)
        ]
        at = clock.now()
        assert list(Person.objects.visible_to(officer, at=at)) == [here]
        assert list(Person.objects.visible_to(preparer, at=at)) == [there]
        assert list(RegisterImport.objects.visible_to(preparer, at=at)) == lists[1:]
        assert list(RegisterImport.objects.visible_to(officer, at=at)) == lists[:1]
        citizen = make_citizen()
        for model in (Person, RegisterImport, PayoutAccount):
            assert not model.objects.visible_to(citizen.user, at=at).exists()


class TestTheCitizensOwn:
    def test_summary_and_history(self, citizen: Citizen) -> None:
        assert account_summary(citizen.person).current is None
        first = citizen.register()
        second = citizen.register(OTHER)
        draft = citizen.start()
        summary = account_summary(citizen.person)
        assert (summary.current, summary.waiting, summary.draft) == (first, second, draft)
        assert list(accounts_of_person(citizen.person)) == [second, first]

    def test_shows_a_suspended_account_as_the_current_one(self, citizen: Citizen) -> None:
        account = citizen.register()
        PayoutAccount.objects.filter(pk=account.pk).update(state="SUSPENDED")
        assert account_summary(citizen.person).current == account
