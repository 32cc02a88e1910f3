"""A ward's list through its two doors, check and commit: what it writes, what it must never write, and never twice."""

import datetime
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Model

from beneficiaries.models import (
    Entitlement,
    Payee,
    PayoutAccount,
    Person,
    RegisterImport,
    RegisterImportFile,
    Representation,
)
from beneficiaries.operations import import_register
from beneficiaries.operations.import_register import NotCommittable, Preview, check_register, commit_register
from beneficiaries.register_file.problems import UnreadableList
from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import decrypt
from foundation.reference.loading import load_reference
from foundation.users.access import NotAllowed
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.register_file.lists import CASH, CHILD, HEADINGS, line, list_xlsx, other, table, text_file
from tests.factories import PERIOD, WARD, make_account, make_entitlement, make_person, make_staff
from welfare_portal.demo.list_file import write_csv
from welfare_portal.demo.people import generate_people

REGISTER: tuple[type[Model], ...] = (Person, Payee, Representation, Entitlement, PayoutAccount)
SAI_GON = "26740"
DECEMBER = datetime.date(2026, 12, 1)


@pytest.fixture
def officer(db: None) -> User:
    load_reference(demo=True)
    return make_staff(Role.PREPARER)


def check(officer: User, content: bytes, **options: Any) -> Preview:
    call = {"file_name": "danh-sach.xlsx", "unit_code": WARD, "period": PERIOD, "by": officer, "at": clock.now()}
    return check_register(content=content, **call | options)


def commit(officer: User, content: bytes, **options: Any) -> dict[str, int]:
    preview = check(officer, content, **options)
    assert preview.import_id is not None, preview.findings.groups()
    return commit_register(import_id=preview.import_id, by=officer, at=clock.now())


def register() -> list[list[Any]]:
    """Every row of the register, whole."""
    rows = [list(row) for model in REGISTER for row in model._default_manager.order_by("pk").values_list()]
    return [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in rows]


def codes(preview: Preview) -> set[str]:
    return {problem.code for problem in preview.findings.kept}


class TestANewList:
    def test_is_told_before_it_is_written(self, officer):
        before = register()
        preview = check(officer, list_xlsx(line(), line(**CHILD)))
        assert (preview.lines, preview.new, preview.changed, preview.unchanged, preview.missing) == (2, 2, 0, 0, 0)
        assert (preview.total, preview.new_accounts) == (1_625_000, 2)
        assert register() == before

    def test_writes_people_rights_receivers_and_requests_for_accounts(self, officer):
        counts = commit(officer, list_xlsx(line(), line(**CHILD)))
        assert counts == {"people": 3, "entitlements": 2, "representations": 1, "accounts": 2, "corrected": 0}
        pensioner = Person.objects.get(national_id_index=fingerprint("national-id", "079148001234"))
        assert (pensioner.full_name, pensioner.birth_date, pensioner.sex) == (
            "Nguyễn Thị Hoà",
            datetime.date(1948, 5, 1),
            "F",
        )
        assert (pensioner.unit_id, str(pensioner.neighbourhood), pensioner.address) == (WARD, "Khu phố 3", "12 Lê Lợi")
        right = pensioner.entitlements.get()
        assert (right.programme_line.code, right.coefficient, right.decision_number) == (
            "HTXH",
            Decimal(1),
            "15/QĐ-UBND",
        )
        assert (right.valid_from, right.paid_through) == (datetime.date(2025, 8, 1), datetime.date(2026, 10, 1))
        child = Person.objects.get(national_id_index=fingerprint("national-id", "079217000777"))
        representation = child.representations.get()
        assert (representation.payee.person.full_name, representation.relation) == ("Trần Thị Lan", "GUARDIAN")
        assert representation.payee.person.birth_date is None
        assert representation.payee.person.sex == "F"

    def test_encrypts_personal_numbers_each_bound_to_its_row(self, officer):
        commit(officer, list_xlsx(line(), line(**CHILD)))
        numbers = {
            decrypt(person.national_id_encrypted, context="person.national_id", row_id=person.pk)
            for person in Person.objects.all()
        }
        assert numbers == {"079148001234", "079217000777", "077155000111"}
        account = PayoutAccount.objects.get(payee__person__full_name="Nguyễn Thị Hoà")
        assert decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk) == "0071000123456"
        person = account.payee.person
        assert decrypt(person.phone_encrypted, context="person.phone", row_id=person.pk) == "+84903123456"
        with connection.cursor() as cursor:
            for name in (
                "beneficiaries_person",
                "beneficiaries_payout_account",
                "beneficiaries_register_import",
                "audit_event",
            ):
                cursor.execute(f"SELECT t::text FROM {name} t")
                for (text,) in cursor.fetchall():
                    assert "079148001234" not in text
                    assert "0071000123456" not in text

    def test_asks_for_accounts_and_uses_none(self, officer):
        commit(officer, list_xlsx(line()))
        account = PayoutAccount.objects.get()
        assert (account.state, account.source, account.bank_id) == ("REQUESTED", "FILE", "970436")
        assert (account.holder_name, account.match_result) == ("", "")
        assert account.requested_by == officer  # so that another person must confirm it
        assert account.number_masked == "**** 3456"

    def test_tells_by_unpaid_months_what_was_paid_before_the_portal(self, officer):
        unpaid = {"arrears_months": 2, "arrears_amount": 1_300_000, "total": 1_950_000}
        commit(officer, list_xlsx(line(**CASH, **unpaid)))
        assert Entitlement.objects.get().paid_through == datetime.date(2026, 8, 1)

    def test_keeps_the_file_encrypted_and_its_fingerprint(self, officer):
        content = list_xlsx(line())
        preview = check(officer, content, file_name="ds\x1b[31m\r\nX: y.xlsx")
        kept = RegisterImport.objects.get(pk=preview.import_id)
        sealed = bytes(RegisterImportFile.objects.get(pk=kept.pk).content_encrypted)
        assert content not in sealed
        assert "\n" not in kept.file_name
        assert "\x1b" not in kept.file_name
        assert kept.summary["new"] == 1

    def test_is_told_in_the_trail_without_numbers(self, officer):
        commit(officer, list_xlsx(line()))
        events = AuditEvent.objects.filter(subject_kind="register_import").order_by("id")
        assert [event.kind for event in events] == ["register.checked", "register.committed"]
        assert events[1].payload["entitlements"] == 1
        assert {event.actor_id for event in events} == {officer.pk}


