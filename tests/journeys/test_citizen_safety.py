"""What hostile, hurried and absent-minded browsers do at a citizen's pages: words, a 4xx, and nothing written."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from beneficiaries import tasks
from beneficiaries.models import AccountDraft, Consent, Payee, PayoutAccount, Person
from foundation.audit.models import AuditEvent
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.registering import NUMBER, OTHER, Bank
from tests.factories import ACB, VCB, make_account, make_citizen, make_person, make_staff
from tests.journeys.citizens import Phone

pytestmark = pytest.mark.django_db

PAGES = (
    "/cua-toi/", "/cua-toi/khoan-chi/", "/cua-toi/khoan-chi/0123456789abcdef0123456789abcdef/", "/dang-ky/",
    "/dang-ky/tiep-tuc", "/dang-ky/thong-tin", "/dang-ky/ngan-hang", "/dang-ky/so-tai-khoan",
    "/dang-ky/ten-chu-tai-khoan", "/dang-ky/dong-y", "/dang-ky/kiem-tra", "/dang-ky/ket-qua/ABCDEFGHJK",
    "/dang-ky/lich-su", "/dang-ky/huy-lien-ket/1",
)  # fmt: skip
FORMS = (
    "/dang-ky/", "/dang-ky/ngan-hang", "/dang-ky/so-tai-khoan", "/dang-ky/hoi-lai", "/dang-ky/dong-y", "/dang-ky/gui",
    "/dang-ky/huy-lien-ket/1",
)  # fmt: skip
FILLED = {"bank": ACB, "number": OTHER, "agreed": "on", "reference": "ABCDEFGHJK", "seen": "0" * 64}


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows that a registration touches."""
    kinds = (AccountDraft, PayoutAccount, Consent, Person, Payee, AuditEvent)
    return {
        kind.__name__: [
            {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
            for row in kind.objects.order_by("pk").values()
        ]
        for kind in kinds
    }


class Unchanged:
    """What is done inside writes nothing."""

    def __enter__(self) -> None:
        self.before = everything()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            assert everything() == self.before


@pytest.fixture
def stranger(db: None) -> Phone:
    return Phone(make_citizen(make_person("Trần Thị Lạ")))


class TestWhoComesIn:
    @pytest.mark.parametrize("role", [role for role in Role if role != Role.CITIZEN])
    def test_staff_are_kept_out_of_every_page(self, phone: Phone, bank: Bank, role: Role) -> None:
        phone.to_check()
        officer = Phone(make_staff(role))
        with Unchanged():
            for path in PAGES:
                if path != "/dang-ky/tiep-tuc":
                    assert officer.get(path).status_code == 403, path
            for path in FORMS:
                assert officer.post(path, **FILLED).status_code == 403, path

    def test_who_is_not_signed_in_goes_to_vneid(self, client: Client, db: None) -> None:
        for path in PAGES:
            assert client.get(path)["Location"].startswith("/vneid/dang-nhap?next="), path

    def test_a_form_after_the_session_has_ended_says_so(self, phone: Phone, bank: Bank) -> None:
        phone.to_check()
        fields = phone.hidden("kiem-tra") | FILLED
        Session.objects.all().delete()
        with Unchanged():
            for path in FORMS:
                answer = phone.post(path, **fields)
                assert answer.status_code == 401, path
                assert "Phiên làm việc đã đóng" in answer.content.decode()
                assert "điều đã lưu trước đó vẫn còn" in answer.content.decode()

    def test_a_page_that_asks_by_itself_hears_of_the_end_of_the_session(self, phone: Phone, bank: Bank) -> None:
        phone.ask()
        Session.objects.all().delete()
        answer = phone.get("ten-chu-tai-khoan", HX_Request="true", X_Asked_By_Page="1")
        assert (answer.status_code, answer["HX-Refresh"]) == (401, "true")

    def test_forms_of_other_sites_are_refused(self, user: User, phone: Phone, bank: Bank) -> None:
        phone.to_check()
        foreign = Client(enforce_csrf_checks=True)
        foreign.force_login(user)
        with Unchanged():
            for path in FORMS:
                assert foreign.post(path, FILLED).status_code == 403, path

    def test_opening_pages_changes_nothing(self, phone: Phone, bank: Bank) -> None:
        phone.register()
        phone.to_check(OTHER)
        with Unchanged():
            for path in PAGES:
                phone.get(path)


class TestStrangers:
    def test_find_neither_receipt_nor_account(self, phone: Phone, stranger: Phone, bank: Bank) -> None:
        phone.register()
        reference = PayoutAccount.objects.get().reference
        with Unchanged():
            assert stranger.get(f"ket-qua/{reference}").status_code == 404
            assert stranger.get("huy-lien-ket/1").status_code == 404
            assert stranger.post("huy-lien-ket/1").status_code == 404
            assert "Vietcombank" not in stranger.read("lich-su")
            assert "Vietcombank" not in stranger.read("/cua-toi/")

    def test_cannot_send_what_is_not_theirs(self, phone: Phone, stranger: Phone, bank: Bank) -> None:
        phone.to_check()
        seen = phone.hidden("kiem-tra")
        with Unchanged():
            assert stranger.post("gui", **seen).status_code == 409
        stranger.begin()
        draft = AccountDraft.objects.get(reference=seen["reference"])
        with Unchanged():
            assert stranger.post("ngan-hang", bank=ACB, reference=seen["reference"]).status_code == 409
            assert stranger.post("gui", **seen).status_code == 409
        assert AccountDraft.objects.get(pk=draft.pk).bank_id == VCB

    def test_who_is_in_no_register_owns_nothing(self, db: None) -> None:
        phone = Phone(make_citizen())
        with Unchanged():
            assert phone.get("ket-qua/ABCDEFGHJK").status_code == 404
            assert phone.get("huy-lien-ket/1").status_code == 404
            for path in ("ngan-hang", "so-tai-khoan", "hoi-lai", "dong-y", "gui"):
                answer = phone.post(path, **FILLED)
                assert answer.status_code == 409, path
                assert "Không còn hồ sơ đang làm dở." in answer.content.decode()
            assert "chưa đăng ký tài khoản nào" in phone.read("lich-su")

    @pytest.mark.parametrize("version", ["0", "99", "9" * 30])
    def test_versions_that_are_none(self, phone: Phone, bank: Bank, version: str) -> None:
        phone.register()
        assert phone.get(f"huy-lien-ket/{version}").status_code == 404


class TestStalePages:
    @pytest.fixture
    def old(self, phone: Phone, bank: Bank) -> dict[str, dict[str, str]]:
        """The hidden fields of every page, before something changes."""
        phone.to_check()
        return {path: phone.hidden(path) for path in ("ngan-hang", "so-tai-khoan", "dong-y", "kiem-tra")}

    def refused(self, answer: Any, words: str) -> None:
        assert answer.status_code == 409
        page = answer.content.decode()
        assert words in page
        assert "Không có gì được ghi lại." in page

    def test_another_bank_was_chosen_in_another_tab(
        self, phone: Phone, old: dict[str, dict[str, str]], bank: Bank
    ) -> None:
        phone.send("ngan-hang", bank=ACB)
        asked = len(bank.asked)
        with Unchanged():
            self.refused(phone.post("so-tai-khoan", number=OTHER, **old["so-tai-khoan"]), "Hồ sơ đã thay đổi")
            self.refused(phone.post("dong-y", agreed="on", **old["dong-y"]), "Hồ sơ đã thay đổi")
            self.refused(phone.post("gui", **old["kiem-tra"]), "Hồ sơ đã thay đổi")
        assert tasks.drain(budget_seconds=5) == 0
        assert len(bank.asked) == asked

    def test_another_number_was_answered_for_in_another_tab(
        self, phone: Phone, old: dict[str, dict[str, str]], bank: Bank
    ) -> None:
        phone.send("so-tai-khoan", number=OTHER)
        tasks.drain(budget_seconds=5)
        with Unchanged():
            self.refused(phone.post("dong-y", agreed="on", **old["dong-y"]), "Hồ sơ đã thay đổi")
            self.refused(phone.post("gui", **old["kiem-tra"]), "Hồ sơ đã thay đổi")

    def test_it_was_sent_in_another_tab(self, phone: Phone, old: dict[str, dict[str, str]], bank: Bank) -> None:
        phone.post("gui", **old["kiem-tra"])
        with Unchanged():
            for path in ("ngan-hang", "so-tai-khoan", "dong-y"):
                self.refused(phone.post(path, **(FILLED | old[path])), "Không còn hồ sơ đang làm dở.")
        phone.begin()  # and the next one is not touched by the old tab
        with Unchanged():
            self.refused(phone.post("ngan-hang", **(FILLED | old["ngan-hang"])), "Không còn hồ sơ đang làm dở.")
            self.refused(phone.post("dong-y", **(FILLED | old["dong-y"])), "Hồ sơ đã thay đổi")

    @pytest.mark.parametrize("seen", ["", "0" * 64, "é" * 64, "x" * 500, "\x00"])
    def test_what_was_seen_is_tampered_with(
        self, phone: Phone, old: dict[str, dict[str, str]], bank: Bank, seen: str
    ) -> None:
        with Unchanged():
            assert phone.post("gui", **(old["kiem-tra"] | {"seen": seen})).status_code == 409
            assert phone.post("dong-y", agreed="on", seen=seen).status_code in (409, 422)

    @pytest.mark.parametrize("reference", ["", "ABCDEFGHJK", "é", "\x00", "' OR 1=1", "x" * 500])
    def test_the_reference_is_tampered_with(
        self, phone: Phone, old: dict[str, dict[str, str]], bank: Bank, reference: str
    ) -> None:
        with Unchanged():
            assert phone.post("gui", **(old["kiem-tra"] | {"reference": reference})).status_code == 409
            assert phone.post("ngan-hang", bank=ACB, reference=reference).status_code in (409, 422)

    def test_steps_that_are_posted_too_early(self, phone: Phone, bank: Bank) -> None:
        phone.begin()
        with Unchanged():
            for path in ("so-tai-khoan", "dong-y"):
                self.refused(phone.post(path, **FILLED), "Hồ sơ đã thay đổi")
            self.refused(phone.post("hoi-lai"), "Ngân hàng chưa xác nhận số tài khoản này.")


class TestTwice:
    def test_sent_twice_it_is_one_account_and_one_page(self, phone: Phone, bank: Bank) -> None:
        phone.to_check()
        seen = phone.hidden("kiem-tra")
        first, second = phone.post("gui", **seen), phone.post("gui", **seen)
        assert first["Location"] == second["Location"]
        assert PayoutAccount.objects.count() == 1
        assert Consent.objects.count() == 1

    def test_a_number_typed_twice_is_one_question(self, phone: Phone, bank: Bank) -> None:
        phone.begin()
        phone.send("ngan-hang", bank=VCB)
        fields = phone.hidden("so-tai-khoan") | {"number": NUMBER}
        for _ in range(2):
            assert phone.post("so-tai-khoan", **fields)["Location"] == "/dang-ky/ten-chu-tai-khoan"
        assert tasks.drain(budget_seconds=5) == 1

    def test_begun_twice_it_is_one_registration(self, phone: Phone) -> None:
        phone.begin()
        phone.begin()
        assert AccountDraft.objects.count() == 1


class TestWithdrawal:
    def test_is_asked_first_and_done_once(self, phone: Phone, bank: Bank) -> None:
        phone.register()
        page = phone.read("huy-lien-ket/1")
        assert "Từ kỳ chi sau, ông, bà nhận tiền mặt" in page
        assert PayoutAccount.objects.get().state == "ACTIVE"
        for _ in range(2):
            assert phone.post("huy-lien-ket/1")["Location"] == "/cua-toi/"
        assert PayoutAccount.objects.get().state == "REVOKED"
        assert sorted(Consent.objects.values_list("kind", flat=True)) == ["GIVEN", "WITHDRAWN"]
        assert "Đã huỷ tài khoản nhận tiền." in phone.read("/cua-toi/")
        assert "Ông, bà đã huỷ" in phone.read("lich-su")
        reference = PayoutAccount.objects.get().reference
        assert str(reference) in phone.read(f"ket-qua/{reference}")

    def test_of_one_that_only_cools_leaves_the_other(self, phone: Phone, bank: Bank) -> None:
        phone.register()
        phone.register(OTHER)
        assert "vẫn nhận tiền vào Vietcombank **** 3456 như hiện nay" in phone.read("huy-lien-ket/2")
        assert "Tài khoản mới Vietcombank **** 9888 vẫn được giữ" in phone.read("huy-lien-ket/1")
        phone.post("huy-lien-ket/2")
        assert list(PayoutAccount.objects.order_by("version").values_list("state", flat=True)) == ["ACTIVE", "REVOKED"]

    def test_of_what_has_ended_in_another_way_is_refused(self, phone: Phone, person: Person, bank: Bank) -> None:
        make_account(Payee.objects.create(person=person), state="CLOSED")
        with Unchanged():
            for ask in (phone.get, phone.post):
                answer = ask("huy-lien-ket/1")
                assert answer.status_code == 409
                assert "Tài khoản đã đổi trạng thái." in answer.content.decode()


class TestQuiet:
    def test_no_page_has_a_number_in_its_address_and_no_event_in_its_payload(self, phone: Phone, bank: Bank) -> None:
        phone.to_check()
        sent = phone.send("kiem-tra", to="gui")
        assert NUMBER not in sent["Location"]
        assert NUMBER not in repr(list(AuditEvent.objects.values_list("payload", flat=True)))

    def test_pages_cost_the_same_for_a_long_history(self, phone: Phone, person: Person, bank: Bank) -> None:
        payee = Payee.objects.create(person=person)
        make_account(payee, state="CLOSED")
        paths = ("lich-su", "/cua-toi/", "/cua-toi/khoan-chi/")
        few = [phone.cost(path) for path in paths]
        for _ in range(30):
            make_account(payee, state="CLOSED")
        assert [phone.cost(path) for path in paths] == few
        assert max(few) <= 15
