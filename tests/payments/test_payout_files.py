"""Lists for the Treasury and the payment service: made of what was approved, one list a payment, the same bytes for ever."""

import io
import zipfile
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from beneficiaries.models import Entitlement, Person
from beneficiaries.states import Delivery
from foundation.audit.models import AuditEvent
from foundation.privacy.encryption import decrypt
from foundation.privacy.models import DataAccess
from foundation.reference.models import Bank
from foundation.reference.spreadsheets import as_text
from foundation.users.roles import Role
from payments.errors import (
    FileChanged,
    FourEyesViolation,
    InvalidMove,
    ListNotAsApproved,
    NothingToGive,
    NotInAuthority,
    NotOpenYet,
    WrongInput,
)
from payments.models import PayoutFile, PayoutFileLine, Transfer
from payments.operations import cash, payout_files, release
from payments.operations.payout_files import FileKind, make_file, replace_file, take_file
from payments.states import Route
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.payments.by_file import S, T, answered, given, said, table, taken, to_service, to_treasury
from tests.payments.helpers import as_criminal, at_once, kinds, read, refused, state_of, states

REASON = "Kho bạc báo bằng văn bản chưa nhận được bảng kê"


def another(office: Office, file: PayoutFile, **told: Any) -> PayoutFile:
    """The list given out anew, by another accountant."""
    given_: dict[str, Any] = {
        "file_id": file.pk,
        "reason": REASON,
        "by": make_staff(Role.ACCOUNTANT),
        "at": office.at(),
    }
    return replace_file(**(given_ | told))


class TestMakingAList:
    def test_hands_its_payments_over_in_the_same_breath(self, office: Office) -> None:
        batch, file, transfers = given(office)
        assert states() == {"HANDED_OVER": 2}
        assert (file.number, file.version, file.number_of_transactions, file.control_sum) == (1, 1, 2, 1_300_000)
        assert list(file.lines.order_by("number").values_list("transfer", flat=True)) == [one.pk for one in transfers]
        event = AuditEvent.objects.get(kind="file.made")
        assert event.payload["sha256"] == bytes(file.sha256).hex()
        assert state_of(batch) == "DISPATCHING"

    def test_takes_its_own_route_only(self, office: Office) -> None:
        to_treasury(1), to_service(office, 1), make_entitled(1), make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        make_file(batch_id=batch.pk, route=S, by=office.accountant, at=office.at())
        assert sorted(Transfer.objects.values_list("route", "state")) == [
            ("GATEWAY", "READY"),
            ("PAYMENT_SERVICE", "HANDED_OVER"),
            ("TREASURY_FILE", "READY"),
            ("WARD_CASH", "READY"),
        ]

    def test_what_is_left_over_goes_into_the_next_number(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(payout_files, "MOST_LINES", 2)
        batch, _, _ = given(office, people=3)
        second = make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())
        assert (second.number, second.number_of_transactions) == (2, 1)
        with pytest.raises(NothingToGive):
            make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())

    def test_is_only_for_a_batch_that_is_being_paid(self, office: Office) -> None:
        to_treasury(1)
        batch = approve(office, build_batch(office))
        with pytest.raises(InvalidMove):
            make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        release.start_batch(batch_id=batch.pk, at=office.at())
        with pytest.raises(NotOpenYet):
            make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())
        while release.open_chunks():
            pass
        release.hold_batch(batch_id=batch.pk, by=office.preparer, reason="Chờ làm rõ danh sách", at=office.at())
        with pytest.raises(InvalidMove):
            make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())

    @pytest.mark.parametrize("route", [Route.GATEWAY, Route.WARD_CASH])
    def test_is_only_for_routes_that_are_paid_by_a_list(self, office: Office, route: Route) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        with pytest.raises(WrongInput):
            make_file(batch_id=batch.pk, route=route, by=office.accountant, at=office.at())

    def test_is_for_the_wards_own_accountant(self, office: Office) -> None:
        to_treasury(1)
        batch = start(office, build_batch(office))
        for by in (office.preparer, office.approver, make_staff(Role.ACCOUNTANT, unit="26740")):
            with pytest.raises(NotInAuthority):
                make_file(batch_id=batch.pk, route=T, by=by, at=office.at())

    def test_two_accountants_at_once_make_one_list(self, committed: None) -> None:
        office = make_office()
        to_treasury(2)
        batch = start(office, build_batch(office))
        made = at_once(*[lambda: make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())] * 2)
        assert kinds(made) == sorted([f"{batch.pk}/TREASURY_FILE/1.1", "NothingToGive"])
        assert PayoutFileLine.objects.count() == 2


