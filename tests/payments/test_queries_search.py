"""One box for any code: every kind leads to its payments, strangers find nothing, and readings by a number are noted."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from beneficiaries.models import Payee, PayoutAccount
from foundation.gateway.errors import Exchange
from foundation.gateway.exchanges import keep_exchange
from foundation.gateway.models import GatewayMessageBody
from foundation.privacy.models import DataAccess
from foundation.users.models import User
from foundation.users.roles import Role
from payments.errors import NotInAuthority, WrongInput
from payments.models import DispatchAttempt, PayoutBatch, Transfer
from payments.operations import look_up
from payments.queries.searching import Code, FoundBy, SearchResult, read_code, search
from payments.states import BatchKind
from tests.factories import (
    WARD,
    Office,
    build_batch,
    make_account,
    make_entitled,
    make_entitlement,
    make_office,
    make_person,
    make_staff,
    start,
)
from tests.fake_gateway import FakeGateway
from tests.gateway.messages import CALLBACK_ENTRY
from tests.payments.helpers import as_criminal, read, send_all
from tests.payments.months import NOVEMBER, OCTOBER, build_month, child_with_guardian, pay_month, people_since
from tests.payments.test_messages import apply_all, status, tell

OTHER_WARD = "26740"
NATIONAL_ID, ACCOUNT = "079148765432", "1000009901"


@pytest.fixture
def auditor(db: None) -> User:
    return make_staff(Role.AUDITOR, unit=None)


def known_payee(*, account: str = ACCOUNT) -> Payee:
    """Somebody entitled who is known by his numbers."""
    person = make_person("Lê Thị Tìm", national_id=NATIONAL_ID)
    make_entitlement(person)
    payee = Payee.objects.create(person=person)
    make_account(payee, number=account)
    return payee


@pytest.fixture
def batch(office: Office) -> PayoutBatch:
    """Three people paid; the first is known by his numbers."""
    known_payee()
    make_entitled(2)
    batch = start(office, build_batch(office))
    send_all(FakeGateway())
    return batch


@pytest.fixture
def transfer(batch: PayoutBatch) -> Transfer:
    return Transfer.objects.get(payee__person__full_name="Lê Thị Tìm")


def found(code: str, user: User, office: Office, **options: Any) -> SearchResult:
    return search(code=code, user=user, at=office.at(), **options)


def only(result: SearchResult) -> tuple[list[str], str]:
    return [kind.value for kind in result.found_by], result.only_transfer


class TestKinds:
    def test_transaction_code(self, transfer: Transfer, auditor: User, office: Office) -> None:
        code = transfer.end_to_end_id
        hyphens = f"{code[:8]}-{code[8:12]}-{code[12:16]}-{code[16:20]}-{code[20:]}"
        for typed in (code, code.upper(), hyphens, f"  {code}\n"):
            assert only(found(typed, auditor, office)) == (["END_TO_END_ID"], code)

    def test_public_reference(self, transfer: Transfer, auditor: User, office: Office) -> None:
        reference = transfer.public_reference
        for typed in (reference, reference.lower(), reference.replace("-", " "), reference.replace("-", "")):
            assert only(found(typed, auditor, office)) == (["REFERENCE"], transfer.end_to_end_id)

    def test_banks_reference(self, transfer: Transfer, auditor: User, office: Office) -> None:
        Transfer.objects.filter(pk=transfer.pk).update(bank_reference="FT26328008812")
        for typed in ("FT26328008812", "ft26328008812"):
            assert only(found(typed, auditor, office)) == (["BANK_REFERENCE"], transfer.end_to_end_id)

    def test_national_id(self, transfer: Transfer, auditor: User, office: Office) -> None:
        for typed in (NATIONAL_ID, "079 148 765 432", "079.148.765.432"):
            assert only(found(typed, auditor, office)) == (["NATIONAL_ID"], transfer.end_to_end_id)

    def test_national_id_of_somebody_for_whom_another_receives(self, office: Office, auditor: User) -> None:
        (payee,) = make_entitled(1)
        right = child_with_guardian(payee)
        child = make_person("Trẻ Khác", national_id="079219000001", birth_date="2019-01-01")
        child.representations.create(payee=payee, relation="GUARDIAN", valid_from="2026-01-01")
        make_entitlement(child)
        build_batch(office)
        assert right.person != child
        result = found("079219000001", auditor, office)
        assert only(result) == (["NATIONAL_ID"], Transfer.objects.get().end_to_end_id)

    def test_account_number_at_any_bank(self, transfer: Transfer, auditor: User, office: Office) -> None:
        for typed in (ACCOUNT, "1000 0099 01", "1000.009.901"):
            assert only(found(typed, auditor, office)) == (["ACCOUNT"], transfer.end_to_end_id)

    def test_account_number_that_is_also_the_national_id(self, office: Office, auditor: User) -> None:
        known_payee(account=NATIONAL_ID)
        build_batch(office)
        assert only(found(NATIONAL_ID, auditor, office))[0] == ["NATIONAL_ID", "ACCOUNT"]

    def test_registrations_code(self, transfer: Transfer, auditor: User, office: Office) -> None:
        person = make_person("Có Hồ Sơ")
        payee = Payee.objects.create(person=person)
        account = make_account(payee)
        make_entitlement(person)
        newest = make_account_with_reference(account, "ABCDE23456")
        build_month(office, kind=BatchKind.SUPPLEMENTARY)
        assert Transfer.objects.filter(payout_account=newest).count() == 1
        for typed in ("ABCDE23456", "abcde-23456"):
            assert only(found(typed, auditor, office))[0] == ["REGISTRATION"]

    def test_batch_and_message(self, batch: PayoutBatch, auditor: User, office: Office) -> None:
        for typed in (str(batch.pk), f"đợt {batch.pk}", f"Đợt chi số {batch.pk}", f"#{batch.pk}", f"batch {batch.pk}"):
            result = found(typed, auditor, office)
            assert [row.batch for row in result.batches] == [batch]
            assert result.found_by == (FoundBy.BATCH,)
        message = DispatchAttempt.objects.get().message_id
        result = found(message, auditor, office)
        assert ([row.batch for row in result.batches], result.labels) == ([batch], ("Mã gói gửi",))

    def test_a_line_that_was_paid_again_leads_to_both(self, office: Office, auditor: User) -> None:
        known_payee()
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AC01"))
        build_month(office, kind=BatchKind.REPLACEMENT)
        assert len(found(NATIONAL_ID, auditor, office).transfers.rows) == 2


def make_account_with_reference(account: PayoutAccount, reference: str) -> PayoutAccount:
    """The same payee's newer account, registered on the portal under a code."""
    account.state = "SUPERSEDED"
    account.save()
    newer = make_account(account.payee, state="REQUESTED")
    PayoutAccount.objects.filter(pk=newer.pk).delete()
    newer.reference = reference
    newer.save(force_insert=True)
    for state in ("ACCOUNT_CHECKED", "ACTIVE"):
        newer.state = state
        newer.activated_at, newer.due_at = (account.activated_at, None) if state == "ACTIVE" else (None, newer.due_at)
        newer.save()
    return newer


