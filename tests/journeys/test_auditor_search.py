"""An auditor's search: every code finds its payments, numbers stand in no address, and each reading is noted."""

import base64
import re

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from beneficiaries.models import Payee
from foundation.audit.models import AuditEvent
from foundation.privacy.models import DataAccess
from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import Transfer
from payments.views.auditor import NEXT_PAGE
from tests.factories import Office, build_batch, make_account, make_entitlement, make_office, make_person, make_staff
from tests.factories import start as start_batch
from tests.journeys.recorded import RecordedGateway
from tests.payments.helpers import send_all
from tests.payments.months import OCTOBER, SEPTEMBER, pay_month, people_since

pytestmark = pytest.mark.django_db

NATIONAL_ID, ACCOUNT = "079148765432", "1000009901"
SEARCH = "/kiem-toan/"


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def paid(office: Office) -> Transfer:
    """One payment that has arrived, to somebody whose numbers are known to the test."""
    person = make_person("Nguyễn Thị Ánh", national_id=NATIONAL_ID)
    make_account(Payee.objects.create(person=person), number=ACCOUNT)
    make_entitlement(person)
    start_batch(office, build_batch(office))
    send_all(RecordedGateway())
    return Transfer.objects.get()


@pytest.fixture(params=[Role.AUDITOR, Role.ADMINISTRATOR])
def reader(request: pytest.FixtureRequest, client: Client) -> User:
    user = make_staff(request.param, unit=None)
    client.force_login(user)
    return user


@pytest.fixture
def auditor(client: Client) -> User:
    user = make_staff(Role.AUDITOR, unit=None)
    client.force_login(user)
    return user


class TestCodes:
    def test_a_code_of_one_payment_leads_there(self, client: Client, reader: User, paid: Transfer) -> None:
        for code in (
            paid.end_to_end_id,
            paid.end_to_end_id.upper(),
            paid.public_reference,
            paid.public_reference.lower(),
        ):
            answer = client.post(SEARCH, {"code": f"  {code} "})
            assert (answer.status_code, answer["Location"]) == (303, f"/kiem-toan/khoan-chi/{paid.end_to_end_id}/"), (
                code
            )
        assert not DataAccess.objects.exists()

    def test_a_code_of_one_list_leads_there(self, client: Client, auditor: User, paid: Transfer) -> None:
        message = paid.chunk.attempt_rows.get().message_id
        for code in (str(paid.batch_id), f"đợt {paid.batch_id}", f"#{paid.batch_id}", message):
            answer = client.post(SEARCH, {"code": code})
            assert (answer.status_code, answer["Location"]) == (303, f"/kiem-toan/dot-chi/{paid.batch_id}/"), code

    @pytest.mark.parametrize(
        ("code", "kind", "subject"),
        [
            (NATIONAL_ID, "Số định danh", "person"),
            ("079 148 765 432", "Số định danh", "person"),
            (ACCOUNT, "Số tài khoản", "account"),
        ],
    )
    def test_a_number_lists_payments_and_is_noted_without_the_number(
        self, client: Client, reader: User, paid: Transfer, code: str, kind: str, subject: str
    ) -> None:
        answer = client.post(SEARCH, {"code": code})
        text = answer.content.decode()
        assert answer.status_code == 200
        assert kind in text
        assert "Nguyễn Thị Ánh" in text
        assert f'href="/kiem-toan/khoan-chi/{paid.end_to_end_id}/"' in text
        assert "no-store" in answer["Cache-Control"]
        compact = re.sub(r"[\s.]", "", text)
        assert NATIONAL_ID not in compact
        assert ACCOUNT not in compact
        (noted,) = DataAccess.objects.all()
        assert (noted.actor_id, noted.subject_kind, noted.role) == (
            reader.pk,
            subject,
            reader.role_assignments.get().role,
        )
        assert NATIONAL_ID not in str(vars(noted))
        assert not AuditEvent.objects.filter(payload__icontains=NATIONAL_ID).exists()

    def test_what_is_not_found_says_what_to_try(self, client: Client, auditor: User, paid: Transfer) -> None:
        for code in ("079148000000", "0" * 32, "FT26328008812", "khong co"):
            answer = client.post(SEARCH, {"code": code})
            assert answer.status_code == 200
            assert "Không tìm thấy khoản chi nào" in answer.content.decode()
        assert not DataAccess.objects.exists()

    def test_somebody_known_without_payment_is_told_apart(self, client: Client, auditor: User) -> None:
        make_person(national_id=NATIONAL_ID)
        assert "chưa có khoản chi nào" in client.post(SEARCH, {"code": NATIONAL_ID}).content.decode()