class TestI20TheListIsTheApprovedOne:
    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1",
            "UPDATE payments_transfer SET creditor_name = 'TRAN VAN TROM'",
            "UPDATE beneficiaries_payout_account SET number_index = sha256(number_index)",
            "UPDATE beneficiaries_payout_account SET number_encrypted = overlay(number_encrypted placing 'x' from 30)",
        ],
    )
    def test_what_was_tampered_with_makes_no_list_and_holds_the_batch(
        self, committed: None, superuser: Any, change: str
    ) -> None:
        office = make_office()
        to_treasury(2)
        batch = start(office, build_batch(office))
        assert as_criminal(superuser, change) == 2
        with pytest.raises(ListNotAsApproved):
            make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())
        assert (state_of(batch), states(), PayoutFile.objects.count()) == ("HELD", {"READY": 2}, 0)
        assert batch.held_by is None
        assert AuditEvent.objects.filter(kind="batch.tampered").count() == 1


class TestTheContent:
    def test_of_the_treasurys_list_is_form_09(self, office: Office) -> None:
        _, file, (first, _) = given(office)
        row = table(taken(office, file))[0]
        account = first.payout_account
        assert account is not None
        number = decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk)
        assert (row["STT"], row["Họ và tên"], row["Số tài khoản người hưởng"]) == ("1", first.creditor_name, number)
        assert row["Tên ngân hàng"] == "Ngân hàng TMCP Á Châu"
        assert (row["Tổng số"], row["Truy lĩnh"], row["Phụ cấp và trợ cấp khác"]) == ("650000", "0", "650000")
        assert row["Mã khoản chi"].replace("-", "") == first.end_to_end_id

    def test_tells_arrears_apart(self, office: Office) -> None:
        (payee,) = to_treasury(1)
        Entitlement.objects.filter(person__payee=payee).update(paid_through="2026-08-01")
        batch = start(office, build_batch(office))
        file = make_file(batch_id=batch.pk, route=T, by=office.accountant, at=office.at())
        row = table(taken(office, file))[0]
        assert (row["Tổng số"], row["Truy lĩnh"], row["Phụ cấp và trợ cấp khác"]) == ("1950000", "1300000", "650000")

    def test_of_the_services_list_tells_how_and_shows_no_whole_number(self, office: Office) -> None:
        (payee,) = to_service(office, 1, Delivery.HOME)
        Person.objects.filter(payee=payee).update(address="12 Lê Lợi")
        batch = start(office, build_batch(office))
        file = make_file(batch_id=batch.pk, route=S, by=office.accountant, at=office.at())
        row = table(taken(office, file))[0]
        assert (row["Hình thức"], row["Năm sinh"], row["Địa chỉ"], row["Số tiền"]) == (
            "Chi trả tại nhà",
            "1948",
            "12 Lê Lợi",
            "650000",
        )
        assert "***" in row["Số định danh"]

    def test_of_the_sheet_is_the_same_with_letterhead_total_and_signatures(self, office: Office) -> None:
        _, file, transfers = given(office)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(taken(office, file, FileKind.SHEET))).get_sheet_by_index(0)
        cells = [str(cell) for row in sheet.to_python() for cell in row if cell != ""]
        unit = f"Mã ĐVQHNS: {office.fund.budget_code}"
        for text in ("BẢNG THANH TOÁN CHO ĐỐI TƯỢNG THỤ HƯỞNG (Mẫu số 09)", unit, "KHO BẠC NHÀ NƯỚC"):
            assert text in cells
        assert "Bằng chữ: Một triệu ba trăm nghìn đồng" in cells
        assert [transfer.creditor_name in cells for transfer in transfers] == [True, True]

    def test_is_the_same_bytes_whatever_has_changed_since(self, office: Office) -> None:
        batch, file, (first, _) = given(office)
        before = [taken(office, file, kind) for kind in FileKind]
        Bank.objects.update(name="Ngân hàng tên khác")
        answered(office, batch, said(first, "Chưa chi"))
        assert [taken(office, file, kind) for kind in FileKind] == before

    def test_is_encrypted_at_rest(self, office: Office) -> None:
        given(office)
        for (secret,) in read("SELECT cells_encrypted FROM payments_payout_file_line"):
            assert b"NGUYEN" not in bytes(secret)

    @pytest.mark.parametrize("name", ["=1+1", "+84", "-2", "@SUM(A1)", "＝1+1", "＋1", " =1", "\t=1", "\r=1"])
    def test_is_never_a_formula(self, office: Office, name: str) -> None:
        (payee,) = to_service(office, 1)
        Person.objects.filter(payee=payee).update(full_name=name)
        batch = start(office, build_batch(office))
        file = make_file(batch_id=batch.pk, route=S, by=office.accountant, at=office.at())
        assert table(taken(office, file))[0]["Họ và tên"] == f"'{name}" == as_text(name)
        workbook = taken(office, file, FileKind.SHEET)
        assert b"<f>" not in read_sheet(workbook)


