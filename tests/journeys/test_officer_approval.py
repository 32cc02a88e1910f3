"""Approving through the pages: the total typed, the approver asked once more, the list that was seen, exactly once."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from foundation.audit.models import AuditEvent
from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import Approval, ApprovalPolicy, PayoutBatch
from payments.operations import decide
from payments.states import BatchKind, BatchState
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff
from tests.payments.helpers import state_of

pytestmark = pytest.mark.django_db
PASSWORD = "Mot-mat-khau-that-dai-2026"
WHO = "/can-bo/xac-nhan"


@pytest.fixture
def office(settings: Any) -> Office:
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_office()


@pytest.fixture
def batch(office: Office) -> PayoutBatch:
    """A list of two people and 1.300.000 đồng that waits for approval."""
    make_entitled(2)
    batch = build_batch(office)
    decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
    batch.refresh_from_db()
    return batch


def signed_in(user: User) -> Client:
    user.set_password(PASSWORD)
    user.save()
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


@pytest.fixture
def desk(office: Office) -> Client:
    return signed_in(office.approver)


def address(batch: PayoutBatch) -> str:
    return f"/can-bo/dot-chi/{batch.pk}/duyet"


def hidden(page: str, name: str) -> str:
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def post(client: Client, path: str, page: Any, **told: str) -> Any:
    """Send a form of `page` with its own token, as a browser would."""
    token = hidden(page.content.decode(), "csrfmiddlewaretoken")
    return client.post(path, {"csrfmiddlewaretoken": token} | told)


def release(client: Client, batch: PayoutBatch, *, total: str = "1.300.000", **changes: str) -> Any:
    """Open the page and send the total."""
    page = client.get(address(batch))
    told = {"seen": hidden(page.content.decode(), "seen"), "total": total} | changes
    return post(client, address(batch), page, **told)


def prove(client: Client, asked: Any, password: str = PASSWORD) -> Any:
    """Follow to the page that asks who he is, and answer."""
    assert asked.status_code == 302
    assert asked["Location"].startswith(WHO)
    return post(client, asked["Location"], client.get(asked["Location"]), password=password)


def approvals() -> int:
    return Approval.objects.filter(decision="APPROVED").count()


class TestThePage:
    def test_shows_all_that_the_approver_answers_for(self, desk: Client, office: Office, batch: PayoutBatch) -> None:
        page = desk.get(address(batch)).content.decode()
        for words in (
            "1.300.000", "Một triệu ba trăm nghìn đồng", office.preparer.full_name, "0 trong 1 người phải duyệt",
            bytes(batch.list_hash or b"").hex(),
        ):  # fmt: skip
            assert words in page

    def test_is_for_those_who_may_approve_there(self, office: Office, batch: PayoutBatch) -> None:
        assert signed_in(office.preparer).get(address(batch)).status_code == 403
        assert signed_in(make_staff(Role.APPROVER, unit="26740")).get(address(batch)).status_code == 404
        assert Client().post(address(batch)).status_code == 401

    def test_says_so_when_there_is_nothing_to_approve(self, desk: Client, office: Office) -> None:
        make_entitled(1)
        answer = desk.get(address(build_batch(office)))
        assert answer.status_code == 409
        assert "đã đổi trạng thái" in answer.content.decode()

    @pytest.mark.parametrize("total", ["1", "650.000", ""])
    def test_a_total_for_a_draft_is_answered_by_its_state(self, desk: Client, office: Office, total: str) -> None:
        make_entitled(1)
        draft = build_batch(office)
        page = desk.get("/can-bo/dot-chi/")
        answer = post(desk, address(draft), page, seen="", total=total)
        assert answer.status_code == 409
        assert "đã đổi trạng thái" in answer.content.decode()
        assert (approvals(), state_of(draft)) == (0, BatchState.DRAFT)

    def test_a_wrong_total_for_somebody_elses_approved_list_is_answered_by_its_state(
        self, desk: Client, office: Office, batch: PayoutBatch
    ) -> None:
        decide.approve_batch(
            batch_id=batch.pk, by=make_staff(Role.APPROVER), seen_hash=bytes(batch.list_hash or b""), at=office.at()
        )
        answer = post(
            desk, address(batch), desk.get("/can-bo/dot-chi/"), seen=bytes(batch.list_hash or b"").hex(), total="1"
        )
        assert answer.status_code == 409
        assert approvals() == 1


class TestWhenTheListWasOpened:
    """Kept with the approval, so that a yes that was given at once shows."""

    def test_is_the_first_time_that_the_approver_saw_it(self, desk: Client, batch: PayoutBatch, clock: Clock) -> None:
        desk.get(address(batch))
        clock.shift("3 minutes")
        prove(desk, release(desk, batch))
        kept = Approval.objects.get()
        assert kept.opened_at is not None
        assert timedelta(minutes=3) <= kept.decided_at - kept.opened_at < timedelta(minutes=5)

    def test_is_unknown_when_another_list_was_opened_meanwhile(
        self, desk: Client, office: Office, batch: PayoutBatch
    ) -> None:
        make_entitled(2)
        other = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        decide.submit_batch(batch_id=other.pk, by=office.preparer, at=office.at())
        page = desk.get(address(batch))
        told = {"seen": hidden(page.content.decode(), "seen"), "total": "1.300.000"}
        desk.get(address(other))
        prove(desk, post(desk, address(batch), page, **told))
        assert Approval.objects.get().opened_at is None


class TestEachApprovalIsAskedForByItself:
    """allauth's own rule, any answer of the last five minutes, would let all of these through."""

    @pytest.fixture
    def other(self, office: Office, batch: PayoutBatch) -> PayoutBatch:
        """A second list of the same total that waits as well."""
        make_entitled(2)
        other = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        decide.submit_batch(batch_id=other.pk, by=office.preparer, at=office.at())
        other.refresh_from_db()
        return other

    def test_a_second_list_within_five_minutes_asks_again(
        self, desk: Client, batch: PayoutBatch, other: PayoutBatch
    ) -> None:
        prove(desk, release(desk, batch))
        asked = release(desk, other)
        assert (asked.status_code, asked["Location"].startswith(WHO)) == (302, True)
        assert (approvals(), state_of(other)) == (1, BatchState.SUBMITTED)
        prove(desk, asked)
        assert (approvals(), state_of(other)) == (2, BatchState.APPROVED)

    def test_a_refused_hash_leaves_nothing_that_could_be_used(self, desk: Client, batch: PayoutBatch) -> None:
        assert prove(desk, release(desk, batch, seen="00" * 32)).status_code == 409
        asked = release(desk, batch)
        assert asked.status_code == 302
        assert asked["Location"].startswith(WHO)
        assert approvals() == 0

    def test_an_answer_for_something_else_does_not_count(self, desk: Client, batch: PayoutBatch) -> None:
        page = desk.get(address(batch))
        told = {"seen": hidden(page.content.decode(), "seen"), "total": "1300000"}
        assert post(desk, address(batch), page, **told).status_code == 302
        elsewhere = f"{WHO}?next=/can-bo/"
        assert post(desk, elsewhere, desk.get(elsewhere), password=PASSWORD).status_code == 302
        asked = post(desk, address(batch), page, **told)
        assert asked["Location"].startswith(WHO)
        assert approvals() == 0

    def test_the_form_of_another_list_meanwhile_is_what_is_approved(
        self, desk: Client, batch: PayoutBatch, other: PayoutBatch
    ) -> None:
        asked = release(desk, batch)
        release(desk, other)  # in another tab: the last form is the one that waits
        answer = prove(desk, asked)
        assert answer.status_code == 302
        assert (approvals(), state_of(batch)) == (0, BatchState.SUBMITTED)

    def test_the_page_that_asks_says_what_for_and_leads_back(self, desk: Client, batch: PayoutBatch) -> None:
        asked = release(desk, batch)
        page = desk.get(asked["Location"]).content.decode()
        for words in (str(batch.fund), "2 khoản", "1.300.000", "Quay lại, không duyệt", f'href="{address(batch)}"'):
            assert words in page
        wrong = post(desk, asked["Location"], desk.get(asked["Location"]), password="sai", next=address(batch))
        assert "1.300.000" in wrong.content.decode()

    def test_the_page_that_asks_for_something_else_speaks_of_no_list(self, desk: Client, batch: PayoutBatch) -> None:
        release(desk, batch)
        assert "1.300.000" not in desk.get(f"{WHO}?next=/can-bo/").content.decode()
        desk.get(address(batch))  # back, and not approved
        assert "1.300.000" not in desk.get(f"{WHO}?next={address(batch)}").content.decode()


