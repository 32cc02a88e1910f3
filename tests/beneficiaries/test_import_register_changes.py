"""A list against a register that knows its people already: what it may change, and whose word stands."""

import datetime
from decimal import Decimal

import pytest

from beneficiaries.models import (
    Entitlement,
    Payee,
    PayoutAccount,
    Person,
    Representation,
)
from tests.beneficiaries.importing import DECEMBER, SAI_GON, check, codes, commit, register, write
from tests.beneficiaries.register_file.lists import CASH, CHILD, HEADINGS, line, list_xlsx, other, table, text_file
from tests.factories import WARD, make_account, make_entitlement, make_person


class TestAChangedList:
    def test_shows_old_and_new(self, officer):
        commit(officer, list_xlsx(line()))
        preview = check(
            officer, list_xlsx(line(address="34 Lê Lai", benefit_book="BT-002", account_number="0071000999999"))
        )
        (change,) = preview.changes
        assert change.number == 2
        assert change.fields == {
            "address": ("12 Lê Lợi", "34 Lê Lai"),
            "benefit_book": ("BT-001", "BT-002"),
            "account": ("", "**** 9999"),
        }
        assert (preview.new, preview.changed) == (0, 1)

    def test_corrects_the_person_and_the_right(self, officer):
        commit(officer, list_xlsx(line()))
        counts = commit(
            officer, list_xlsx(line(full_name="Nguyễn Thị Hòa Bình", address="34 Lê Lai", benefit_book="BT-002"))
        )
        assert counts["corrected"] == 2
        person = Person.objects.get()
        assert (person.full_name, person.address) == ("Nguyễn Thị Hòa Bình", "34 Lê Lai")
        assert Entitlement.objects.get().benefit_book_number == "BT-002"

    def test_tells_who_is_missing_and_ends_nobody(self, officer):
        commit(officer, list_xlsx(line(), other(2)))
        preview = check(officer, list_xlsx(line()))
        assert preview.missing == 1
        assert [missing.full_name for missing in preview.missing_rights] == ["Lê Văn Ba"]
        write(officer, preview)
        assert set(Entitlement.objects.values_list("state", "valid_to")) == {("ACTIVE", None)}

    def test_with_a_new_decision_ends_the_old_right_the_day_before(self, officer):
        person = {"birth": "01/05/1970", "national_id": "079170001234", **CASH}
        light = line(**person, line="KT-B", coefficient=1.5, amount=975_000, total=975_000, valid_from="01/02/2025")
        commit(officer, list_xlsx(light | {"line": "DT", "coefficient": 1, "amount": 650_000, "total": 650_000}))
        changed = light | {"line": "DT", "coefficient": 2, "amount": 1_300_000, "total": 1_300_000}
        counts = commit(officer, list_xlsx(changed | {"decision_number": "90/QĐ-UBND", "valid_from": "01/11/2026"}))
        assert counts["entitlements"] == 1
        old, new = Entitlement.objects.order_by("valid_from")
        assert (old.valid_from, old.valid_to) == (datetime.date(2025, 2, 1), datetime.date(2026, 10, 31))
        assert (new.valid_from, new.valid_to, new.coefficient) == (datetime.date(2026, 11, 1), None, Decimal(2))
        assert new.paid_through == datetime.date(2026, 10, 1)  # no month is paid again

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"coefficient": 2, "amount": 1_300_000, "total": 1_300_000}, "NEEDS_DECISION"),
            ({"valid_from": "01/09/2025"}, "NEEDS_DECISION"),
            (
                {"coefficient": 2, "amount": 1_300_000, "total": 1_300_000, "decision_number": "90/QĐ-UBND"},
                "NEEDS_DECISION",
            ),
            ({"decision_number": "90/QĐ-UBND", "valid_from": "01/07/2025"}, "DECISION_IS_OLDER"),
        ],
    )
    def test_changes_no_money_without_a_decision(self, officer, changes, code):
        parent = line(birth="01/05/1990", national_id="079190001234", line="DT", **CASH)
        commit(officer, list_xlsx(parent))
        assert codes(check(officer, list_xlsx(parent | changes))) == {code}

    def test_of_the_next_month_leaves_paid_months_alone(self, officer):
        commit(officer, list_xlsx(line()))
        before = register()
        assert set(commit(officer, list_xlsx(line()), period=DECEMBER).values()) == {0}
        assert register() == before