def read_sheet(workbook: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(workbook)).read("xl/worksheets/sheet1.xml")


class TestTakingAListAlong:
    def test_is_written_down(self, office: Office) -> None:
        _, file, _ = given(office)
        content = take_file(file_id=file.pk, kind=FileKind.TABLE, by=office.accountant, at=office.at())
        access = DataAccess.objects.get(subject_kind="payout_file")
        assert (access.subject_id, access.role, "account_number" in access.fields) == (
            str(file.pk),
            "ACCOUNTANT",
            True,
        )
        assert AuditEvent.objects.get(kind="file.taken").payload["sha256"] == content.digest

    def test_is_for_the_wards_own_accountant(self, office: Office) -> None:
        _, file, _ = given(office)
        with pytest.raises(NotInAuthority):
            take_file(file_id=file.pk, kind=FileKind.TABLE, by=office.approver, at=office.at())
        assert not DataAccess.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE payments_payout_file_line SET cells_encrypted = overlay(cells_encrypted placing 'x' from 40)",
            "UPDATE payments_payout_file_line a SET cells_encrypted = b.cells_encrypted FROM payments_payout_file_line b "
            "WHERE a.number <> b.number",
            "UPDATE payments_payout_file SET sha256 = 'x'",
        ],
    )
    def test_that_was_changed_gives_nothing_out(self, committed: None, superuser: Any, change: str) -> None:
        office = make_office()
        _, file, _ = given(office)
        assert as_criminal(superuser, change) >= 1
        with pytest.raises(FileChanged):
            taken(office, file)
        assert not DataAccess.objects.exists()