class TestApproving:
    def test_asks_who_he_is_and_approves_exactly_once(self, desk: Client, batch: PayoutBatch) -> None:
        asked = release(desk, batch)
        assert (approvals(), state_of(batch)) == (0, BatchState.SUBMITTED)
        answer = prove(desk, asked)
        assert (answer.status_code, answer["Location"]) == (302, f"/can-bo/dot-chi/{batch.pk}/")
        assert (approvals(), state_of(batch)) == (1, BatchState.APPROVED)
        page = desk.get(answer["Location"]).content.decode()
        assert "Đã duyệt. Tiền được giữ và gửi đi từ ngày chi." in page
        assert AuditEvent.objects.filter(kind="batch.approved").count() == 1

    def test_a_second_click_changes_nothing(self, desk: Client, batch: PayoutBatch) -> None:
        page = desk.get(address(batch))
        told = {"seen": hidden(page.content.decode(), "seen"), "total": "1300000"}
        prove(desk, post(desk, address(batch), page, **told))
        again = post(desk, address(batch), page, **told)
        assert again.status_code == 302
        assert (approvals(), AuditEvent.objects.filter(kind="batch.approved").count()) == (1, 1)

    def test_a_wrong_password_releases_nothing(self, desk: Client, batch: PayoutBatch) -> None:
        answer = prove(desk, release(desk, batch), password="sai-mat-khau")
        assert answer.status_code == 200
        assert (approvals(), state_of(batch)) == (0, BatchState.SUBMITTED)

    @pytest.mark.parametrize(
        ("total", "words"),
        [
            ("", "Gõ lại tổng số tiền."),
            ("1.300.001", "không đúng với tổng"),
            ("1.300.00", "Không đọc được số tiền"),
            ("-1.300.000", "Không đọc được số tiền"),
            ("1.300.000,00", "Không đọc được số tiền"),
            ("1,3e6", "Không đọc được số tiền"),
            ("١٣٠٠٠٠٠", "Không đọc được số tiền"),
        ],
    )
    def test_a_wrong_total_releases_nothing_and_asks_nobody(
        self, desk: Client, batch: PayoutBatch, total: str, words: str
    ) -> None:
        answer = release(desk, batch, total=total)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert approvals() == 0

    @pytest.mark.parametrize("total", ["1300000", "1.300.000", "1,300,000", "1 300 000 đ", " 1.300.000 đồng "])
    def test_the_total_is_read_as_people_write_it(self, desk: Client, batch: PayoutBatch, total: str) -> None:
        prove(desk, release(desk, batch, total=total))
        assert state_of(batch) == BatchState.APPROVED

    @pytest.mark.parametrize("seen", ["", "00" * 32, "no hash", "0"])
    def test_another_list_than_the_one_that_was_seen_is_not_approved(
        self, desk: Client, batch: PayoutBatch, seen: str
    ) -> None:
        answer = prove(desk, release(desk, batch, seen=seen))
        assert answer.status_code == 409
        assert "không còn giống bản ông, bà đã xem" in answer.content.decode()
        assert (approvals(), state_of(batch)) == (0, BatchState.SUBMITTED)

    def test_a_list_that_was_taken_back_meanwhile_is_not_approved(
        self, desk: Client, office: Office, batch: PayoutBatch
    ) -> None:
        asked = release(desk, batch)
        decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason="Thiếu người", at=office.at())
        assert prove(desk, asked).status_code == 409
        assert (approvals(), state_of(batch)) == (0, BatchState.WITHDRAWN)

    def test_one_human_under_two_logins_does_not_approve_his_own(self, settings: Any) -> None:
        office = make_office()
        make_entitled(1)
        batch = build_batch(office)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        batch.refresh_from_db()
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        other = make_staff(Role.APPROVER)
        User.objects.filter(pk=other.pk).update(person_fingerprint=office.preparer.person_fingerprint)
        other.refresh_from_db()
        client = signed_in(other)
        page = client.get(address(batch))
        assert "không tự duyệt được" in page.content.decode()
        asked = post(
            client, address(batch), client.get("/can-bo/dot-chi/"),
            seen=bytes(batch.list_hash or b"").hex(), total=str(batch.control_sum),
        )  # fmt: skip
        answer = prove(client, asked)
        assert answer.status_code == 403
        assert "không được tự phê duyệt" in answer.content.decode()
        assert approvals() == 0

    def test_a_form_of_another_site_is_not_believed(self, desk: Client, batch: PayoutBatch) -> None:
        answer = desk.post(address(batch), {"seen": bytes(batch.list_hash or b"").hex(), "total": "1300000"})
        assert answer.status_code == 403
        assert approvals() == 0


class TestAQuorumOfTwo:
    @pytest.fixture
    def large(self, office: Office) -> PayoutBatch:
        ApprovalPolicy.objects.create(amount_from=1_000, approvals_required=2, valid_from="2026-01-01")
        make_entitled(2)
        batch = build_batch(office)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        batch.refresh_from_db()
        return batch

    def test_needs_a_second_human(self, desk: Client, large: PayoutBatch) -> None:
        answer = prove(desk, release(desk, large))
        page = desk.get(answer["Location"]).content.decode()
        assert "cần thêm một người phê duyệt" in page
        assert (approvals(), state_of(large)) == (1, BatchState.SUBMITTED)
        assert "đã quyết định về danh sách này" in desk.get(address(large)).content.decode()

        second = signed_in(make_staff(Role.APPROVER, unit=None))
        assert "1 trong 2 người phải duyệt" in second.get(address(large)).content.decode()
        prove(second, release(second, large))
        assert (approvals(), state_of(large)) == (2, BatchState.APPROVED)