class TestReceivers:
    def test_that_change_end_the_month_before(self, officer):
        commit(officer, list_xlsx(line(**CHILD | CASH)))
        mother = {"payee_name": "Lê Thị Mai", "payee_national_id": "077190000222", "relation": "Mẹ"}
        commit(officer, list_xlsx(line(**CHILD | CASH | mother)), period=DECEMBER)
        old, new = Representation.objects.order_by("valid_from")
        assert (str(old.payee), old.valid_to) == ("Trần Thị Lan", datetime.date(2026, 11, 30))
        assert (str(new.payee), new.valid_from, new.relation) == ("Lê Thị Mai", DECEMBER, "PARENT")

    def test_corrected_within_the_month_are_the_only_ones_of_it(self, officer):
        child = line(**CHILD | CASH | {"valid_from": "01/11/2026", "decision_date": "05/11/2026"})
        commit(officer, list_xlsx(child))
        mother = {"payee_name": "Lê Thị Mai", "payee_national_id": "077190000222", "relation": "Mẹ"}
        commit(officer, list_xlsx(child | mother))
        only = Representation.objects.get()
        assert str(only.payee) == "Lê Thị Mai"

    def test_end_when_the_beneficiary_receives_himself(self, officer):
        helped = line(**CASH, payee_name="Trần Thị Lan", payee_national_id="077155000111", relation="Giám hộ")
        commit(officer, list_xlsx(helped))
        commit(officer, list_xlsx(line(**CASH)), period=DECEMBER)
        assert Representation.objects.get().valid_to == datetime.date(2026, 11, 30)

    def test_stay_when_the_list_has_no_column_for_them(self, officer):
        helped = line(**CASH, payee_name="Trần Thị Lan", payee_national_id="077155000111", relation="Giám hộ")
        commit(officer, list_xlsx(helped))
        without = [
            [cell for cell, heading in zip(row, HEADINGS, strict=True) if "gười nhận" not in heading]
            for row in table([line(**CASH)])
        ]
        commit(officer, text_file(without), period=DECEMBER)
        assert Representation.objects.get().valid_to is None

    def test_by_authority_have_their_paper_and_last_day(self, officer):
        paper = {"relation": "Con ruột", "authority": "12/UQ", "authority_to": "31/10/2027"}
        commit(officer, list_xlsx(line(**CASH, payee_name="Trần Thị Lan", payee_national_id="077155000111", **paper)))
        representation = Representation.objects.get()
        assert (representation.relation, representation.document_number) == ("AUTHORISED", "12/UQ")
        assert representation.valid_to == datetime.date(2027, 10, 31)


class TestAccounts:
    def test_that_a_citizen_chose_are_never_touched(self, officer):
        commit(officer, list_xlsx(line(**CASH)))
        payee = Payee.objects.get()
        chosen = make_account(payee, number="0071000777777")
        before = register()
        preview = check(officer, list_xlsx(line()))
        assert codes(preview) == {"ACCOUNT_CHOSEN_OTHERWISE"}
        write(officer, preview)
        assert register() == before
        chosen.refresh_from_db()
        assert chosen.state == "ACTIVE"

    @pytest.mark.parametrize("state", ["CLOSED", "REVOKED", "SUPERSEDED"])
    def test_that_ended_are_not_asked_for_again(self, officer, state):
        commit(officer, list_xlsx(line(**CASH)))
        make_account(Payee.objects.get(), number="0071000123456", state=state)
        preview = check(officer, list_xlsx(line()))
        assert codes(preview) == {"ACCOUNT_WAS_ENDED"}
        assert write(officer, preview)["accounts"] == 0

    def test_of_somebody_else_are_refused(self, officer):
        stranger = Payee.objects.create(person=make_person("Trần Văn Tám", unit_id=SAI_GON))
        make_account(stranger, number="0071000123456")
        preview = check(officer, list_xlsx(line()))
        assert codes(preview) == {"ACCOUNT_OF_OTHER"}
        assert preview.import_id is None
        assert "Tám" not in str([problem.message for problem in preview.findings.kept])

    def test_of_an_earlier_list_that_still_wait_give_way(self, officer):
        commit(officer, list_xlsx(line()))
        commit(officer, list_xlsx(line(account_number="0071000999999")))
        first, second = PayoutAccount.objects.order_by("version")
        assert (first.state, first.due_at) == ("EXPIRED", None)
        assert (second.version, second.state) == (2, "REQUESTED")

    def test_of_siblings_are_one(self, officer):
        sibling = CHILD | {"full_name": "Trần Minh An", "national_id": "079219000778", "birth": "03/02/2019"}
        assert commit(officer, list_xlsx(line(**CHILD), line(**sibling)))["accounts"] == 1
        assert str(Payee.objects.get()) == "Trần Thị Lan"


