"""A citizen registers an account through the pages: step by step, with every answer that a bank can give."""

from datetime import date
from typing import Any

import pytest

from beneficiaries import tasks
from beneficiaries.models import AccountDraft, Consent, Payee, PayoutAccount, Person
from beneficiaries.operations.registration import CONSENT_TEXT, ENQUIRIES_A_DAY
from beneficiaries.refusals import NextStep, refusal_of
from foundation.gateway.codes import ENQUIRY_REFUSALS
from foundation.users.models import User
from tests.beneficiaries.registering import AT_BANK, NAME, NUMBER, OTHER, Bank
from tests.conftest import Clock
from tests.factories import ACB, VCB, make_account, make_citizen, make_person
from tests.journeys.citizens import Phone

pytestmark = pytest.mark.django_db

CARD = "4111 1111 1111 1111"
FIRST_BUTTON = {
    NextStep.OTHER_NUMBER: 'href="/dang-ky/so-tai-khoan"',
    NextStep.OTHER_BANK: 'href="/dang-ky/ngan-hang"',
    NextStep.VISIT_BANK: 'action="/dang-ky/hoi-lai"',
    NextStep.POLICE: 'action="/dang-ky/hoi-lai"',
    NextStep.WAIT: 'action="/dang-ky/hoi-lai"',
    NextStep.WARD_OFFICE: 'href="/dang-ky/so-tai-khoan"',
}


class TestWholeWay:
    def test_from_the_start_to_the_receipt(self, phone: Phone, bank: Bank, person: Person) -> None:
        assert "Bắt đầu" in phone.read("")
        check = phone.to_check()
        assert "0071 0001 2345 6" in check
        assert "Tài khoản được dùng ngay" in check
        sent = phone.send("kiem-tra", to="gui")
        result = phone.read(sent["Location"])
        account = PayoutAccount.objects.get()
        assert sent["Location"] == f"/dang-ky/ket-qua/{account.reference}"
        assert str(account.reference) in result
        assert "Đang dùng để nhận tiền" in result
        assert NUMBER not in result
        assert account.state == "ACTIVE"
        consent = Consent.objects.get()
        assert (consent.person, consent.text) == (person, CONSENT_TEXT)
        assert not AccountDraft.objects.exists()
        assert str(account.reference) in phone.read(sent["Location"])  # it stays

    def test_somebody_who_is_new_to_the_register(self, bank: Bank, db: None) -> None:
        phone = Phone(make_citizen(full_name="Lê Thị Mới"))
        bank.holder = "LE THI MOI"
        assert "Đang dùng để nhận tiền" in phone.register()
        assert Person.objects.get().full_name == "Lê Thị Mới"

    def test_a_second_account_waits_for_the_safe_time(self, phone: Phone, bank: Bank) -> None:
        phone.register()
        assert "sau 72 giờ an toàn" in phone.to_check(OTHER)
        result = phone.read(phone.send("kiem-tra", to="gui")["Location"])
        until = PayoutAccount.objects.get(state="COOLING").cooling_until
        assert until is not None
        assert "Chờ hết thời gian an toàn" in result
        assert f"ngày {until:%d/%m/%Y}" in result or "Tài khoản được dùng từ" in result

    def test_a_near_name_goes_to_an_officer(self, phone: Phone, bank: Bank) -> None:
        bank.holder = "HOA NGUYEN THI"
        answer = phone.to_answer()
        assert "HOA NGUYEN THI" in answer
        assert "Cán bộ phường, xã sẽ xem lại" in answer
        phone.send("dong-y", agreed="on")
        assert "cán bộ sẽ xem lại" in phone.read("kiem-tra")
        assert "Chờ cán bộ xem lại" in phone.read(phone.send("kiem-tra", to="gui")["Location"])


