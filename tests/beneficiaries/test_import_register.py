"""A ward's list through its two doors, check and commit: what it writes, what it must never write, and never twice."""

import datetime
import threading
from decimal import Decimal

import pytest
from django.db import connection, connections

from beneficiaries.models import (
    Entitlement,
    PayoutAccount,
    Person,
    RegisterImport,
    RegisterImportFile,
)
from beneficiaries.operations import import_register
from beneficiaries.operations.import_register import NotCommittable
from beneficiaries.register_file.problems import Problem, UnreadableList
from foundation.audit.models import AuditEvent
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import decrypt
from foundation.reference.loading import load_reference
from foundation.users.access import NotAllowed
from foundation.users.roles import Role
from tests.beneficiaries.importing import SAI_GON, check, commit, register, write
from tests.beneficiaries.register_file.lists import CASH, CHILD, HEADINGS, line, list_xlsx, other, table, text_file
from tests.factories import WARD, make_entitlement, make_person, make_staff
from welfare_portal.demo.list_file import write_csv
from welfare_portal.demo.people import generate_people


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
        assert (str(representation.payee), representation.relation) == ("Trần Thị Lan", "GUARDIAN")
        receiver = Person.objects.get(payee=representation.payee)
        assert (receiver.birth_date, receiver.sex) == (None, "F")

    def test_encrypts_personal_numbers_each_bound_to_its_row(self, officer):
        commit(officer, list_xlsx(line(), line(**CHILD)))
        numbers = {
            decrypt(person.national_id_encrypted, context="person.national_id", row_id=person.pk)
            for person in Person.objects.all()
        }
        assert numbers == {"079148001234", "079217000777", "077155000111"}
        account = PayoutAccount.objects.get(payee__person__full_name="Nguyễn Thị Hoà")
        assert decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk) == "0071000123456"
        person = Person.objects.get(payee=account.payee)
        assert person.phone_encrypted
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
        check(officer, content, name="ds\x1b[31m\r\nX: y.xlsx")
        kept = RegisterImport.objects.get()
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
        counts = write(officer, preview)
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
        write(officer, preview)
        with pytest.raises(NotCommittable, match="đã được ghi"):
            write(officer, preview)

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
            problem: UnreadableList | Problem = refused.value
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
            write(officer, preview)
        assert refused.value.findings
        assert "PAID_ELSEWHERE" in {problem.code for problem in refused.value.findings.kept}
        assert register() == before
        assert RegisterImport.objects.get().state == "CHECKED"

    def test_of_more_than_fifty_megabytes_is_refused(self, officer, monkeypatch):
        monkeypatch.setattr(import_register, "MAX_BYTES", 100)
        with pytest.raises(UnreadableList) as refused:
            check(officer, list_xlsx(line()))
        assert refused.value.code == "TOO_LARGE"

    @pytest.mark.parametrize("unit", [SAI_GON])
    def test_of_another_ward_is_not_even_read(self, officer, unit):
        with pytest.raises(NotAllowed):
            check(officer, b"whatever", unit=unit)

    def test_is_not_committed_by_somebody_without_the_right(self, officer):
        preview = check(officer, list_xlsx(line()))
        for stranger in (make_staff(Role.APPROVER), make_staff(Role.PREPARER, unit=SAI_GON)):
            with pytest.raises(NotAllowed):
                write(stranger, preview)
        assert not Entitlement.objects.exists()


class TestInSets:
    def test_a_list_ten_times_as_long_costs_as_many_queries(self, officer, tmp_path, django_assert_max_num_queries):
        for seed, lines in ((11, 40), (12, 400)):
            write_csv(tmp_path / f"{lines}.csv", generate_people(seed, lines, WARD))
            preview = check(officer, (tmp_path / f"{lines}.csv").read_bytes())
            assert preview.import_id is not None, preview.findings.groups()
            with django_assert_max_num_queries(55):
                write(officer, preview)

    def test_a_list_is_not_cut_off_while_its_lines_are_judged(self, officer):
        """A session that forgets its transaction is ended after seconds; judging thousands of lines takes longer."""
        write(officer, check(officer, list_xlsx(line())))
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")  # still in the test's own transaction
            assert cursor.fetchone() == ("2min",)

    def test_two_lists_at_the_same_moment_make_one_person(self, committed):
        load_reference(demo=True)
        officer = make_staff(Role.PREPARER)
        previews = [check(officer, list_xlsx(line(**cells))) for cells in ({}, {"benefit_book": "BT-009"})]
        failed: list[Exception] = []
        barrier = threading.Barrier(2)

        def run(preview):
            try:
                barrier.wait()
                write(officer, preview)
            except Exception as error:
                failed.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=(preview,)) for preview in previews]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert Person.objects.count() == Entitlement.objects.count() == PayoutAccount.objects.count() == 1
