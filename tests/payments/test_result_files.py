"""What the Treasury and the payment service answer: shown before it counts, taken over once, never against what was written."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from beneficiaries.register_file.problems import UnreadableList
from beneficiaries.states import Delivery
from foundation.audit.models import AuditEvent
from foundation.users.roles import Role
from payments.errors import InvalidMove, NotInAuthority, ResultsKnown
from payments.models import PayoutBatch, ResultFile, ResultLine, Transfer, TransferResult
from payments.operations import release
from payments.operations.payout_files import FileKind
from payments.operations.result_files import ResultsNotInOrder, cancel_results, check_results, commit_results
from payments.queries import batch_totals
from payments.queries.route_files import contradictions, judged_rows, verdict_counts
from payments.states import BatchKind, Verdict
from tests.beneficiaries.register_file.lists import replacing, tampered, xlsx
from tests.factories import Office, approve, build_batch, make_staff
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import (
    NOT_PAID,
    PAID,
    S,
    T,
    answer,
    answered,
    bring,
    given,
    said,
    take_over,
    taken,
    to_treasury,
)
from tests.payments.helpers import balances, broken, entries, refused, state_of, states

STRANGER = "0" * 32


def check(office: Office, batch: PayoutBatch, content: bytes, **told: Any) -> ResultFile:
    given_: dict[str, Any] = {"file_name": "ket-qua.xlsx", "by": office.accountant, "at": office.at(), "route": T}
    return check_results(batch_id=batch.pk, content=content, **(given_ | told))


def verdicts(kept: ResultFile) -> dict[str, int]:
    return {str(count.verdict): count.part.count for count in verdict_counts(result_file=kept)}


def codes(refusal: ResultsNotInOrder) -> list[str]:
    return [problem.code for problem in refusal.findings.kept]


class TestAFileThatIsShown:
    def test_moves_nothing_and_tells_what_it_would_do(self, office: Office) -> None:
        batch, _, (first, second, third) = given(office, people=3)
        answered(office, batch, said(third))
        wrong = said(second) | {"Số tiền": 1}
        kept = bring(office, batch, said(first), wrong, said(third), said(first) | {"Mã khoản chi": STRANGER})
        assert verdicts(kept) == {"PAID": 1, "BEFORE": 1, "WRONG_AMOUNT": 1, "UNKNOWN": 1}
        assert states() == {"HANDED_OVER": 2, "SETTLED": 1}
        assert set(ResultLine.objects.filter(result_file=kept).values_list("verdict", flat=True)) == {""}

    def test_tells_what_contradicts(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first), said(second, NOT_PAID))
        kept = bring(office, batch, said(first, NOT_PAID), said(second))
        assert verdicts(kept) == {"CONTRADICTS": 2}

    def test_shows_its_rows_by_pages_at_one_cost(self, office: Office) -> None:
        batch, _, transfers = given(office, people=5)
        kept = bring(office, batch, *map(said, transfers))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = judged_rows(result_file=kept, limit=2)
        assert (len(page.rows), len(queries)) == (2, 1)
        rest = judged_rows(result_file=kept, verdict=Verdict.PAID, after=page.next, limit=50)
        assert [row.code for row in (*page.rows, *rest.rows)] == [one.end_to_end_id for one in transfers]
        assert judged_rows(result_file=kept, verdict=Verdict.UNKNOWN).rows == ()

    def test_may_be_given_up_and_brought_again(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        kept = bring(office, batch, said(first))
        with pytest.raises(ResultsKnown):
            bring(office, batch, said(first))
        cancel_results(result_file_id=kept.pk, by=office.accountant, at=office.at())
        with pytest.raises(InvalidMove):
            take_over(office, kept)
        assert verdicts(bring(office, batch, said(first))) == {"PAID": 1}


class TestTakingItOver:
    def test_paid_is_settled_and_posted(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        assert answered(office, batch, said(first, **{"Số chứng từ": "KB-0012", "Ngày chi": "05/11/2026"})) == {
            "PAID": 1
        }
        first.refresh_from_db()
        assert (first.state, first.settlement_level, first.bank_reference) == ("SETTLED", "TREASURY", "KB-0012")
        assert balances(office) == balances(office) | {"PAID": 650_000, "RESERVED": 650_000}
        assert broken(FakeGateway()) == []

    def test_what_the_service_paid_has_a_word_of_its_own(self, office: Office) -> None:
        batch, _, (first, _) = given(office, S)
        answered(office, batch, said(first), route=S)
        first.refresh_from_db()
        assert first.settlement_level == "SERVICE"

    def test_what_the_bank_refused_is_rejected_with_the_reason_and_owed_again(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first, NOT_PAID), said(second))
        first.refresh_from_db()
        assert (first.state, first.status_reason) == ("REJECTED", "AC04")
        assert entries() == entries() | {"VOID": 1, "POST": 1}
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert again.number_of_transactions == 1
        assert Transfer.objects.get(batch=again).replaces == first

    def test_a_closed_account_is_not_used_again(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        answered(office, batch, said(first, NOT_PAID))
        assert first.payout_account is not None
        first.payout_account.refresh_from_db()
        assert first.payout_account.state == "CLOSED"
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert Transfer.objects.get(batch=again).route == "WARD_CASH"

    def test_what_the_service_could_not_hand_out_is_cancelled_and_owed_again(self, office: Office) -> None:
        batch, _, (first, _) = given(office, S)
        answered(office, batch, said(first, NOT_PAID, **{"Lý do": "Đi vắng dài ngày"}), route=S)
        first.refresh_from_db()
        assert (first.state, first.status_reason) == ("CANCELLED", "NARR")
        assert ResultLine.objects.get().reason == "Đi vắng dài ngày"
        assert Transfer.objects.get(batch=build_batch(office, kind=BatchKind.REPLACEMENT)).replaces == first

    def test_is_written_down(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        kept = bring(office, batch, said(first), said(second, NOT_PAID))
        take_over(office, kept)
        event = AuditEvent.objects.get(kind="results.committed")
        assert event.payload == {"route": "TREASURY_FILE", "results": kept.pk, "paid": 1, "not_paid": 1}
        kept.refresh_from_db()
        assert (kept.state, kept.decided_by) == ("COMMITTED", office.accountant)

    def test_the_list_itself_may_come_back_filled_in(self, office: Office) -> None:
        batch, file, transfers = given(office)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(taken(office, file, FileKind.SHEET))).get_sheet_by_index(0)
        rows = sheet.to_python()
        header = next(number for number, row in enumerate(rows) if "Mã khoản chi" in row)
        outcome, reason = rows[header].index("Kết quả"), rows[header].index("Lý do")
        rows[header + 1][outcome] = PAID
        rows[header + 2][outcome], rows[header + 2][reason] = "Không chi được", "AC01 sai số tài khoản"
        kept = check(office, batch, xlsx(rows))
        assert verdicts(kept) == {"PAID": 1, "NOT_PAID": 1}
        take_over(office, kept)
        assert [Transfer.objects.get(pk=one.pk).state for one in transfers] == ["SETTLED", "REJECTED"]

    def test_wrong_amounts_and_strangers_move_nothing_and_stay_to_be_read(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        kept = bring(office, batch, said(first) | {"Số tiền": 649_999}, said(second) | {"Mã khoản chi": STRANGER})
        assert take_over(office, kept) == {"WRONG_AMOUNT": 1, "UNKNOWN": 1}
        assert (states(), entries().get("POST", 0)) == ({"HANDED_OVER": 2}, 0)
        assert verdicts(kept) == {"WRONG_AMOUNT": 1, "UNKNOWN": 1}

    def test_another_lists_payment_is_a_stranger(self, office: Office) -> None:
        first_batch, _, (transfer, _) = given(office)
        to_treasury(1)
        second = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        approve(office, second)
        release.reserve_batch(batch_id=second.pk, at=office.at())
        release.start_batch(batch_id=second.pk, at=office.at())
        assert answered(office, second, said(transfer)) == {"UNKNOWN": 1}
        assert state_of(first_batch) == "DISPATCHING"

    def test_a_held_batch_still_hears_results(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        release.hold_batch(batch_id=batch.pk, by=office.preparer, reason="Chờ làm rõ danh sách", at=office.at())
        assert answered(office, batch, said(first)) == {"PAID": 1}

    def test_is_for_the_wards_own_accountant(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        kept = bring(office, batch, said(first))
        for by in (office.preparer, office.approver, make_staff(Role.ACCOUNTANT, unit="26740")):
            with pytest.raises(NotInAuthority):
                check(office, batch, answer([said(first)]), by=by)
            with pytest.raises(NotInAuthority):
                commit_results(result_file_id=kept.pk, by=by, at=office.at())


class TestTwice:
    def test_the_same_file_is_taken_over_once(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        kept = bring(office, batch, said(first))
        take_over(office, kept)
        with pytest.raises(InvalidMove):
            take_over(office, kept)
        with pytest.raises(ResultsKnown):
            bring(office, batch, said(first))
        assert entries()["POST"] == 1

    def test_a_file_that_is_issued_again_does_no_harm(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first))
        assert answered(office, batch, said(first), said(second)) == {"PAID": 1, "BEFORE": 1}
        assert (entries()["POST"], TransferResult.objects.count()) == (2, 2)

    def test_a_payment_twice_in_one_file_is_refused(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        with pytest.raises(ResultsNotInOrder) as refusal:
            bring(office, batch, said(first), said(first, NOT_PAID))
        assert codes(refusal.value) == ["TWICE"]
        assert not ResultFile.objects.exists()


class TestAgainstWhatWasWritten:
    def test_a_late_paid_moves_nothing_and_keeps_the_payment_out_of_every_list(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first, NOT_PAID), said(second))
        assert answered(office, batch, said(first)) == {"CONTRADICTS": 1}
        first.refresh_from_db()
        assert (first.state, first.conflicting_status) == ("REJECTED", "ACSC")
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 0
        assert [line.invariant.code for line in broken(FakeGateway())] == ["I-25"]

    def test_a_late_not_paid_takes_no_money_back(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        answered(office, batch, said(first))
        answered(office, batch, said(first, NOT_PAID))
        first.refresh_from_db()
        assert (first.state, first.conflicting_status) == ("SETTLED", "RJCT")
        assert balances(office)["PAID"] == 650_000

    def test_is_told_to_people_once(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first, NOT_PAID), said(second))
        answered(office, batch, said(first))
        assert answered(office, batch, said(first, **{"Số chứng từ": "KB-2"})) == {"BEFORE": 1}
        (told,) = contradictions(batch=batch)
        assert (told.reference, told.state_label, told.said) == (first.public_reference, "Ngân hàng từ chối", "Đã chi")

    def test_comes_even_after_the_batch_has_run_dry(self, office: Office) -> None:
        batch, _, transfers = given(office)
        answered(office, batch, *map(said, transfers))
        assert release.drain_batches() == [batch.pk]
        assert answered(office, batch, said(transfers[0], NOT_PAID)) == {"CONTRADICTS": 1}
        assert state_of(batch) == "DRAINED"


class TestTheBatch:
    def test_runs_dry_when_every_route_has_ended_and_adds_up(self, office: Office) -> None:
        batch, _, transfers = given(office, people=3)
        answered(office, batch, said(transfers[0]), said(transfers[1], NOT_PAID))
        assert release.drain_batches() == []
        answered(office, batch, said(transfers[2]))
        assert release.drain_batches() == [batch.pk]
        totals = batch_totals(batch_id=batch.pk)
        assert (totals.settled.count, totals.rejected.count, totals.open.count) == (2, 1, 0)
        assert balances(office)["RESERVED"] == 0


class TestAFileThatIsRefused:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"Mã khoản chi": "không rõ"}, "CODE_UNREADABLE"),
            ({"Mã khoản chi": ""}, "CODE_UNREADABLE"),
            ({"Kết quả": "có lẽ"}, "OUTCOME_UNKNOWN"),
            ({"Số tiền": "1e5"}, "AMOUNT_UNREADABLE"),
            ({"Số tiền": "-1"}, "AMOUNT_UNREADABLE"),
            ({"Số tiền": "６５００００"}, "AMOUNT_UNREADABLE"),
            ({"Số tiền": "0"}, "AMOUNT_ZERO"),
            ({"Kết quả": "Chưa chi"}, "REASON_MISSING"),
            ({"Ngày chi": "31/02/2026"}, "DATE_IMPOSSIBLE"),
            ({"Số chứng từ": "<script>"}, "REFERENCE_UNREADABLE"),
        ],
    )
    def test_for_one_row_is_refused_whole(self, office: Office, change: dict[str, str], code: str) -> None:
        batch, _, (first, second) = given(office)
        with pytest.raises(ResultsNotInOrder) as refusal:
            bring(office, batch, said(second), said(first) | change)
        assert codes(refusal.value) == [code]
        assert (ResultFile.objects.count(), ResultLine.objects.count()) == (0, 0)

    def test_tells_of_days_that_have_not_come(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        ahead = office.at() + timedelta(days=3)
        with pytest.raises(ResultsNotInOrder) as refusal:
            bring(office, batch, said(first, **{"Ngày chi": f"{ahead:%d/%m/%Y}"}))
        assert codes(refusal.value) == ["DATE_AHEAD"]

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "EMPTY"),
            (b"%PDF-1.7 \0", "NOT_TEXT"),
            ("Họ và tên,Kết quả\nNguyễn Văn A,Đã chi\n".encode(), "HEADER_NOT_FOUND"),
            ("Mã khoản chi,Số tiền,Kết quả\n".encode(), "NO_RESULT"),
            ("Mã khoản chi,Số tiền,Kết quả\n".encode("utf-16"), "UTF16"),
        ],
    )
    def test_that_is_no_result_file_is_refused(self, office: Office, content: bytes, code: str) -> None:
        batch, _, _ = given(office)
        with pytest.raises(UnreadableList) as refusal:
            check(office, batch, content)
        assert refusal.value.code == code
        assert not ResultFile.objects.exists()

    def test_that_would_inflate_beyond_reason_is_refused(self, office: Office) -> None:
        batch, _, _ = given(office)
        rows: list[list[Any]] = [["Mã khoản chi", "Số tiền", "Kết quả"], [STRANGER, 650_000, PAID]]
        with pytest.raises(UnreadableList) as refusal:
            check(office, batch, tampered(xlsx(rows), {}, xl__bomb=bytes(60 * 1024 * 1024)))
        assert refusal.value.code == "ZIP_BOMB"

    @pytest.mark.parametrize("trick", ["hidden", "formula"])
    def test_that_hides_a_row_or_works_one_out_is_refused(self, office: Office, trick: str) -> None:
        batch, _, _ = given(office)
        rows: list[list[Any]] = [["Mã khoản chi", "Số tiền", "Kết quả"], [STRANGER, 650_000, PAID]]

        def arrange(_book: Any, sheet: Any) -> None:
            if trick == "hidden":
                sheet.set_row(1, None, None, {"hidden": True})
            else:
                sheet.write_formula(1, 1, "=650000", None, 650_000)

        with pytest.raises(UnreadableList) as refusal:
            check(office, batch, xlsx(rows, arrange=arrange))
        assert refusal.value.code == "HIDDEN_OR_FORMULA"

    def test_that_names_an_entity_is_refused(self, office: Office) -> None:
        batch, _, _ = given(office)
        rows: list[list[Any]] = [["Mã khoản chi", "Số tiền", "Kết quả"], [STRANGER, 650_000, PAID]]
        doctype = replacing(b"<worksheet", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><worksheet')
        with pytest.raises(UnreadableList):
            check(office, batch, tampered(xlsx(rows), {"xl/worksheets/sheet1.xml": doctype}))

    def test_before_the_batch_was_ever_paid(self, office: Office) -> None:
        (payee,) = to_treasury(1)
        batch = approve(office, build_batch(office))
        with pytest.raises(InvalidMove):
            check(office, batch, answer([]))
        assert payee.pk

    def test_keeps_no_number_that_somebody_wrote_into_a_reason(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        bring(office, batch, said(first, NOT_PAID, **{"Lý do": "Sai số 0071000123456 của người nhận"}))
        assert ResultLine.objects.get().reason == "Sai số …của người nhận"


class TestTheDatabase:
    def test_takes_a_word_about_a_payment_once(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        answered(office, batch, said(first))
        refused(
            "INSERT INTO payments_transfer_result (transfer_id, outcome, line_id, contradicts) "
            "SELECT transfer_id, outcome, line_id, false FROM payments_transfer_result",
            by="duplicate key",
        )
        refused("UPDATE payments_transfer_result SET outcome = 'NOT_PAID'", by="permission denied")
        refused("DELETE FROM payments_transfer_result", by="permission denied")

    def test_takes_no_word_of_a_file_that_nobody_took_over(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        bring(office, batch, said(first))
        refused(
            "INSERT INTO payments_transfer_result (transfer_id, outcome, line_id, contradicts) "
            "SELECT %s, outcome, id, false FROM payments_result_line",
            first.pk,
            by="transfer_result_of_its_line",
        )

    def test_takes_no_word_about_another_amount_or_payment(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first) | {"Số tiền": 1})
        for transfer in (first, second):
            refused(
                "INSERT INTO payments_transfer_result (transfer_id, outcome, line_id, contradicts) "
                "SELECT %s, outcome, id, false FROM payments_result_line",
                transfer.pk,
                by="transfer_result_of_its_line",
            )

    def test_judges_a_row_once_and_changes_none(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        answered(office, batch, said(first))
        refused("UPDATE payments_result_line SET verdict = 'UNKNOWN'", by="result_line_judged_once")
        refused("UPDATE payments_result_line SET amount = 1", by="result_line_(frozen|judged_once)")
        refused("DELETE FROM payments_result_line", by="result_line_kept")
        refused("UPDATE payments_result_file SET state = 'CHECKED'", by="result_file_moves")

    def test_only_a_bank_refuses(self, office: Office) -> None:
        batch, _, (first, _) = given(office, S)
        answered(office, batch, said(first, NOT_PAID), route=S)
        first.refresh_from_db()
        assert first.state == "CANCELLED"
        assert first.delivery == Delivery.PAY_POINT
        refused(
            "UPDATE payments_transfer SET state = 'REJECTED', due_at = NULL WHERE state = 'HANDED_OVER'",
            by="transfer_(ended_by_result|rejected_by_a_bank)",
        )