class TestRefusals:
    @pytest.mark.parametrize("code", [*sorted({*ENQUIRY_REFUSALS} - {"TEMPORARY"}), "NEVER_HEARD_OF"])
    def test_each_has_its_own_words_and_way_out(self, phone: Phone, bank: Bank, code: str) -> None:
        bank.codes[NUMBER] = code
        page, refusal = phone.to_answer(), refusal_of(code)
        assert str(refusal.message) in page
        assert str(refusal.remedy) in page
        actions = page.partition('class="welfare-actions"')[2]
        button = FIRST_BUTTON[refusal.next_step]
        assert button in actions
        links = [actions.find(one) for one in set(FIRST_BUTTON.values()) if one in actions]
        assert actions.find(button) == min(links)
        assert "vẫn nhận tiền như hiện nay" in page
        assert phone.get("dong-y")["Location"] == "/dang-ky/ten-chu-tai-khoan"
        assert str(refusal.message) in phone.read("lich-su")

    def test_a_name_that_differs_is_not_shown(self, phone: Phone, bank: Bank) -> None:
        bank.holder = "TRAN VAN KHAC"
        page = phone.to_answer()
        assert str(refusal_of("NAME_MISMATCH").message) in page
        assert "TRAN VAN KHAC" not in page

    def test_a_busy_bank_keeps_the_request(self, phone: Phone, bank: Bank, clock: Clock) -> None:
        bank.codes[NUMBER] = "TEMPORARY"
        assert "Đang hỏi Vietcombank" in phone.to_answer()
        clock.shift("3 minutes")
        assert "Ngân hàng đang bận, yêu cầu được giữ lại." in phone.read("ten-chu-tai-khoan")
        del bank.codes[NUMBER]
        tasks.drain(budget_seconds=5)
        assert AT_BANK in phone.read("ten-chu-tai-khoan")

    def test_asks_again_once_things_are_put_right(self, phone: Phone, bank: Bank) -> None:
        bank.codes[NUMBER] = "BIO_MISSING"
        phone.to_answer()
        del bank.codes[NUMBER]
        assert phone.post("hoi-lai")["Location"] == "/dang-ky/ten-chu-tai-khoan"
        assert "Đang hỏi Vietcombank" in phone.read("ten-chu-tai-khoan")
        tasks.drain(budget_seconds=5)
        assert AT_BANK in phone.read("ten-chu-tai-khoan")

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("", "Nhập số tài khoản."),
            (CARD, "Đây là số thẻ, không phải số tài khoản."),
            ("số của tôi", "chỉ gồm chữ số và chữ cái không dấu"),
            ("1" * 20, "nhiều nhất 19 ký tự"),
            ("1" * 200, "Số này quá dài"),
            ("007\x00100", "Ký tự rỗng"),
        ],
    )
    def test_a_wrong_number_stays_in_the_form(self, phone: Phone, bank: Bank, typed: str, words: str) -> None:
        phone.begin()
        phone.send("ngan-hang", bank=VCB)
        answer = phone.send("so-tai-khoan", number=typed)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "<title>Lỗi:" in page
        assert "Chưa tiếp tục được" in page
        assert words in page or words == "Ký tự rỗng"
        assert AccountDraft.objects.get().state == "NONE"
        assert bank.asked == []

    def test_spaces_dots_and_small_letters_are_taken(self, phone: Phone, bank: Bank) -> None:
        phone.to_answer(" 0071.0001-23 456 ")
        assert bank.asked[0]["creditor_account"] == NUMBER

    def test_the_account_that_is_in_use_already(self, phone: Phone, bank: Bank) -> None:
        phone.register()
        phone.begin()
        phone.send("ngan-hang", bank=VCB)
        answer = phone.send("so-tai-khoan", number=NUMBER)
        assert answer.status_code == 409
        assert "Ông, bà đã đăng ký tài khoản này rồi." in answer.content.decode()

    def test_the_account_of_somebody_else_is_told_when_it_is_sent(self, phone: Phone, bank: Bank) -> None:
        make_account(Payee.objects.create(person=make_person("Trần Văn Khác")), number=NUMBER)
        phone.to_check()
        answer = phone.send("kiem-tra", to="gui")
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Không đăng ký được tài khoản này cho ông, bà." in page
        assert FIRST_BUTTON[NextStep.OTHER_NUMBER] in page
        assert "Khác" not in page.partition("<main")[2].partition("</main")[0].replace("khác", "")
        assert PayoutAccount.objects.count() == 1
        assert AccountDraft.objects.exists()

    def test_too_many_questions_on_a_day(self, phone: Phone, bank: Bank) -> None:
        phone.begin()
        phone.send("ngan-hang", bank=VCB)
        for number in range(ENQUIRIES_A_DAY):
            assert phone.send("so-tai-khoan", number=f"10000000{number:02d}").status_code == 302
        answer = phone.send("so-tai-khoan", number=NUMBER)
        assert answer.status_code == 429
        assert "Hôm nay ông, bà đã hỏi ngân hàng quá số lần cho phép." in answer.content.decode()
        tasks.drain(budget_seconds=5)
        assert [question["creditor_account"] for question in bank.asked] == ["1000000009"]

    def test_a_bank_that_is_in_no_list(self, phone: Phone) -> None:
        phone.begin()
        for choice in ({}, {"bank": "other"}, {"bank": "970460"}, {"other": "000000"}, {"bank": "'; --"}):
            answer = phone.send("ngan-hang", **choice)
            assert answer.status_code == 422, choice
            assert "<title>Lỗi:" in answer.content.decode()
        assert AccountDraft.objects.get().bank is None

    def test_somebody_who_lives_elsewhere(self, db: None) -> None:
        phone = Phone(make_citizen(unit_code="00004"))
        answer = phone.post("")
        assert answer.status_code == 403
        assert "không thuộc Thành phố Hồ Chí Minh" in answer.content.decode()
        assert not Person.objects.exists()

    def test_somebody_whom_the_register_has_as_dead(self, phone: Phone, person: Person) -> None:
        Person.objects.filter(pk=person.pk).update(deceased_date=date(2026, 1, 1))
        answer = phone.post("")
        assert answer.status_code == 403
        assert "Mang căn cước đến Ủy ban nhân dân phường, xã" in answer.content.decode()
        assert not AccountDraft.objects.exists()


