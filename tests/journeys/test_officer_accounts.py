"""The second person confirms what lists brought: exactly what he saw, never his own, and near matches one by one."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from beneficiaries.models import PayoutAccount
from beneficiaries.tasks import drain
from beneficiaries.views import accounts
from foundation.audit.models import AuditEvent
from foundation.reference.loading import load_reference
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.importing import SAI_GON, check, write
from tests.beneficiaries.register_file.lists import line, list_xlsx, other
from tests.beneficiaries.registering import NEAR, Bank
from tests.factories import WARD, make_staff

pytestmark = pytest.mark.django_db
PAGE = "/can-bo/tai-khoan/"
REASON = "Đã đối chiếu sổ tiết kiệm và căn cước"


class Names(Bank):
    """Every account is held by whoever the list says, but for the numbers that a test names."""

    def __init__(self, **holders: str) -> None:
        super().__init__()
        self.holders = holders

    def enquire_name(self, **question: Any) -> Any:
        self.holder = self.holders.get(f"n{question['creditor_account']}", "LE VAN BA")
        return super().enquire_name(**question)


@pytest.fixture
def preparer() -> User:
    load_reference(demo=True)
    return make_staff(Role.PREPARER)


@pytest.fixture
def approver() -> User:
    return make_staff(Role.APPROVER, full_name="Lê Thu Hà")


@pytest.fixture
def desk(client: Client, approver: User) -> Client:
    client.force_login(approver)
    return client


def bring(
    preparer: User, monkeypatch: pytest.MonkeyPatch, *, count: int = 3, bank: Any = None, first: int = 1
) -> None:
    """A list whose `count` people are paid into accounts that the bank has been asked about."""
    lines = [
        other(
            number, channel="Chuyển khoản", bank="Vietcombank", account_number=f"00710000{number:05d}",
            holder_name="LE VAN BA",
        )
        for number in range(first, first + count)
    ]  # fmt: skip
    write(preparer, check(preparer, list_xlsx(*lines)))
    ask(monkeypatch, bank or Names())


def ask(monkeypatch: pytest.MonkeyPatch, bank: Any) -> None:
    monkeypatch.setattr("beneficiaries.tasks.gateway", lambda: bank)
    drain(budget_seconds=5)


def states() -> list[str]:
    return list(PayoutAccount.objects.order_by("pk").values_list("state", flat=True))


def seen(page: str) -> dict[str, str]:
    """The hidden fields of the form on the page."""
    return {name: page.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("unit", "seen")}


class TestConfirmingAList:
    def test_shows_who_where_and_by_whom_and_confirms_them(
        self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(preparer, monkeypatch)
        page = desk.get(PAGE).content.decode()
        for words in ("Xác nhận 3 tài khoản khớp tên", "Lê Văn Ba", "LE VAN BA", preparer.full_name, "**** 0001"):
            assert words in page
        assert "0071000000001" not in page
        answer = desk.post(f"{PAGE}xac-nhan", seen(page))
        assert (answer.status_code, states()) == (302, ["ACTIVE"] * 3)
        page = desk.get(answer["Location"]).content.decode()
        assert "Đã xác nhận 3 tài khoản." in page
        assert "Không còn tài khoản nào chờ xác nhận." in page

    def test_confirms_exactly_what_was_seen(
        self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(preparer, monkeypatch)
        old = seen(desk.get(PAGE).content.decode())
        bring(preparer, monkeypatch, count=1, first=9)
        for told in (old, old | {"seen": "0" * 64}, old | {"seen": ""}):
            answer = desk.post(f"{PAGE}xac-nhan", told)
            assert answer.status_code == 409
            assert "đã thay đổi sau khi ông, bà mở trang" in answer.content.decode()
        assert states() == ["ACCOUNT_CHECKED"] * 4
        assert desk.post(f"{PAGE}xac-nhan", seen(desk.get(PAGE).content.decode())).status_code == 302
        assert states() == ["ACTIVE"] * 4

    def test_a_second_click_confirms_nothing_more(
        self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(preparer, monkeypatch)
        told = seen(desk.get(PAGE).content.decode())
        assert [desk.post(f"{PAGE}xac-nhan", told).status_code for _ in range(2)] == [302, 409]
        assert AuditEvent.objects.filter(kind="accounts.confirmed").count() == 1

    def test_waits_with_the_button_until_the_banks_have_answered(
        self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(preparer, monkeypatch)
        write(
            preparer, check(preparer, list_xlsx(line(account_number="0071000123456")))
        )  # nobody has asked about it yet
        page = desk.get(PAGE).content.decode()
        assert "Đợi ngân hàng trả lời hết rồi xác nhận." in page
        assert "tài khoản khớp tên" not in page

    def test_tells_the_number_with_dots(self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch) -> None:
        bring(preparer, monkeypatch)
        monkeypatch.setattr(accounts, "confirm_listed_accounts", lambda **_told: 1035)
        answer = desk.post(f"{PAGE}xac-nhan", seen(desk.get(PAGE).content.decode()))
        assert "Đã xác nhận 1.035 tài khoản." in desk.get(answer["Location"]).content.decode()

    @pytest.mark.parametrize("text", ["9" * 5000, "9" * 30, "-1", "x"])
    def test_nonsense_in_an_address_is_no_error(
        self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        bring(preparer, monkeypatch, count=1)
        assert desk.get(PAGE, {"sau": text}).status_code == 200

    def test_leaves_the_officers_own_to_somebody_else(
        self, client: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(preparer, monkeypatch)
        client.force_login(make_staff(Role.APPROVER, person="079048000002"))
        page = client.get(PAGE).content.decode()
        assert "Xác nhận 2 tài khoản khớp tên" in page
        assert "Không xác nhận chung được" in page
        client.post(f"{PAGE}xac-nhan", seen(page))
        assert states() == ["ACTIVE", "ACCOUNT_CHECKED", "ACTIVE"]
        own = PayoutAccount.objects.get(state="ACCOUNT_CHECKED")
        answer = client.post(f"{PAGE}{own.pk}/", {"reason": REASON, "decision": "refuse"})
        assert answer.status_code == 403
        assert "không được tự duyệt" in answer.content.decode()

    def test_tells_how_many_banks_have_not_answered_and_follows_them(
        self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(
            preparer,
            check(preparer, list_xlsx(line(account_number="0071000123456"), other(2))),
        )
        page = desk.get(PAGE).content.decode()
        assert 'hx-trigger="every 2s"' in page
        part = desk.get(PAGE, headers={"HX-Request": "true"}).content.decode()
        assert part.lstrip().startswith("<div")
        ask(monkeypatch, Bank())
        part = desk.get(PAGE, headers={"HX-Request": "true"}).content.decode()
        assert "hx-trigger" not in part
        assert "Ngân hàng đã trả lời hết." in part

    def test_is_for_the_officers_own_units(
        self, client: Client, preparer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(preparer, monkeypatch)
        client.force_login(make_staff(Role.APPROVER))
        told = seen(client.get(PAGE).content.decode())
        client.force_login(make_staff(Role.APPROVER, unit=SAI_GON))
        assert "Chưa có tài khoản nào." in client.get(f"{PAGE}?don-vi={WARD}").content.decode()
        assert client.post(f"{PAGE}xac-nhan", told).status_code == 403
        assert client.get(f"{PAGE}{PayoutAccount.objects.first().pk}/").status_code == 404  # type: ignore[union-attr]
        client.force_login(preparer)
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}xac-nhan", told).status_code == 403
        client.logout()
        assert client.post(f"{PAGE}xac-nhan", told).status_code == 401
        assert states() == ["ACCOUNT_CHECKED"] * 3

    @pytest.mark.parametrize("unit", ["", "\x00", "'; --", "99999"])
    def test_knows_no_such_unit(self, desk: Client, unit: str) -> None:
        assert desk.post(f"{PAGE}xac-nhan", {"unit": unit, "seen": ""}).status_code in (403, 404)
        assert desk.get(PAGE, {"don-vi": unit, "sau": "9" * 30}).status_code == 200
        assert desk.get(f"{PAGE}{'9' * 30}/").status_code == 404

    def test_costs_the_same_for_many(self, desk: Client, preparer: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def queries() -> int:
            desk.get(PAGE)
            with CaptureQueriesContext(connection) as captured:
                desk.get(PAGE)
            return len(captured)

        bring(preparer, monkeypatch, count=2)
        few = queries()
        bring(preparer, monkeypatch, count=40, first=5)
        assert queries() == few


class TestANearMatch:
    @pytest.fixture
    def account(self, preparer: User, monkeypatch: pytest.MonkeyPatch) -> PayoutAccount:
        write(preparer, check(preparer, list_xlsx(line())))
        ask(monkeypatch, NEAR)
        return PayoutAccount.objects.get(state="REVIEW")

    def test_shows_both_names_and_is_accepted_with_a_reason(self, desk: Client, account: PayoutAccount) -> None:
        assert "Gần khớp" in desk.get(PAGE).content.decode()
        page = desk.get(f"{PAGE}{account.pk}/").content.decode()
        assert "Nguyễn Thị Hoà" in page
        assert "HOA NGUYEN THI" in page
        answer = desk.post(f"{PAGE}{account.pk}/", {"reason": REASON, "decision": "accept"})
        assert (answer.status_code, states()) == (302, ["ACTIVE"])
        again = desk.post(f"{PAGE}{account.pk}/", {"reason": REASON, "decision": "accept"})
        assert again.status_code == 409
        assert "không còn chờ xem xét" in desk.get(f"{PAGE}{account.pk}/").content.decode()

    def test_is_refused_with_a_reason(self, desk: Client, account: PayoutAccount) -> None:
        assert desk.post(f"{PAGE}{account.pk}/", {"reason": REASON, "decision": "refuse"}).status_code == 302
        assert states() == ["REFUSED"]

    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ({"reason": "ngắn", "decision": "accept"}, "ít nhất 10 ký tự"),
            ({"reason": "", "decision": "accept"}, "Ghi lý do."),
            ({"reason": "Đã gọi số 0903 123 456 để hỏi", "decision": "accept"}, "số định danh, số tài khoản"),
            ({"reason": REASON, "decision": "perhaps"}, "Chọn chấp nhận hoặc không chấp nhận."),
            ({"reason": REASON}, "Chọn chấp nhận hoặc không chấp nhận."),
        ],
    )
    def test_needs_a_decision_and_a_reason_without_numbers(
        self, desk: Client, account: PayoutAccount, told: dict[str, str], words: str
    ) -> None:
        answer = desk.post(f"{PAGE}{account.pk}/", told)
        assert (answer.status_code, states()) == (422, ["REVIEW"])
        assert words in answer.content.decode()
        assert "Lỗi:" in answer.content.decode()

    def test_of_a_list_that_the_officer_brought_himself_is_for_somebody_else(
        self, client: Client, account: PayoutAccount
    ) -> None:
        client.force_login(make_staff(Role.APPROVER, person="079148001234"))
        answer = client.post(f"{PAGE}{account.pk}/", {"reason": REASON, "decision": "accept"})
        assert (answer.status_code, states()) == (403, ["REVIEW"])
