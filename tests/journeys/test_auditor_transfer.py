"""The story of a payment as an auditor reads it: what happened, what proves it, files to take along; and nothing is changed."""

import csv
import io
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from beneficiaries.models import Payee
from foundation.audit import merkle
from foundation.audit.models import AuditEvent
from foundation.audit.sealing import seal_events
from foundation.privacy.models import DataAccess
from foundation.reference.spreadsheets import as_text
from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import PayoutBatch, Transfer
from payments.operations.decide import submit_batch
from payments.operations.export_trace import canonical
from payments.states import BatchKind
from tests.factories import (
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
from tests.journeys.recorded import RecordedGateway
from tests.payments.helpers import send_all
from tests.payments.months import build_month
from tests.payments.test_messages import apply_all, status, tell

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
NATIONAL_ID, ACCOUNT = "079148765432", "1000009901"


@pytest.fixture(autouse=True)
def _secrets(settings: Any) -> None:
    settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def auditor(client: Client) -> User:
    user = make_staff(Role.AUDITOR, unit=None)
    client.force_login(user)
    return user


def known_payee() -> Payee:
    person = make_person("Nguyễn Thị Ánh", national_id=NATIONAL_ID)
    payee = Payee.objects.create(person=person)
    make_account(payee, number=ACCOUNT)
    make_entitlement(person)
    return payee


def pay(office: Office, *, others: int = 2, gateway: FakeGateway | None = None) -> Transfer:
    """One payment to a known payee, and some beside it in the same message."""
    payee = known_payee()
    make_entitled(others)
    start(office, build_batch(office))
    send_all(gateway or RecordedGateway())
    return payee.transfers.get()


def page(transfer: Transfer) -> str:
    return f"/kiem-toan/khoan-chi/{transfer.end_to_end_id}/"


def message(transfer: Transfer, kind: str = "SEND") -> str:
    reference = transfer.chunk.attempt_rows.get(kind=kind).message_id
    return f"{page(transfer)}thong-diep/{reference}/"


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


class TestStory:
    def test_tells_who_what_and_when_newest_first(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        text = text_of(client, page(transfer))
        for words in (
            transfer.public_reference, transfer.end_to_end_id, "Nguyễn Thị Ánh", "079 148 *** 432", "**** 9901",
            "650.000\u00a0đ", office.preparer.full_name, f"{office.approver.full_name}", "Người phê duyệt, Phường",
            "Tiền đã vào tài khoản người nhận", "Xem thông điệp gốc", "Giờ Việt Nam (GMT+7)", "11/2026",
        ):  # fmt: skip
            assert words in text, words
        assert text.index("Ghi sổ: Đã chi") < text.index("Phê duyệt đợt chi") < text.index("Bắt đầu lập đợt chi")
        assert NATIONAL_ID not in text
        assert ACCOUNT not in text

    def test_turns_round_by_a_link_in_the_address(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        text = text_of(client, f"{page(transfer)}?thu-tu=cu-truoc")
        assert text.index("Bắt đầu lập đợt chi") < text.index("Phê duyệt đợt chi") < text.index("Ghi sổ: Đã chi")
        assert text_of(client, f"{page(transfer)}?thu-tu=' OR 1=1")

    def test_links_a_payment_with_the_one_made_again(self, client: Client, auditor: User, office: Office) -> None:
        known_payee()
        start(office, build_batch(office))
        send_all(RecordedGateway(status="RJCT", reason="AC01"))
        build_month(office, kind=BatchKind.REPLACEMENT)
        old, new = Transfer.objects.order_by("id")
        assert f'href="{page(new)}"' in text_of(client, page(old))
        assert f'href="{page(old)}"' in text_of(client, page(new))

    def test_shows_the_books_of_payment_and_list(self, client: Client, auditor: User, office: Office) -> None:
        text = text_of(client, page(pay(office)))
        for words in ("Giữ tiền cho đợt chi", "Cả đợt", "Khoản chi này", "Nguồn còn lại", "Đã giữ cho đợt chi"):
            assert words in text

    def test_changes_nothing_by_being_looked_at(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        client.get(page(transfer))
        before = AuditEvent.objects.count(), DataAccess.objects.count()
        client.get(page(transfer))
        client.get(message(transfer))
        assert (AuditEvent.objects.count(), DataAccess.objects.count()) == before

    def test_costs_the_same_for_a_short_and_a_long_story(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office, gateway=RecordedGateway(status="ACSP"))
        client.get(page(transfer))
        counts = []
        for number in range(3):
            with CaptureQueriesContext(connection) as queries:
                client.get(page(transfer))
            counts.append(len(queries))
            tell(f"m-{number}", status(transfer, "ACCC"))
            apply_all()
        assert counts[0] <= counts[1] == counts[2] <= 23  # until something is told, nobody asks what was told

    @pytest.mark.parametrize("code", ["0" * 32, "x", "'", "%00", "079148765432", "1" * 200, "0" * 31 + "g"])
    def test_of_nothing_is_not_found(self, client: Client, auditor: User, code: str) -> None:
        assert client.get(f"/kiem-toan/khoan-chi/{code}/").status_code == 404


class TestIntegrity:
    def test_holds_from_list_to_books(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        text = text_of(client, page(transfer))
        assert "Danh sách đã duyệt khớp với lệnh đã gửi" in text
        assert text.count("✓") == 6
        assert "Sự kiện chưa được niêm phong." in text
        assert "welfare-note--bad" not in text
        assert bytes(transfer.batch.list_hash or b"").hex() in text

    def test_says_what_cannot_be_compared_yet(self, client: Client, auditor: User, office: Office) -> None:
        known_payee()
        build_batch(office)
        seal_events()
        text = text_of(client, page(Transfer.objects.get()))
        assert "Chưa có danh sách đã duyệt để so" in text
        assert "Danh sách chưa được trình" in text
        assert "sự kiện khớp dấu niêm phong" in text, "that the trail agrees says nothing of the list"
        assert "welfare-note--good" not in text

    def test_is_not_green_before_somebody_has_approved(self, client: Client, auditor: User, office: Office) -> None:
        known_payee()
        submit_batch(batch_id=build_batch(office).pk, by=office.preparer, at=office.at())
        text = text_of(client, page(Transfer.objects.get()))
        assert "Chưa có danh sách đã duyệt để so" in text
        assert "Đường băm từ gói dẫn đúng" in text
        assert "welfare-note--good" not in text

    def test_is_not_green_when_no_message_of_the_order_is_kept(
        self, client: Client, auditor: User, office: Office
    ) -> None:
        text = text_of(client, page(pay(office, gateway=FakeGateway())))
        assert "Chưa so được lệnh đã gửi" in text
        assert "welfare-note--good" not in text

    def test_says_that_a_list_on_its_way_agrees_so_far(self, client: Client, auditor: User, office: Office) -> None:
        known_payee()
        start(office, build_batch(office))
        text = text_of(client, page(Transfer.objects.get()))
        assert "Khoản chi khớp với danh sách" in text
        assert "welfare-note--good" in text
        assert "Chưa gửi lệnh nào." in text

    def test_of_a_whole_list_is_worked_out_on_demand(self, client: Client, auditor: User, office: Office) -> None:
        batch = pay(office).batch
        assert "Mọi khoản trong danh sách đúng như khi trình." not in text_of(
            client, f"/kiem-toan/dot-chi/{batch.pk}/"
        )
        text = text_of(client, f"/kiem-toan/dot-chi/{batch.pk}/?kiem-tra=1")
        assert "✓ Mọi khoản trong danh sách đúng như khi trình." in text


class TestEvidence:
    def test_is_masked_and_only_of_this_payment(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office, others=2)
        text = text_of(client, message(transfer))
        assert "**** 9901" in text
        assert transfer.end_to_end_id in text
        assert "Đã lược 2 khoản chi của người khác" in text
        for other in Transfer.objects.exclude(pk=transfer.pk):
            assert other.end_to_end_id not in text
        assert ACCOUNT not in text
        assert not DataAccess.objects.exists()

    def test_is_shown_in_full_for_a_purpose_that_is_noted(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        answer = client.post(message(transfer), {"purpose": "Đối chiếu theo kế hoạch số 12/KH"})
        text = answer.content.decode()
        assert answer.status_code == 200
        assert ACCOUNT in text
        assert Transfer.objects.exclude(pk=transfer.pk)[0].end_to_end_id in text
        noted = DataAccess.objects.get()
        assert (noted.subject_kind, noted.purpose) == ("dispatch_message", "Đối chiếu theo kế hoạch số 12/KH")
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.parametrize("purpose", ["", "   ", "xem", "x" * 201, "Kiểm tra\x00 quý bốn"])
    def test_is_not_shown_without_a_purpose(self, client: Client, auditor: User, office: Office, purpose: str) -> None:
        transfer = pay(office)
        answer = client.post(message(transfer), {"purpose": purpose})
        text = answer.content.decode()
        assert answer.status_code == 422
        assert "<title>Lỗi:" in text
        assert ACCOUNT not in text
        assert not DataAccess.objects.exists()

    def test_of_another_payment_is_not_found(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        for reference in ("999-1", "x", "m-1", f"{transfer.chunk_id}-99", "..", "%2e%2e"):
            path = f"{page(transfer)}thong-diep/{reference}/"
            assert client.get(path).status_code == 404
            assert client.post(path, {"purpose": "Đối chiếu theo kế hoạch"}).status_code == 404

    def test_of_a_callback_is_there_too(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office, gateway=RecordedGateway(status="ACSP"))
        other = Transfer.objects.exclude(pk=transfer.pk)[0]
        tell("m-1", status(transfer, "ACCC"), status(other, "ACCC"))
        apply_all()
        text = text_of(client, f"{page(transfer)}thong-diep/m-1/")
        assert transfer.end_to_end_id in text
        assert other.end_to_end_id not in text

    def test_in_full_is_for_those_who_trace_in_the_whole_city(self, client: Client, office: Office) -> None:
        transfer = pay(office)
        client.force_login(make_staff(Role.AUDITOR))
        assert client.get(message(transfer)).status_code == 200
        answer = client.post(message(transfer), {"purpose": "Đối chiếu theo kế hoạch"})
        assert answer.status_code == 403
        assert "Ông, bà không có quyền" in answer.content.decode()


class TestExport:
    def take(self, client: Client, transfer: Transfer, kind: str) -> Any:
        answer = client.post(f"{page(transfer)}xuat/{kind}/")
        assert answer.status_code == 200
        assert answer["Content-Disposition"] == f'attachment; filename="khoan-chi-{transfer.public_reference}.{kind}"'
        return answer

    def test_of_events_is_a_table_that_no_spreadsheet_runs(
        self, client: Client, auditor: User, office: Office
    ) -> None:
        User.objects.filter(pk=office.preparer.pk).update(full_name="=HYPERLINK(1)")
        transfer = pay(office)
        answer = self.take(client, transfer, "csv")
        assert answer.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0][:3] == ["Lúc (giờ Việt Nam)", "Việc", "Ai"]
        assert {len(row) for row in rows} == {len(rows[0])}
        assert "Tiền đã vào tài khoản người nhận" in [row[1] for row in rows]
        assert "'=HYPERLINK(1)" in [row[2] for row in rows]
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
        assert ACCOUNT not in answer.content.decode()

    def test_of_evidence_proves_itself(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        answer = self.take(client, transfer, "json")
        document = json.loads(answer.content)
        parts = document["manifest"]["parts"]
        assert set(parts) | {"manifest"} == set(document)
        for name, digest in parts.items():
            assert sha256(canonical(document[name])).hexdigest() == digest
        proof = document["list_proof"]
        head = merkle.root_by_path(merkle.leaf(bytes.fromhex(proof["chunk_hash"])), bytes.fromhex(proof["path"]))
        assert head.hex() == proof["list_hash"] == proof["approved"][0]["list_hash"]
        assert {check["code"] for check in document["integrity"] if not check["holds"]} == {"sealed"}
        assert document["transfer"]["place"].endswith("**** 9901")
        text = answer.content.decode()
        assert NATIONAL_ID not in text
        assert ACCOUNT not in text

    def test_of_evidence_is_checked_without_the_portal_as_the_page_says(
        self, client: Client, auditor: User, office: Office, tmp_path: Path
    ) -> None:
        file = tmp_path / "evidence.json"
        file.write_bytes(self.take(client, pay(office), "json").content)
        program = (
            (ROOT / "docs" / "auditors.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
        )
        command = [sys.executable, "-c", program, str(file)]
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
        file.write_text(file.read_text(encoding="utf-8").replace("650000", "950000"), encoding="utf-8")
        assert subprocess.run(command, check=False, capture_output=True).returncode == 1

    @pytest.mark.parametrize("kind", ["csv", "json"])
    def test_gives_the_same_bytes_to_everybody_and_is_written_down(
        self, client: Client, auditor: User, office: Office, kind: str
    ) -> None:
        transfer = pay(office)
        first = self.take(client, transfer, kind)
        client.force_login(make_staff(Role.ADMINISTRATOR, unit=None))
        client.cookies["django_language"] = "en"
        second = self.take(client, transfer, kind)
        assert first.content == second.content
        digest = sha256(first.content).hexdigest()
        assert first["X-Content-SHA256"] == digest
        events = AuditEvent.objects.filter(kind="transfer.exported", subject_id=str(transfer.pk))
        assert [event.payload["sha256"] for event in events] == [digest, digest]
        assert DataAccess.objects.filter(subject_kind="transfer", subject_id=str(transfer.pk)).count() == 2

    def test_is_by_post_and_of_two_kinds(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office)
        assert client.get(f"{page(transfer)}xuat/csv/").status_code == 405
        for kind in ("exe", "CSV", "..", "json'"):
            assert client.post(f"{page(transfer)}xuat/{kind}/").status_code == 404
        assert client.post(f"/kiem-toan/khoan-chi/{'0' * 32}/xuat/csv/").status_code == 404
        assert not DataAccess.objects.exists()

    @pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
    def test_a_cell_that_looks_like_a_formula_is_text(self, cell: str) -> None:
        assert as_text(cell) == f"'{cell}"
        assert as_text("Nguyễn") == "Nguyễn"


class TestList:
    def test_leads_to_every_payment(self, client: Client, auditor: User, office: Office) -> None:
        transfer = pay(office, others=3)
        text = text_of(client, f"/kiem-toan/dot-chi/{transfer.batch_id}/")
        for one in Transfer.objects.all():
            assert f'href="{page(one)}"' in text
        assert office.approver.full_name in text

    def test_filters_and_goes_on(
        self, client: Client, auditor: User, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("payments.views.auditor.ROWS", 2)
        batch = pay(office, others=3).batch
        first, *_, last = Transfer.objects.order_by("id")
        address = f"/kiem-toan/dot-chi/{batch.pk}/"
        text = text_of(client, address)
        assert first.public_reference in text
        assert last.public_reference not in text
        second = Transfer.objects.order_by("id")[1]
        assert f"sau={second.pk}#" in text
        assert last.public_reference in text_of(client, f"{address}?sau={second.pk}")
        assert first.public_reference in text_of(client, f"{address}?trang-thai=SETTLED")
        assert "Không có khoản nào như vậy" in text_of(client, f"{address}?trang-thai=REJECTED")
        for hostile in ("?sau=x", "?sau=-1", "?sau=" + "9" * 40, "?sau=٣", "?trang-thai=x'", "?trang-thai=%00"):
            assert first.public_reference in text_of(client, address + hostile)

    def test_costs_the_same_for_two_payments_and_for_twenty(
        self, client: Client, auditor: User, office: Office
    ) -> None:
        counts = []
        make_entitled(2)
        first = start(office, build_batch(office))
        client.get(f"/kiem-toan/dot-chi/{first.pk}/")
        make_entitled(20)
        second = build_month(office, kind=BatchKind.SUPPLEMENTARY)
        for batch in (first, second):
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/kiem-toan/dot-chi/{batch.pk}/")
            counts.append(len(queries))
        assert PayoutBatch.objects.get(pk=second.pk).number_of_transactions == 20
        assert counts[0] == counts[1]