class TestConsent:
    def test_the_box_is_empty_and_the_words_are_those_that_are_kept(self, phone: Phone, bank: Bank) -> None:
        phone.to_answer()
        page = phone.read("dong-y")
        assert CONSENT_TEXT in page
        [box] = [tag for tag in page.split("<") if tag.startswith("input") and 'name="agreed"' in tag]
        assert "checked" not in box
        phone.send("dong-y", agreed="on")
        [box] = [tag for tag in phone.read("dong-y").split("<") if 'name="agreed"' in tag]
        assert "checked" not in box

    def test_without_it_nothing_goes_on(self, phone: Phone, bank: Bank) -> None:
        phone.to_answer()
        answer = phone.send("dong-y")
        assert answer.status_code == 422
        assert "Không đồng ý thì ông, bà vẫn nhận tiền mặt." in answer.content.decode()
        assert AccountDraft.objects.get().consented_at is None
        assert phone.get("kiem-tra")["Location"] == "/dang-ky/dong-y"


class TestSaved:
    def test_every_step_is_kept_for_another_phone(self, phone: Phone, user: User, bank: Bank) -> None:
        def lead() -> str:
            return str(Phone(user).get("tiep-tuc")["Location"]).removeprefix("/dang-ky/")

        assert lead() == ""
        phone.begin()
        assert lead() == "thong-tin"
        phone.send("ngan-hang", bank=VCB)
        assert lead() == "so-tai-khoan"
        phone.send("so-tai-khoan", number=NUMBER)
        assert lead() == "ten-chu-tai-khoan"
        tasks.drain(budget_seconds=5)
        assert lead() == "ten-chu-tai-khoan"
        phone.send("dong-y", agreed="on")
        assert lead() == "kiem-tra"
        other = Phone(user)
        assert "Tiếp tục đăng ký" in other.read("")
        assert "Tiếp tục đăng ký" in other.read("/cua-toi/")
        assert NUMBER in other.read("so-tai-khoan")
        other.send("kiem-tra", to="gui")
        assert PayoutAccount.objects.get().state == "ACTIVE"

    @pytest.mark.parametrize("path", ["so-tai-khoan", "ten-chu-tai-khoan", "dong-y", "kiem-tra"])
    def test_a_step_opened_too_early_leads_back_with_words(self, phone: Phone, path: str) -> None:
        assert phone.get(path)["Location"] == "/dang-ky/"
        assert "Bấm Bắt đầu để đăng ký tài khoản." in phone.read("")
        phone.begin()
        assert phone.get(path)["Location"] == "/dang-ky/ngan-hang"
        assert "Làm xong bước này trước đã." in phone.read("ngan-hang")

    def test_to_be_done_later(self, phone: Phone) -> None:
        phone.begin()
        assert phone.send("ngan-hang", bank=VCB, later="1")["Location"] == "/cua-toi/"
        home = phone.read("/cua-toi/")
        assert "Đã lưu. Ông, bà làm tiếp lúc nào cũng được." in home
        assert "Đã lưu lúc" in home
        assert AccountDraft.objects.get().bank_id == VCB

    def test_an_answer_of_yesterday_is_asked_for_again(self, phone: Phone, bank: Bank, clock: Clock) -> None:
        phone.to_check()
        seen = phone.hidden("kiem-tra")
        clock.shift("25 hours")
        assert phone.get("kiem-tra")["Location"] == "/dang-ky/ten-chu-tai-khoan"
        answer = phone.post("gui", **seen)
        assert answer.status_code == 409
        assert "hơn 24 giờ" in answer.content.decode()
        assert "Cần hỏi lại ngân hàng" in phone.read("ten-chu-tai-khoan")
        phone.post("hoi-lai")
        tasks.drain(budget_seconds=5)
        assert AT_BANK in phone.read("ten-chu-tai-khoan")

    def test_a_change_from_the_last_page_leads_back_to_it(self, phone: Phone, bank: Bank) -> None:
        page = phone.to_check()
        for path in ("thong-tin", "ngan-hang", "so-tai-khoan", "dong-y"):
            assert f"/dang-ky/{path}?ve=kiem-tra" in page
        assert 'href="/dang-ky/kiem-tra"' in phone.read("thong-tin?ve=kiem-tra")
        same = phone.send("ngan-hang?ve=kiem-tra", to="ngan-hang", bank=VCB, ve="kiem-tra")
        assert same["Location"] == "/dang-ky/kiem-tra"
        same = phone.send("so-tai-khoan?ve=kiem-tra", to="so-tai-khoan", number=NUMBER, ve="kiem-tra")
        assert same["Location"] == "/dang-ky/kiem-tra"
        other = phone.send("ngan-hang?ve=kiem-tra", to="ngan-hang", bank=ACB, ve="kiem-tra")
        assert other["Location"] == "/dang-ky/so-tai-khoan"
        assert phone.get("kiem-tra")["Location"] == "/dang-ky/so-tai-khoan"