class TestHostile:
    @pytest.mark.parametrize(
        "code",
        [
            "' OR 1=1 --", "'; DROP TABLE payments_transfer; --", "<script>alert(1)</script>", "%00%0a", "../../etc/passwd",
            "٠٧٩١٤٨٧٦٥٤٣٢", "a\tb\nc\r", "\u202e079148765432", "🙂" * 50, "%s%s%n", "{{7*7}}", "x" * 200, "9" * 200,
        ],
    )  # fmt: skip
    def test_finds_nothing_and_says_so(self, client: Client, auditor: User, paid: Transfer, code: str) -> None:
        answer = client.post(SEARCH, {"code": code})
        assert answer.status_code == 200
        assert "Không tìm thấy khoản chi nào" in answer.content.decode()
        assert code not in answer.content.decode()

    @pytest.mark.parametrize("code", ["", "   ", "x" * 201, "079\x00148"])
    def test_what_cannot_be_a_code_is_refused_in_words(self, client: Client, auditor: User, code: str) -> None:
        answer = client.post(SEARCH, {"code": code})
        text = answer.content.decode()
        assert answer.status_code == 422
        assert "<title>Lỗi:" in text
        assert "govuk-error-summary" in text
        assert "x" * 201 not in text

    def test_a_number_in_the_address_is_not_looked_at(self, client: Client, auditor: User, paid: Transfer) -> None:
        answer = client.get(SEARCH, {"code": NATIONAL_ID})
        assert answer.status_code == 200
        assert "Nguyễn Thị Ánh" not in answer.content.decode()
        assert not DataAccess.objects.exists()

    def test_only_who_may_trace_comes_in(self, client: Client, paid: Transfer) -> None:
        assert client.get(SEARCH).status_code == 302
        assert client.post(SEARCH, {"code": "1"}).status_code == 401
        for role in (Role.PREPARER, Role.ACCOUNTANT, Role.APPROVER, Role.ASSISTANT):
            client.force_login(make_staff(role))
            assert client.get(SEARCH).status_code == 403
            assert client.post(SEARCH, {"code": paid.end_to_end_id}).status_code == 403
            assert client.get(f"/kiem-toan/khoan-chi/{paid.end_to_end_id}/").status_code == 403
        client.force_login(User.objects.create_user("cd-1", full_name="Nguyễn Thị Ánh", kind=User.Kind.CITIZEN))
        assert client.get(SEARCH).status_code == 403
        assert not DataAccess.objects.exists()

    def test_an_auditor_of_another_ward_finds_nothing(self, client: Client, paid: Transfer) -> None:
        client.force_login(make_staff(Role.AUDITOR, unit="26740"))
        for code in (paid.end_to_end_id, str(paid.batch_id), NATIONAL_ID):
            text = client.post(SEARCH, {"code": code}).content.decode()
            assert "Không tìm thấy khoản chi nào" in text
            assert "có trong dữ liệu" not in text
        for path in (f"khoan-chi/{paid.end_to_end_id}/", f"dot-chi/{paid.batch_id}/"):
            assert client.get(SEARCH + path).status_code == 404
        message = paid.chunk.attempt_rows.get().message_id
        assert client.get(f"{SEARCH}khoan-chi/{paid.end_to_end_id}/thong-diep/{message}/").status_code == 404
        for kind in ("csv", "json"):
            assert client.post(f"{SEARCH}khoan-chi/{paid.end_to_end_id}/xuat/{kind}/").status_code == 404


class TestPages:
    @pytest.fixture
    def months(self, office: Office) -> list[Transfer]:
        """Two months paid to one account, the newest first."""
        people_since(SEPTEMBER, 1, numbers=[ACCOUNT])
        for month in (SEPTEMBER, OCTOBER):
            pay_month(office, month)
        return list(Transfer.objects.order_by("-id"))

    @pytest.fixture(autouse=True)
    def _one_row_a_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("payments.views.auditor.ROWS", 1)

    def token(self, text: str) -> str:
        found = re.search(r'name="more" value="([^"]+)"', text)
        assert found
        return found[1]

    def test_the_next_page_is_asked_for_without_the_number(
        self, client: Client, auditor: User, months: list[Transfer]
    ) -> None:
        newest, oldest = months
        first = client.post(SEARCH, {"code": ACCOUNT}).content.decode()
        assert "Có 2 khoản chi" in first
        assert newest.public_reference in first
        assert oldest.public_reference not in first
        token = self.token(first)
        assert ACCOUNT not in token + first
        payload = signing.loads(token, salt=NEXT_PAGE)
        assert ACCOUNT not in str(payload)
        assert ACCOUNT.encode() not in base64.b64decode(payload[0])
        second = client.post(SEARCH, {"more": token})
        assert second.status_code == 200
        assert oldest.public_reference in second.content.decode()
        assert newest.public_reference not in second.content.decode()
        assert DataAccess.objects.count() == 2  # each page is a reading

    def test_a_page_that_was_tampered_with_or_is_somebody_elses_is_refused_in_words(
        self, client: Client, auditor: User, months: list[Transfer]
    ) -> None:
        token = self.token(client.post(SEARCH, {"code": ACCOUNT}).content.decode())
        noted = DataAccess.objects.count()
        tampered = [token[:-2] + "zz", "x", "", token + "\x00", signing.dumps([1, 2], salt="other")]
        for one in tampered:
            answer = client.post(SEARCH, {"more": one})
            assert answer.status_code == 409
            assert "Nhập lại mã" in answer.content.decode()
        client.force_login(make_staff(Role.AUDITOR, unit=None))
        assert client.post(SEARCH, {"more": token}).status_code == 409
        assert DataAccess.objects.count() == noted

    def test_a_page_of_hours_ago_is_refused_in_words(
        self, client: Client, auditor: User, months: list[Transfer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = self.token(client.post(SEARCH, {"code": ACCOUNT}).content.decode())
        monkeypatch.setattr("payments.views.auditor.NEXT_PAGE_SECONDS", -1)
        assert client.post(SEARCH, {"more": token}).status_code == 409

    def test_costs_the_same_for_one_payment_and_for_two(
        self, client: Client, auditor: User, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("payments.views.auditor.ROWS", 50)
        people_since(SEPTEMBER, 1, numbers=[ACCOUNT])
        client.get(SEARCH)  # the session is written once
        counts = []
        for month in (SEPTEMBER, OCTOBER):
            pay_month(office, month)
            with CaptureQueriesContext(connection) as queries:
                assert client.post(SEARCH, {"code": ACCOUNT}).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]
