"""The first page, as a citizen's phone and an officer's desk see it."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@WIDTHS
def test_opens_styled_and_without_error(page: Page, portal: str, width: int) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})

    answer = page.goto(portal)

    assert answer is not None
    assert answer.status == 200
    assert page.get_by_role("heading", level=1).inner_text() == "Nhận tiền an sinh xã hội vào tài khoản"
    header = page.locator("header").evaluate("element => getComputedStyle(element).backgroundColor")
    assert header == "rgb(142, 27, 31)"  # lacquer: the styles came
    font = page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px \"Be Vietnam Pro\"'))")
    assert font
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
    assert problems == []


@WIDTHS
def test_has_no_barrier_that_a_program_can_see(page: Page, portal: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(portal)
    found: Any = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_an_unknown_address_says_so_in_vietnamese(page: Page, portal: str) -> None:
    answer = page.goto(f"{portal}/khong-co")
    assert answer is not None
    assert answer.status == 404
    assert "Không tìm thấy trang" in page.inner_text("h1")


def test_the_description_of_the_api_opens_without_error(page: Page, portal: str) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{portal}/api/docs/")
    page.get_by_text("/api/v1/batches/", exact=True).first.wait_for()
    assert problems == []
