"""Acts of two persons on their pages: what is proposed, what exactly will happen, who may decide, and the paper."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from foundation.privacy.models import DataAccess
from foundation.users.roles import Role
from payments.models import EvidenceFile, PaymentsStop, PayoutBatch, Proposal, Transfer
from payments.operations.papers import MAX_BYTES
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import PDF, stop
from tests.payments.helpers import send_all, state_of

pytestmark = pytest.mark.django_db
BATCHES, SECOND = "/can-bo/dot-chi/", "/can-bo/nguoi-thu-hai/"
REVIEW = f"{SECOND}cho-xem-xet/"
REASON = "Đã đối chiếu với ngân hàng"


@pytest.fixture
def office() -> Office:
    return make_office()


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def act(client: Client, batch: PayoutBatch, name: str, **told: str) -> Any:
    page = text(client.get(f"{BATCHES}{batch.pk}/{name}"))
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    return client.post(f"{BATCHES}{batch.pk}/{name}", {"seen": seen} | told)


def in_review(office: Office, count: int = 1) -> Transfer:
    make_entitled(count)
    start(office, build_batch(office))
    send_all(FakeGateway(status="RJCT", reason="FRAD"))
    return Transfer.objects.order_by("id")[0]


def paper(name: str = "cong-van.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")  # what a browser says of it counts for nothing


class TestAHeldList:
    @pytest.fixture
    def batch(self, office: Office) -> PayoutBatch:
        make_entitled(2)
        return start(office, build_batch(office))

    def test_goes_on_when_one_proposes_and_another_agrees(self, office: Office, batch: PayoutBatch) -> None:
        keeper, boss = signed_in(office.accountant), signed_in(office.approver)
        act(keeper, batch, "tam-dung", reason=REASON)
        assert "Đề nghị chi tiếp" in text(keeper.get(f"{BATCHES}{batch.pk}/"))
        assert REASON in text(keeper.get(f"{BATCHES}{batch.pk}/chi-tiep"))
        assert act(keeper, batch, "chi-tiep", reason="ngắn").status_code == 422
        answer = keeper.post(f"{BATCHES}{batch.pk}/chi-tiep", {"seen": "old", "reason": REASON})
        assert answer.status_code == 409
        answer = act(keeper, batch, "chi-tiep", reason=REASON)
        proposal = Proposal.objects.get()
        page = f"{SECOND}{proposal.pk}/"
        assert (answer.status_code, answer["Location"]) == (302, page)
        assert state_of(batch) == "HELD"
        assert "Đồng ý và thực hiện" not in text(keeper.get(page))
        assert "Rút lại đề nghị" in text(keeper.get(page))
        shown = text(boss.get(page))
        for words in (
            REASON,
            office.accountant.full_name,
            "1.300.000",
            "Đúng như đã duyệt",
            "1/1",
            "Đồng ý và thực hiện",
        ):
            assert words in shown
        assert f'href="{page}"' in text(boss.get(f"{BATCHES}{batch.pk}/"))
        assert boss.post(f"{page}dong-y").status_code == 302
        assert state_of(batch) == "DISPATCHING"
        assert boss.post(f"{page}dong-y").status_code == 409
        assert "Đã đồng ý" in text(boss.get(page))

    def test_does_not_go_on_by_whoever_held_it(self, office: Office, batch: PayoutBatch) -> None:
        boss = signed_in(office.approver)
        act(boss, batch, "tam-dung", reason=REASON)
        act(signed_in(office.accountant), batch, "chi-tiep", reason=REASON)
        page = f"{SECOND}{Proposal.objects.get().pk}/"
        shown = text(boss.get(page))
        assert "không được tự cho chi tiếp" in shown
        assert "Đồng ý và thực hiện" not in shown
        assert boss.post(f"{page}dong-y").status_code == 403
        assert state_of(batch) == "HELD"

    def test_a_no_needs_a_reason_and_changes_nothing_else(self, office: Office, batch: PayoutBatch) -> None:
        keeper, boss = signed_in(office.accountant), signed_in(office.approver)
        act(keeper, batch, "huy", reason=REASON)
        page = f"{SECOND}{Proposal.objects.get().pk}/"
        answer = boss.post(f"{page}khong-dong-y", {"reason": ""})
        assert answer.status_code == 422
        assert "Ghi lý do." in text(answer)
        assert boss.post(f"{page}khong-dong-y", {"reason": REASON}).status_code == 302
        assert Proposal.objects.get().state == "REFUSED"
        assert state_of(batch) == "DISPATCHING"

    def test_a_cancellation_is_told_before_it_is_done(self, office: Office, batch: PayoutBatch) -> None:
        keeper, boss = signed_in(office.accountant), signed_in(office.approver)
        act(keeper, batch, "huy", reason=REASON)
        page = f"{SECOND}{Proposal.objects.get().pk}/"
        assert "tiền về lại nguồn" in text(boss.get(page))
        assert boss.post(f"{page}dong-y").status_code == 302
        assert state_of(batch) == "CANCELLING"

    def test_a_proposal_is_taken_back_by_whoever_made_it(self, office: Office, batch: PayoutBatch) -> None:
        keeper, boss = signed_in(office.accountant), signed_in(office.approver)
        act(keeper, batch, "huy", reason=REASON)
        page = f"{SECOND}{Proposal.objects.get().pk}/"
        assert boss.post(f"{page}rut-lai").status_code == 409
        assert keeper.post(f"{page}rut-lai").status_code == 302
        assert Proposal.objects.get().state == "WITHDRAWN"

    def test_of_a_stranger_is_not_there(self, office: Office, batch: PayoutBatch) -> None:
        act(signed_in(office.accountant), batch, "huy", reason=REASON)
        stranger = signed_in(make_staff(Role.APPROVER, unit="26740"))
        page = f"{SECOND}{Proposal.objects.get().pk}/"
        for name in ("dong-y", "khong-dong-y", "rut-lai"):
            assert stranger.post(f"{page}{name}", {"reason": REASON}).status_code == 404
        assert stranger.get(f"{page}tai-lieu").status_code == 404
        assert "Không có đề nghị nào đang chờ." in text(stranger.get(SECOND))


class TestAPaymentInReview:
    def told(self, **changes: Any) -> dict[str, Any]:
        return {"outcome": "REJECTED", "bank_reference": "", "reason": REASON, "file": paper()} | changes

    def address(self, transfer: Transfer) -> str:
        return f"{REVIEW}{transfer.end_to_end_id}/ket-luan"

    def test_is_decided_by_two_with_a_paper(self, office: Office) -> None:
        transfer = in_review(office)
        keeper, boss = signed_in(office.accountant), signed_in(office.approver)
        assert str(transfer.payee) in text(keeper.get(REVIEW))
        shown = text(keeper.get(self.address(transfer)))
        assert "Ngân hàng báo" in shown
        answer = keeper.post(self.address(transfer), self.told(outcome="SETTLED", bank_reference="FT2633"))
        proposal = Proposal.objects.get()
        page = f"{SECOND}{proposal.pk}/"
        assert (answer.status_code, answer["Location"]) == (302, page)
        shown = text(boss.get(page))
        assert "FT2633" in shown
        assert "cong-van.pdf" in shown
        assert "Xem đề nghị" in text(boss.get(REVIEW))
        boss.post(f"{page}dong-y")
        transfer.refresh_from_db()
        assert (transfer.state, transfer.bank_reference) == ("SETTLED", "FT2633")
        assert "Không có khoản nào chờ xem xét." in text(boss.get(REVIEW))

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"outcome": ""}, "Chọn kết luận."),
            ({"outcome": "PAID"}, "Chọn kết luận trong danh sách."),
            ({"outcome": "SETTLED"}, "Ghi mã tham chiếu của ngân hàng"),
            ({"outcome": "SETTLED", "bank_reference": "X" * 36}, "không quá 35 ký tự"),
            ({"reason": "ngắn"}, "ít nhất 10 ký tự"),
            ({"file": ""}, "Chọn tài liệu chứng minh."),
            ({"file": paper("x.pdf", b"<html><script>alert(1)</script></html>")}, "Tệp không phải PDF"),
            ({"file": paper("x.pdf", b"")}, "Tệp không phải PDF"),
        ],
    )
    def test_needs_all_of_it_in_order(self, office: Office, changes: dict[str, Any], words: str) -> None:
        transfer = in_review(office)
        answer = signed_in(office.accountant).post(self.address(transfer), self.told(**changes))
        assert answer.status_code == 422
        assert words in text(answer)
        assert Proposal.objects.count() == EvidenceFile.objects.count() == 0

    def test_takes_no_paper_that_is_too_large(self, office: Office) -> None:
        transfer = in_review(office)
        heavy = paper(content=PDF + bytes(MAX_BYTES) + b"%%EOF")
        answer = signed_in(office.accountant).post(self.address(transfer), self.told(file=heavy))
        assert answer.status_code in (413, 422)
        assert "5 MB" in text(answer)
        assert EvidenceFile.objects.count() == 0

    def test_is_not_decided_where_nothing_is_to_decide(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        transfer = Transfer.objects.get()
        assert signed_in(office.accountant).get(self.address(transfer)).status_code == 409

    def test_the_list_costs_the_same_for_many(self, office: Office) -> None:
        boss = signed_in(office.approver)
        in_review(office, 2)
        boss.get(REVIEW)
        with CaptureQueriesContext(connection) as few:
            boss.get(REVIEW)
        make_entitled(30)
        from payments.states import BatchKind

        start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        send_all(FakeGateway(status="RJCT", reason="FRAD"))
        with CaptureQueriesContext(connection) as many:
            assert text(boss.get(REVIEW)).count("data-row") == 32
        assert len(many) == len(few)


class TestThePaper:
    @pytest.fixture
    def page(self, office: Office) -> str:
        transfer = in_review(office)
        told = {"outcome": "REJECTED", "reason": REASON, "file": paper("Công văn <1>.pdf")}
        signed_in(office.accountant).post(f"{REVIEW}{transfer.end_to_end_id}/ket-luan", told)
        return f"{SECOND}{Proposal.objects.get().pk}/"

    def test_is_taken_along_by_who_decides_and_it_is_written_down(self, office: Office, page: str) -> None:
        answer = signed_in(office.approver).get(f"{page}tai-lieu")
        assert answer.content == PDF
        assert answer["Content-Type"] == "application/pdf"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("attachment; filename")
        assert "<" not in answer["Content-Disposition"]
        read = DataAccess.objects.get(subject_kind="evidence")
        assert (read.role, read.fields, read.subject_id) == (
            "APPROVER",
            ["content"],
            str(EvidenceFile.objects.get().pk),
        )

    def test_is_taken_along_by_who_traces(self, page: str) -> None:
        for role in (Role.AUDITOR, Role.ADMINISTRATOR):
            assert signed_in(make_staff(role)).get(f"{page}tai-lieu").status_code == 200
        assert DataAccess.objects.filter(subject_kind="evidence").count() == 2

    def test_is_for_nobody_else(self, office: Office, page: str) -> None:
        for user in (office.accountant, office.preparer):
            assert "tai-lieu" not in text(signed_in(user).get(page))
            assert signed_in(user).get(f"{page}tai-lieu").status_code == 403
        assert DataAccess.objects.filter(subject_kind="evidence").count() == 0

    def test_lies_encrypted(self, page: str) -> None:
        assert page
        assert PDF[:20] not in bytes(EvidenceFile.objects.get().content_encrypted)


class TestTheStop:
    def test_is_seen_on_every_page_of_staff_until_two_of_the_city_resume(self, office: Office) -> None:
        keeper = signed_in(office.accountant)
        assert "đang bị dừng" not in text(keeper.get(BATCHES))
        answer = keeper.post(f"{SECOND}dung-chi-tra", {"reason": "ngắn"})
        assert answer.status_code == 422
        assert keeper.post(f"{SECOND}dung-chi-tra", {"reason": "Nghi bị xâm nhập"}).status_code == 302
        auditor = signed_in(make_staff(Role.AUDITOR))
        for client, page in ((keeper, BATCHES), (keeper, "/can-bo/"), (auditor, "/kiem-toan/"), (keeper, SECOND)):
            shown = text(client.get(page))
            assert "Chi trả toàn thành phố đang bị dừng." in shown
            assert "Nghi bị xâm nhập" in shown
        assert keeper.post(f"{SECOND}dung-chi-tra", {"reason": "Nghi bị xâm nhập"}).status_code == 409
        assert keeper.get(f"{SECOND}mo-lai-chi-tra").status_code == 403
        assert "Đề nghị mở lại" not in text(signed_in(office.approver).get(f"{SECOND}dung-chi-tra"))

        one = signed_in(make_staff(Role.APPROVER, unit=None))
        other = signed_in(make_staff(Role.ADMINISTRATOR, unit=None))
        assert "Đề nghị mở lại" in text(one.get(f"{SECOND}dung-chi-tra"))
        assert one.post(f"{SECOND}mo-lai-chi-tra", {"reason": REASON}).status_code == 302
        page = f"{SECOND}{Proposal.objects.get().pk}/"
        assert "Nghi bị xâm nhập" in text(other.get(page))
        assert one.post(f"{page}dong-y").status_code == 403
        assert other.post(f"{page}dong-y").status_code == 302
        assert PaymentsStop.objects.get().resumed_at is not None
        assert "đang bị dừng" not in text(keeper.get(BATCHES))
        assert "Những lần dừng trước" in text(keeper.get(f"{SECOND}dung-chi-tra"))

    def test_an_officer_of_a_ward_whose_word_counts_nowhere_else_may_not_resume(self, office: Office) -> None:
        stop(office)
        boss = signed_in(office.approver)
        assert boss.get(f"{SECOND}mo-lai-chi-tra").status_code == 200  # the page is for the role, the act for the city
        assert boss.post(f"{SECOND}mo-lai-chi-tra", {"reason": REASON}).status_code == 403
        assert Proposal.objects.count() == 0


def test_the_first_page_counts_what_waits_in_one_query_more(office: Office) -> None:
    transfer = in_review(office, 2)
    keeper, boss = signed_in(office.accountant), signed_in(office.approver)
    told = {"outcome": "REJECTED", "reason": REASON, "file": paper()}
    keeper.post(f"{REVIEW}{transfer.end_to_end_id}/ket-luan", told)
    shown = text(boss.get("/can-bo/"))
    assert "1 đề nghị chờ người thứ hai" in shown
    assert "2 khoản chờ xem xét" in shown
    assert "đề nghị chờ người thứ hai" not in text(keeper.get("/can-bo/"))