class TestWhoMaySee:
    CODES = ("end_to_end_id", "public_reference", NATIONAL_ID, ACCOUNT)

    @pytest.mark.parametrize("code", CODES)
    def test_an_officer_of_another_ward_finds_nothing(self, code: str, transfer: Transfer, office: Office) -> None:
        stranger = make_staff(Role.APPROVER, unit=OTHER_WARD)
        result = found(getattr(transfer, code, code), stranger, office)
        assert (result.found_by, result.transfers.rows, result.batches) == ((), (), ())

    @pytest.mark.parametrize("code", CODES)
    def test_an_officer_of_this_ward_finds_it(self, code: str, transfer: Transfer, office: Office) -> None:
        assert found(getattr(transfer, code, code), office.approver, office).only_transfer == transfer.end_to_end_id

    def test_a_batch_of_another_ward_is_not_found(self, batch: PayoutBatch, office: Office) -> None:
        assert found(str(batch.pk), make_staff(Role.APPROVER, unit=OTHER_WARD), office).batches == ()

    def test_a_citizen_may_not_search(self, transfer: Transfer, office: Office) -> None:
        citizen = User.objects.create_user("citizen", kind="CITIZEN")
        assert found(transfer.end_to_end_id, citizen, office).transfers.rows == ()
        with pytest.raises(NotInAuthority):
            look_up.search(code=transfer.end_to_end_id, by=citizen, at=office.at())