class TestTheSameListAgain:
    def test_changes_nothing(self, officer, tmp_path):
        write_csv(tmp_path / "list.csv", generate_people(4, 400, WARD))
        content = (tmp_path / "list.csv").read_bytes()
        commit(officer, content)
        before = register()
        preview = check(officer, content)
        assert (preview.new, preview.changed, preview.unchanged, preview.missing) == (0, 0, 400, 0)
        assert not preview.changes
        assert preview.new_accounts == 0
        counts = commit_register(import_id=preview.import_id, by=officer, at=clock.now())
        assert set(counts.values()) == {0}
        assert register() == before

    def test_changes_nothing_as_text_instead_of_a_workbook(self, officer):
        rows = [line(), line(**CHILD)]
        commit(officer, list_xlsx(*rows))
        before = register()
        assert set(commit(officer, text_file(table(rows))).values()) == {0}
        assert register() == before

    def test_is_not_committed_twice(self, officer):
        preview = check(officer, list_xlsx(line()))
        commit_register(import_id=preview.import_id, by=officer, at=clock.now())
        with pytest.raises(NotCommittable, match="đã được ghi"):
            commit_register(import_id=preview.import_id, by=officer, at=clock.now())

    def test_in_small_chunks_is_the_same(self, officer, tmp_path, monkeypatch):
        write_csv(tmp_path / "list.csv", generate_people(4, 120, WARD))
        content = (tmp_path / "list.csv").read_bytes()
        monkeypatch.setattr("beneficiaries.register_file.list_check.CHUNK", 7)
        commit(officer, content)
        before = register()
        monkeypatch.undo()
        assert set(commit(officer, content).values()) == {0}
        assert register() == before


BAD_LISTS = [
    (b"day la tep van ban doi ten thanh .xlsx", None, "HEADER_NOT_FOUND", "tiêu đề cột"),
    (b"PK\x03\x04 ...", None, "NOT_XLSX", "không phải tệp Excel"),
    (list_xlsx(), None, "EMPTY", "không có dòng nào"),
    (b"", None, "EMPTY", "không có dòng nào"),
    (list_xlsx(line(), other(2, national_id="79148001299")), 3, "ID_ZERO_LOST", "11 chữ số"),
    (list_xlsx(line(), other(2, amount=500_000, total=500_000)), 3, "AMOUNT_DIFFERS", "mức chuẩn nhân hệ số"),
    (list_xlsx(line(), other(2, neighbourhood="Khu phố 400")), 3, "NEIGHBOURHOOD_UNKNOWN", "khu phố"),
    (
        text_file([[*HEADINGS, "Phường, xã"], [*table([line()])[1], "Phường Lạ"]]),
        2,
        "UNIT_UNKNOWN",
        "Không có phường, xã này",
    ),
]


