"""How a ward's list says that people are paid: by the post office, at home, or as usual; an officer's word stands above it."""

from typing import Any

import pytest

from beneficiaries.models import Payee, PaymentWay
from beneficiaries.operations.ways import choose_way
from beneficiaries.states import Delivery, Way
from foundation.audit import clock
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.importing import check, codes, commit
from tests.beneficiaries.register_file.lists import CASH, line, list_xlsx
from tests.factories import make_staff


def paid(channel: str, **changes: Any) -> bytes:
    return list_xlsx(line(**CASH | {"channel": channel} | changes))


def ways() -> list[tuple[str, str, str]]:
    return list(PaymentWay.objects.order_by("id").values_list("way", "delivery", "source"))


@pytest.mark.parametrize(
    ("word", "delivery"), [("Bưu điện", "PAY_POINT"), ("Điểm chi trả", "PAY_POINT"), ("Tại nhà", "HOME")]
)
def test_a_word_of_the_list_is_a_way_of_the_payee(officer: User, word: str, delivery: str) -> None:
    commit(officer, paid(word))
    assert ways() == [("PAYMENT_SERVICE", delivery, "FILE")]
    assert PaymentWay.objects.get().recorded_by == officer


@pytest.mark.parametrize("word", ["Tiền mặt", "Tại phường"])
def test_cash_at_the_ward_is_nothing_to_write_down(officer: User, word: str) -> None:
    commit(officer, paid(word))
    assert ways() == []


def test_the_same_list_again_writes_nothing(officer: User) -> None:
    commit(officer, paid("Tại nhà"))
    assert check(officer, paid("Tại nhà")).changed == 0
    commit(officer, paid("Tại nhà", note="lần hai"))
    assert len(ways()) == 1


def test_a_list_that_says_otherwise_shows_it_and_ends_it_by_a_new_row(officer: User) -> None:
    commit(officer, paid("Tại nhà"))
    preview = check(officer, paid("Tiền mặt"))
    assert preview.changes[0].fields == {"channel": ("Chi trả tại nhà", "")}
    commit(officer, paid("Tiền mặt"))
    assert ways() == [("PAYMENT_SERVICE", "HOME", "FILE"), ("USUAL", "", "FILE")]


def test_what_an_officer_wrote_down_stands(officer: User) -> None:
    commit(officer, paid("Tiền mặt"))
    payee = Payee.objects.get()
    choose_way(
        payee_id=payee.pk,
        way=Way.PAYMENT_SERVICE,
        delivery=Delivery.CARD,
        service_code="KH000123",
        reason="Người nhận xuất trình thẻ chi trả",
        by=make_staff(Role.PREPARER),
        at=clock.now(),
    )
    preview = check(officer, paid("Tại nhà"))
    assert codes(preview) == {"WAY_CHOSEN_OTHERWISE"}
    assert preview.in_order
    commit(officer, paid("Tại nhà"))
    assert ways() == [("PAYMENT_SERVICE", "CARD", "OFFICER")]