class TestNote:
    def test_a_search_by_a_number_is_noted_without_the_number(
        self, transfer: Transfer, auditor: User, office: Office
    ) -> None:
        look_up.search(code=NATIONAL_ID, by=auditor, at=office.at())
        look_up.search(code=ACCOUNT, by=auditor, at=office.at())
        person, account = DataAccess.objects.order_by("id")
        assert (person.subject_kind, person.subject_id) == ("person", str(transfer.payee.person_id))
        assert (person.fields, person.purpose, person.role) == (["national_id"], "trace", "AUDITOR")
        assert (account.subject_kind, account.subject_id) == ("account", str(transfer.payout_account_id))
        noted = str(read("SELECT a::text FROM privacy_data_access a"))
        assert NATIONAL_ID not in noted
        assert ACCOUNT not in noted

    def test_also_when_the_reader_may_see_nothing_of_it(self, transfer: Transfer, office: Office) -> None:
        stranger = make_staff(Role.APPROVER, unit=OTHER_WARD)
        look_up.search(code=NATIONAL_ID, by=stranger, at=office.at())
        assert DataAccess.objects.get().actor_id == stranger.pk

    def test_a_search_by_another_code_is_not(self, transfer: Transfer, auditor: User, office: Office) -> None:
        look_up.search(code=transfer.end_to_end_id, by=auditor, at=office.at())
        assert not DataAccess.objects.exists()

    @pytest.mark.parametrize("number", [NATIONAL_ID, ACCOUNT])
    def test_a_citizens_number_never_stands_in_a_statement(
        self, number: str, transfer: Transfer, auditor: User, office: Office
    ) -> None:
        at = office.at()
        with CaptureQueriesContext(connection) as seen:
            assert search(code=number, user=auditor, at=at).transfers.rows
        assert [query["sql"] for query in seen if number in query["sql"]] == []

    def test_nor_in_what_a_code_shows_of_itself(self) -> None:
        assert NATIONAL_ID not in repr(read_code(NATIONAL_ID))


HOSTILE = [
    "", " ", "\x00", "a\x00b", "'", "' OR '1'='1", "'; DROP TABLE payments_transfer; --", "%", "_" * 12, "\\", "(?i)", "{}", "%s",
    "%(batch)s", "9" * 400, "a" * 100_000, "٣" * 12, "𝟎𝟕𝟗𝟏𝟒𝟖", "\u202e079148765432", "\ud800", "đợt", "đợt -1", "đợt " + "9" * 12,
    "-" * 36, "NULL", "0", "1e5", "<script>alert(1)</script>", "../../etc/passwd", "\r\nSet-Cookie: a=b",
]  # fmt: skip


class TestHostileText:
    @pytest.mark.parametrize("code", HOSTILE)
    def test_finds_nothing_and_breaks_nothing(
        self, code: str, transfer: Transfer, auditor: User, office: Office
    ) -> None:
        result = look_up.search(code=code, by=auditor, at=office.at())
        assert (result.transfers.rows, result.batches) == ((), ())

    def test_digits_of_another_width_are_read(self, transfer: Transfer, auditor: User, office: Office) -> None:
        wide = "".join(chr(ord(digit) + 0xFEE0) for digit in NATIONAL_ID)
        assert found(wide, auditor, office).only_transfer == transfer.end_to_end_id

    def test_is_read_as_nothing(self) -> None:
        assert read_code("\x00" * 12) == read_code("x" * 61) == Code()