class TestWaiting:
    def test_the_page_asks_by_itself_and_stops_once_it_knows(self, phone: Phone, bank: Bank, clock: Clock) -> None:
        phone.ask()
        page = phone.read("ten-chu-tai-khoan")
        assert 'hx-trigger="every 2s"' in page
        assert "htmx" in page
        assert '"X-Asked-By-Page": "1"' in page
        assert "Xem kết quả" in page
        assert phone.get("ten-chu-tai-khoan", HX_Request="true").status_code == 204
        clock.shift("3 minutes")
        slow = phone.read("ten-chu-tai-khoan", HX_Request="true")
        assert 'hx-trigger="every 10s"' in slow
        assert phone.get("ten-chu-tai-khoan?slow=1", HX_Request="true").status_code == 204
        tasks.drain(budget_seconds=5)
        part = phone.read("ten-chu-tai-khoan?slow=1", HX_Request="true")
        assert AT_BANK in part
        assert "<html" not in part
        assert "<title>Tên chủ tài khoản" in part
        assert "hx-get" not in part

    def test_a_part_without_a_registration_leads_to_the_start(self, phone: Phone) -> None:
        assert phone.get("ten-chu-tai-khoan", HX_Request="true")["HX-Redirect"] == "/dang-ky/"


class TestOwnDetails:
    def test_come_from_vneid_with_the_number_masked(self, phone: Phone) -> None:
        phone.begin()
        page = phone.read("thong-tin")
        assert NAME in page
        assert "01/05/1948" in page
        assert "Nữ" in page
        assert "Sổ của phường, xã ghi khác" not in page

    @pytest.mark.parametrize(
        ("claims", "words"),
        [
            ({"full_name": "Nguyễn Thị Hoa"}, f"sổ ghi <strong>{NAME}</strong>, VNeID ghi <strong>Nguyễn Thị Hoa"),
            ({"full_name": "Nguyễn Thị Hòa"}, ""),  # the mark stands elsewhere: one name
            ({"birth_date": date(1949, 5, 1)}, "sổ ghi <strong>01/05/1948</strong>"),
            ({"birth_date": date(1948, 1, 1), "birth_precision": "YEAR"}, ""),
            ({"sex": "M"}, "VNeID ghi <strong>Nam"),
            ({"unit_code": "00004"}, "VNeID ghi <strong>Ngoài Thành phố"),
            ({"unit_code": ""}, ""),
        ],
    )
    def test_differences_from_the_register_are_told(self, person: Person, claims: dict[str, Any], words: str) -> None:
        phone = Phone(make_citizen(person, **claims))
        phone.begin()
        page = phone.read("thong-tin")
        assert ("Sổ của phường, xã ghi khác VNeID" in page) == bool(words)
        assert words in page

    def test_birth_as_precise_as_it_is_known(self, person: Person) -> None:
        Person.objects.filter(pk=person.pk).update(birth_date=date(1940, 1, 1), birth_precision="YEAR")
        person.refresh_from_db()
        phone = Phone(make_citizen(person))
        phone.begin()
        page = phone.read("thong-tin")
        assert "Năm sinh" in page
        assert "01/01/1940" not in page