class TestPeopleOfOthers:
    def test_are_not_taken_from_another_ward(self, officer):
        person = make_person(national_id="079148001234", unit_id=SAI_GON)
        make_entitlement(person)
        preview = check(officer, list_xlsx(line()))
        assert "PAID_ELSEWHERE" in codes(preview)
        assert preview.import_id is None

    def test_are_not_written_over_when_another_ward_pays_them_something_else(self, officer):
        person = make_person("Nguyễn Thị Hòa", national_id="079148001234", unit_id=SAI_GON, address="Nơi cũ")
        make_entitlement(person, line="NCC-TUAT")
        commit(officer, list_xlsx(line()))
        person.refresh_from_db()
        assert (person.full_name, person.unit_id, person.address) == ("Nguyễn Thị Hòa", SAI_GON, "Nơi cũ")
        assert person.entitlements.count() == 2

    def test_who_moved_here_are_taken_up(self, officer):
        person = make_person("Nguyễn Thị Hoà", national_id="079148001234", unit_id=SAI_GON)
        make_entitlement(
            person, valid_to=datetime.date(2026, 7, 31), state="ACTIVE", valid_from=datetime.date(2025, 7, 1)
        )
        moved = line(decision_number="77/QĐ-UBND", decision_date="20/08/2026", valid_from="01/08/2026")
        commit(officer, list_xlsx(moved))
        person.refresh_from_db()
        assert person.unit_id == WARD
        assert set(person.entitlements.values_list("unit_id", flat=True)) == {SAI_GON, WARD}

    def test_are_not_written_over_by_a_mistyped_number(self, officer):
        make_person("Trần Văn Bảy", national_id="079148001234", birth_date=datetime.date(1950, 3, 3))
        before = register()
        preview = check(officer, list_xlsx(line()))
        assert "ID_KNOWN_BY_OTHER_NAME" in codes(preview)
        assert preview.import_id is None
        assert register() == before

    def test_who_died_are_not_taken_up(self, officer):
        make_person("Nguyễn Thị Hoà", national_id="079148001234", deceased_date=datetime.date(2026, 10, 2))
        assert "PERSON_DECEASED" in codes(check(officer, list_xlsx(line())))

    def test_whose_right_is_over_need_a_new_decision(self, officer):
        person = make_person(
            "Nguyễn Thị Hoà", national_id="079148001234", birth_date=datetime.date(1948, 5, 1), address=""
        )
        make_entitlement(person, valid_from=datetime.date(2025, 7, 1), valid_to=datetime.date(2026, 8, 31))
        assert "RIGHT_IS_OVER" in codes(check(officer, list_xlsx(line())))

    def test_who_are_suspended_stay_so(self, officer):
        commit(officer, list_xlsx(line()))
        Entitlement.objects.update(state="SUSPENDED")
        preview = check(officer, list_xlsx(line()))
        assert codes(preview) == {"SUSPENDED_ON_LIST"}
        write(officer, preview)
        assert Entitlement.objects.get().state == "SUSPENDED"

    def test_keep_the_phone_that_they_gave_themselves(self, officer):
        commit(officer, list_xlsx(line()))
        before = register()
        commit(officer, list_xlsx(line(phone="0909999999")))
        assert register() == before