class TestPages:
    def test_come_newest_first_and_repeat_nothing(self, office: Office, auditor: User) -> None:
        (payee,) = people_since(OCTOBER, 1, numbers=[ACCOUNT])
        pay_month(office, OCTOBER)
        pay_month(office, NOVEMBER)
        first = found(ACCOUNT, auditor, office, limit=1)
        second = found(ACCOUNT, auditor, office, limit=1, after=first.transfers.next)
        newest, oldest = Transfer.objects.filter(payee=payee).order_by("-id")
        assert [row.id for row in (*first.transfers.rows, *second.transfers.rows)] == [newest.pk, oldest.pk]
        assert (first.only_transfer, second.transfers.next) == ("", None)

    @pytest.mark.parametrize("people", [2, 60])
    def test_cost_the_same_for_two_and_for_many(
        self, people: int, office: Office, auditor: User, django_assert_num_queries: Any
    ) -> None:
        payee = known_payee()
        for _ in range(people):
            child_with_guardian(payee)
        build_batch(office)
        at = office.at()
        with django_assert_num_queries(8):
            (row,) = search(code=NATIONAL_ID, user=auditor, at=at).transfers.rows
        assert len(row.beneficiaries) >= 1


class TestEvidence:
    def exchange(self, reference: str) -> None:
        keep_exchange(
            Exchange(reference, "POST /bank/v1/credits", b'{"account_number": "1000009901"}', 200, b"\xff", 12)
        )

    def test_opens_what_travelled_and_notes_it(self, batch: PayoutBatch, auditor: User, office: Office) -> None:
        self.exchange("8812-3")
        request, answer = look_up.read_evidence(
            reference="8812-3", by=auditor, purpose="Kiểm tra quý IV", at=office.at()
        )
        assert (request.label, request.text) == ("Yêu cầu", '{"account_number": "1000009901"}')
        assert (answer.text, answer.http_status, answer.is_intact) == ("", 200, True)
        note = DataAccess.objects.get()
        assert (note.subject_kind, note.subject_id, note.purpose) == ("dispatch_message", "8812-3", "Kiểm tra quý IV")
        assert ACCOUNT not in repr(request)

    @pytest.mark.usefixtures("committed")
    def test_says_when_a_body_was_changed(self, superuser: Any) -> None:
        auditor, office = make_staff(Role.AUDITOR, unit=None), make_office(money=0)
        self.exchange("8812-3")
        body = GatewayMessageBody.objects.get(part="REQUEST")
        forged = bytes(body.body)[:-1] + bytes([bytes(body.body)[-1] ^ 1])
        assert as_criminal(superuser, "UPDATE gateway_message_body SET body = %s WHERE id = %s", forged, body.pk) == 1
        request, _ = look_up.read_evidence(reference="8812-3", by=auditor, purpose="Kiểm tra", at=office.at())
        assert (request.is_intact, request.text) == (False, "")

    def test_of_a_callback_is_noted_by_its_row(
        self, transfer: Transfer, auditor: User, office: Office, settings: Any
    ) -> None:
        settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]
        tell("m-" + "x" * 60, status(transfer, "ACCC"))
        apply_all()
        (body,) = look_up.read_evidence(reference="m-" + "x" * 60, by=auditor, purpose="Kiểm tra", at=office.at())
        assert transfer.end_to_end_id in body.text
        assert DataAccess.objects.get().subject_kind == "gateway_message"

    def test_is_for_those_who_trace_in_the_whole_city(self, batch: PayoutBatch, office: Office) -> None:
        for officer in (office.approver, make_staff(Role.AUDITOR, unit=WARD)):
            with pytest.raises(NotInAuthority):
                look_up.read_evidence(reference="8812-3", by=officer, purpose="Kiểm tra", at=office.at())

    def test_needs_a_purpose(self, auditor: User, office: Office) -> None:
        with pytest.raises(WrongInput):
            look_up.read_evidence(reference="8812-3", by=auditor, purpose=" ", at=office.at())
        assert look_up.read_evidence(reference="", by=auditor, purpose="Kiểm tra", at=office.at()) == ()
