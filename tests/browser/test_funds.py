"""Money in a real browser: a fund, its papers by two persons, its ledger, what goes back and what is taken back, in pictures."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from foundation.users.models import User
from payments.models import Fund, FundingVoucher, Transfer
from payments.operations import release
from payments.states import BatchKind
from tests.browser.city import City
from tests.browser.visitor import Visitor
from tests.factories import Office, approve, build_batch, make_entitled
from tests.payments.helpers import balances
from tests.payments.papers import entitlement_of, recovering

LATER = timedelta(days=20)


def ward() -> Office:
    """The demonstration ward with a list that holds money, one that lacks it, and one person of whom money is taken back."""
    office = Office(
        preparer=User.objects.get(username="canbo.lap"),
        approver=User.objects.get(username="lanhdao.duyet"),
        accountant=User.objects.get(username="ketoan"),
        fund=Fund.objects.get(),
    )
    payees = make_entitled(3)
    recovering(office, entitlement_of(payees[0]))
    day = office.at().date() + LATER
    release.reserve_batch(batch_id=approve(office, build_batch(office, execution_date=day)).pk, at=office.at())
    return office


def lack_money(office: Office) -> None:
    """Another list, larger than what is left."""
    payees = make_entitled(1)
    entitlement = entitlement_of(payees[0])
    type(entitlement).objects.filter(pk=entitlement.pk).update(
        coefficient=None, fixed_amount=balances(office)["FUNDING"] + 350_000
    )
    day = office.at().date() + LATER
    approve(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY, execution_date=day))


@pytest.mark.parametrize(("width", "script"), [(1280, True), (390, True), (390, False)])
def test_money_comes_and_goes_by_two_persons(browser: Browser, office: City, width: int, script: bool) -> None:
    money = ward()
    before = balances(money)
    accountant = Visitor(browser, office.portal, width=width, script=script)
    accountant.sign_in_officer("ketoan")
    accountant.open("/can-bo/nguon/")
    accountant.look("funds")
    accountant.press(money.fund.name)
    accountant.look("fund")
    accountant.press("Ghi chứng từ")
    accountant.look("voucher-new")
    accountant.page.fill("[name=number]", "KB-2026-77")
    accountant.page.fill("[name=voucher_date]", "2026-11-02")
    accountant.page.fill("[name=amount]", "26.650.000")
    accountant.press("Ghi chứng từ")
    accountant.look("voucher-own")

    approver = Visitor(browser, office.portal, width=width, script=script)
    approver.sign_in_officer("lanhdao.duyet")
    approver.open(f"/can-bo/nguon/chung-tu/{FundingVoucher.objects.get(number='KB-2026-77').pk}/")
    approver.look("voucher")
    approver.press("Xác nhận chứng từ")
    approver.look("voucher-confirmed")
    assert balances(money)["FUNDING"] == before["FUNDING"] + 26_650_000

    accountant.open(f"/can-bo/nguon/{money.fund.pk}/nop-tra")
    accountant.look("remit")
    accountant.page.fill("[name=amount]", "1.000.000")
    accountant.page.fill("[name=reason]", "Hết quý, tiền không chi nộp trả ngân sách")
    accountant.press("Đề nghị nộp trả")
    accountant.look("remit-proposed")
    approver.open(f"/can-bo/nguon/{money.fund.pk}/")
    approver.press("Đề nghị nộp trả ngân sách đang chờ người thứ hai")
    approver.look("remit-decide")
    approver.press("Đồng ý và thực hiện")
    assert balances(money)["FUNDING"] == before["FUNDING"] + 25_650_000
    for part in ("so-cai", "chung-tu"):
        approver.open(f"/can-bo/nguon/{money.fund.pk}/{part}")
        approver.look(f"fund-{part}")
    accountant.close()
    approver.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_lacking_and_what_is_taken_back_is_shown(browser: Browser, office: City, width: int) -> None:
    money = ward()
    lack_money(money)
    accountant = Visitor(browser, office.portal, width=width)
    accountant.sign_in_officer("ketoan")
    accountant.open(f"/can-bo/nguon/{money.fund.pk}/")
    assert "Nguồn kinh phí không đủ: thiếu 350.000\u00a0đ" in accountant.text()
    accountant.look("fund-lacking")
    accountant.open("/can-bo/nguon/thu-hoi/")
    accountant.look("recoveries")
    accountant.press("QĐ-77")
    accountant.look("recovery")
    accountant.press("Đề nghị thôi thu")
    accountant.look("recovery-stop")
    accountant.open("/can-bo/nguon/thu-hoi/ghi")
    accountant.look("recovery-find")
    transfer = Transfer.objects.order_by("id")[1]
    accountant.page.fill("[name=ma]", transfer.public_reference)
    accountant.press("Tìm")
    accountant.page.fill("[name=number]", "QĐ-99")
    accountant.press("Ghi")
    accountant.look("recovery-errors")
    accountant.close()