class TestABadList:
    @pytest.mark.parametrize(("content", "row", "code", "words"), BAD_LISTS)
    def test_is_refused_in_clear_words_and_leaves_no_trace(self, officer, content, row, code, words):
        def everything():
            kept = (RegisterImport, RegisterImportFile, AuditEvent)
            return register(), [model.objects.count() for model in kept]

        before = everything()
        if row is None:
            with pytest.raises(UnreadableList) as refused:
                check(officer, content)
            problem = refused.value
        else:
            preview = check(officer, content)
            assert preview.import_id is None
            (problem,) = preview.findings.kept
            assert problem.row == row
        assert problem.code == code
        assert words in str(problem.message)
        assert str(problem.repair)
        assert everything() == before

    def test_that_became_wrong_after_the_check_is_written_not_even_in_part(self, officer, monkeypatch):
        monkeypatch.setattr("beneficiaries.register_file.list_check.CHUNK", 1)
        preview = check(officer, list_xlsx(line(), other(2), other(3)))
        # Meanwhile another ward takes up the last of them.
        person = make_person("Lê Văn Ba", national_id="079048000003", sex="M", unit_id=SAI_GON)
        make_entitlement(person)
        before = register()
        with pytest.raises(NotCommittable) as refused:
            commit_register(import_id=preview.import_id, by=officer, at=clock.now())
        assert "PAID_ELSEWHERE" in {problem.code for problem in refused.value.findings.kept}
        assert register() == before
        assert RegisterImport.objects.get(pk=preview.import_id).state == "CHECKED"

    def test_of_more_than_fifty_megabytes_is_refused(self, officer, monkeypatch):
        monkeypatch.setattr(import_register, "MAX_BYTES", 100)
        with pytest.raises(UnreadableList) as refused:
            check(officer, list_xlsx(line()))
        assert refused.value.code == "TOO_LARGE"

    @pytest.mark.parametrize("unit", [SAI_GON])
    def test_of_another_ward_is_not_even_read(self, officer, unit):
        with pytest.raises(NotAllowed):
            check(officer, b"whatever", unit_code=unit)

    def test_is_not_committed_by_somebody_without_the_right(self, officer):
        preview = check(officer, list_xlsx(line()))
        for stranger in (make_staff(Role.APPROVER), make_staff(Role.PREPARER, unit=SAI_GON)):
            with pytest.raises(NotAllowed):
                commit_register(import_id=preview.import_id, by=stranger, at=clock.now())
        assert not Entitlement.objects.exists()


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
        commit_register(import_id=preview.import_id, by=officer, at=clock.now())
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
        assert (old.payee.person.full_name, old.valid_to) == ("Trần Thị Lan", datetime.date(2026, 11, 30))
        assert (new.payee.person.full_name, new.valid_from, new.relation) == ("Lê Thị Mai", DECEMBER, "PARENT")

    def test_corrected_within_the_month_are_the_only_ones_of_it(self, officer):
        child = line(**CHILD | CASH | {"valid_from": "01/11/2026", "decision_date": "05/11/2026"})
        commit(officer, list_xlsx(child))
        mother = {"payee_name": "Lê Thị Mai", "payee_national_id": "077190000222", "relation": "Mẹ"}
        commit(officer, list_xlsx(child | mother))
        only = Representation.objects.get()
        assert only.payee.person.full_name == "Lê Thị Mai"

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
        commit_register(import_id=preview.import_id, by=officer, at=clock.now())
        assert register() == before
        chosen.refresh_from_db()
        assert chosen.state == "ACTIVE"

    @pytest.mark.parametrize("state", ["CLOSED", "REVOKED", "SUPERSEDED"])
    def test_that_ended_are_not_asked_for_again(self, officer, state):
        commit(officer, list_xlsx(line(**CASH)))
        make_account(Payee.objects.get(), number="0071000123456", state=state)
        preview = check(officer, list_xlsx(line()))
        assert codes(preview) == {"ACCOUNT_WAS_ENDED"}
        assert commit_register(import_id=preview.import_id, by=officer, at=clock.now())["accounts"] == 0

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
        assert Payee.objects.get().person.full_name == "Trần Thị Lan"


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
        commit_register(import_id=preview.import_id, by=officer, at=clock.now())
        assert Entitlement.objects.get().state == "SUSPENDED"

    def test_keep_the_phone_that_they_gave_themselves(self, officer):
        commit(officer, list_xlsx(line()))
        before = register()
        commit(officer, list_xlsx(line(phone="0909999999")))
        assert register() == before


class TestInSets:
    def test_a_list_ten_times_as_long_costs_as_many_queries(self, officer, tmp_path, django_assert_max_num_queries):
        for seed, lines in ((11, 40), (12, 400)):
            write_csv(tmp_path / f"{lines}.csv", generate_people(seed, lines, WARD))
            preview = check(officer, (tmp_path / f"{lines}.csv").read_bytes())
            assert preview.import_id is not None, preview.findings.groups()
            with django_assert_max_num_queries(55):
                commit_register(import_id=preview.import_id, by=officer, at=clock.now())

    def test_two_lists_at_the_same_moment_make_one_person(self, committed):
        load_reference(demo=True)
        officer = make_staff(Role.PREPARER)
        imports = [check(officer, list_xlsx(line(**cells))).import_id for cells in ({}, {"benefit_book": "BT-009"})]
        failed: list[Exception] = []
        barrier = threading.Barrier(2)

        def run(import_id):
            try:
                barrier.wait()
                commit_register(import_id=import_id, by=officer, at=clock.now())
            except Exception as error:
                failed.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=(import_id,)) for import_id in imports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert Person.objects.count() == Entitlement.objects.count() == PayoutAccount.objects.count() == 1