class TestANewVersion:
    def test_has_what_waits_word_for_word_and_ends_the_former(self, office: Office) -> None:
        batch, file, (first, second) = given(office)
        answered(office, batch, said(first))
        new = another(office, file)
        assert (new.number, new.version, new.number_of_transactions, new.replaces) == (1, 2, 1, file)
        assert [row["Mã khoản chi"] for row in table(taken(office, new))] == [
            row["Mã khoản chi"] for row in table(taken(office, file))[1:]
        ]
        assert list(PayoutFileLine.objects.filter(live=True).values_list("file", "transfer").order_by("id")) == [
            (file.pk, first.pk),
            (new.pk, second.pk),
        ]
        assert AuditEvent.objects.get(kind="file.replaced").payload["reason"] == REASON

    def test_asks_another_person(self, office: Office) -> None:
        _, file, _ = given(office)
        with pytest.raises(FourEyesViolation):
            another(office, file, by=office.accountant)
        assert PayoutFile.objects.count() == 1
        assert PayoutFileLine.objects.filter(live=True).count() == 2

    def test_asks_why(self, office: Office) -> None:
        _, file, _ = given(office)
        with pytest.raises(WrongInput):
            another(office, file, reason="mất")

    def test_is_made_once(self, office: Office) -> None:
        _, file, _ = given(office)
        another(office, file)
        with pytest.raises(InvalidMove):
            another(office, file)

    def test_of_a_list_that_has_all_its_results_is_not_made(self, office: Office) -> None:
        batch, file, transfers = given(office)
        to_service(office, 1)
        answered(office, batch, *map(said, transfers[:1]))
        answered(office, batch, said(transfers[1], "Chưa chi"))
        with pytest.raises(NothingToGive):
            another(office, file)


class TestTheDatabase:
    def test_lets_a_payment_stand_in_one_live_list(self, office: Office) -> None:
        given(office)
        refused(
            "INSERT INTO payments_payout_file_line (file_id, number, transfer_id, amount, cells_encrypted) "
            "SELECT file_id, number + 10, transfer_id, amount, cells_encrypted FROM payments_payout_file_line",
            by="payout_file_line_one_live",
        )

    def test_hands_no_payment_over_without_a_list(self, office: Office) -> None:
        to_treasury(1)
        start(office, build_batch(office))
        refused("UPDATE payments_transfer SET state = 'HANDED_OVER'", by="transfer_handed_over_by_file")

    def test_ends_no_payment_without_a_result(self, office: Office) -> None:
        given(office)
        for state in ("SETTLED", "REJECTED", "CANCELLED"):
            refused(
                "UPDATE payments_transfer SET state = %s, settlement_level = 'TREASURY'",
                state,
                by="transfer_ended_by_result",
            )

    def test_changes_no_list_and_no_line(self, office: Office) -> None:
        given(office)
        refused("UPDATE payments_payout_file SET control_sum = 1", by="permission denied")
        refused("UPDATE payments_payout_file_line SET amount = 1", by="payout_file_line_frozen")
        refused("DELETE FROM payments_payout_file_line", by="payout_file_line_kept")
        assert read("UPDATE payments_payout_file_line SET live = false RETURNING live") == [(False,), (False,)]
        refused("UPDATE payments_payout_file_line SET live = true", by="payout_file_line_never_again")

    def test_takes_no_list_that_does_not_add_up(self, committed: None) -> None:
        office = make_office()
        batch, file, _ = given(office)
        refused(
            "INSERT INTO payments_payout_file (batch_id, route, number, version, number_of_transactions, control_sum, heading, "
            "sha256, sheet_sha256, reason, made_by_id) SELECT batch_id, route, 9, 1, 1, 1, heading, sha256, sheet_sha256, '', "
            "made_by_id FROM payments_payout_file",
            by="payout_file_adds_up",
        )
        assert (batch.pk, PayoutFile.objects.get()) == (file.batch_id, file)

    def test_cash_is_handed_over_by_its_own_list(self, office: Office) -> None:
        make_entitled(1, cash=True)
        to_service(office, 1)
        batch = start(office, build_batch(office))
        assert cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == 1
        assert sorted(Transfer.objects.values_list("route", "state")) == [
            ("PAYMENT_SERVICE", "READY"),
            ("WARD_CASH", "HANDED_OVER"),
        ]