class TestBanks:
    def test_all_that_can_be_paid_into_with_names_and_wallets_marked(self, phone: Phone) -> None:
        phone.begin()
        page = phone.read("ngan-hang")
        assert "Techcombank (TCB) – Ngân hàng TMCP Kỹ Thương Việt Nam" in page
        assert '<optgroup label="Ví điện tử">' in page
        assert "VietCredit" not in page  # a finance company holds no account
        assert page.count(">CIMB") == 1  # one bank with two numbers

    def test_one_from_the_whole_list(self, phone: Phone) -> None:
        phone.begin()
        assert phone.send("ngan-hang", bank="other", other="970407")["Location"] == "/dang-ky/so-tai-khoan"
        assert "Techcombank" in phone.read("so-tai-khoan")
        page = phone.read("ngan-hang")
        assert '<option value="970407" selected>' in page
        assert phone.send("ngan-hang", other="970448")["Location"] == "/dang-ky/so-tai-khoan"
        assert AccountDraft.objects.get().bank_id == "970448"

    @pytest.mark.parametrize(
        ("saved", "button", "entry", "chosen"),
        [
            (VCB, VCB, "970407", "970407"),  # the button stood pressed, the list was touched
            ("970407", ACB, "970407", ACB),  # the list stood there, the button was touched
            (VCB, ACB, "970407", None),  # both were touched: nobody guesses
            (VCB, ACB, "", ACB),
        ],
    )
    def test_of_two_that_disagree_the_one_that_was_touched(
        self, phone: Phone, saved: str, button: str, entry: str, chosen: str | None
    ) -> None:
        phone.begin()
        phone.send("ngan-hang", **({"bank": saved} if saved == VCB else {"other": saved}))
        answer = phone.send("ngan-hang", bank=button, other=entry)
        assert answer.status_code == (302 if chosen else 422)
        assert AccountDraft.objects.get().bank_id == (chosen or saved)
        assert ("đã chọn hai nơi" in answer.content.decode()) == (chosen is None)
