"""An officer's second factors in a real browser, with an authenticator that the browser plays."""

import pytest
from playwright.sync_api import Browser

from tests.browser.city import City
from tests.browser.visitor import Visitor

WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@WIDTHS
def test_an_officer_signs_in_with_a_passkey(browser: Browser, office: City, width: int) -> None:
    officer = Visitor(browser, office.portal, width=width)
    officer.open("/can-bo/dang-nhap")
    officer.look("staff-sign-in")
    device = officer.context.new_cdp_session(officer.page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    officer.sign_in_officer("lanhdao.duyet")
    officer.open("/can-bo/bao-mat/webauthn/add/")
    officer.confirm_password()
    officer.page.wait_for_url("**/webauthn/add/")
    officer.look("passkey-add")
    officer.page.locator("[name=name]").fill("Điện thoại cơ quan")
    officer.page.locator("[name=passwordless]").check()
    officer.page.locator("#mfa_webauthn_add").click()
    officer.page.wait_for_url("**/recovery-codes/")
    officer.look("recovery-codes")
    officer.open("/can-bo/bao-mat/")
    officer.look("security")
    officer.open("/can-bo/bao-mat/webauthn/")
    officer.look("passkeys")

    officer.press("Đăng xuất")
    officer.page.wait_for_url("**/da-dang-xuat")
    officer.look("signed-out")
    officer.open("/can-bo/dang-nhap")
    officer.page.locator("#passkey_login").click()
    officer.page.wait_for_url("**/can-bo/")
    officer.close()


@WIDTHS
def test_an_officer_sees_the_code_to_scan(browser: Browser, office: City, width: int) -> None:
    officer = Visitor(browser, office.portal, width=width)
    officer.sign_in_officer("canbo.lap")
    officer.open("/can-bo/bao-mat/totp/activate/")
    officer.confirm_password()
    officer.page.wait_for_url("**/totp/activate/")
    officer.look("totp")
    officer.page.fill("[name=code]", "000000")
    officer.page.locator("main form button").first.click()
    officer.page.wait_for_load_state()
    assert officer.page.title().startswith("Lỗi:")
    officer.look("totp-wrong")
    officer.open("/can-bo/doi-mat-khau")
    officer.look("password-change")
    officer.close()
