"""Somebody at a browser: opens pages, fills them in, and looks at each for what a program can see of barriers and errors."""

import os
import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from welfare_portal.demo.seed import PASSWORD

# PICTURES=folder keeps a picture of every page that is looked at.
PICTURES = os.environ.get("PICTURES")
PASSCODES = {"079144100238": "120344", "079048800733": "081048", "079301013364": "140201", "079055012973": "020955"}


class Visitor:
    """One browser with cookies of its own, `width` pixels wide, with or without JavaScript."""

    def __init__(self, browser: Browser, portal: str, *, width: int, script: bool = True) -> None:
        self.portal, self.width, self.script = portal, width, script
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, base_url=portal
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.problems: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.expected: list[int] = []
        self.looked_at: list[str] = []

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser reports every 4xx that is asked for on purpose; what the page itself says wrong counts.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.problems.append(message.text)

    def open(self, path: str, *, status: int = 200) -> Response:
        """Go to a page of the portal."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        return answer

    def look(self, name: str) -> None:
        """The page has no barrier, no error, does not scroll sideways and speaks the language that it says."""
        self.page.wait_for_load_state()
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            f"{name} scrolls sideways"
        )
        if self.script:
            found: Any = Axe().run(self.page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert self.problems == [], f"{name}: {self.problems}"
        # A page that renews itself has none for a moment.
        expect(self.page.locator("h1"), f"{name} has one heading of the first level").to_have_count(1)
        self.looked_at.append(name)
        if PICTURES:
            kind = "" if self.script else "-no-script"
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{PICTURES}/{name}-{self.width}{kind}.png", full_page=True)

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def press(self, name: str, *, exact: bool = True) -> None:
        """Press a button or follow a link by its words."""
        pattern: Any = name if exact else re.compile(name)
        button = self.page.get_by_role("button", name=pattern, exact=exact)
        (button if button.count() else self.page.get_by_role("link", name=pattern, exact=exact)).first.click()

    def sign_in_officer(self, name: str) -> None:
        """Staff of the demonstration, by password."""
        self.open("/can-bo/dang-nhap")
        self.page.fill("[name=login]", name)
        self.page.fill("[name=password]", PASSWORD)
        self.press("Đăng nhập")
        self.page.wait_for_url(re.compile(r"/(can-bo|kiem-toan)/"))

    def sign_in_citizen(self, national_id: str) -> None:
        """A citizen of the demonstration, at the mocked VNeID's own screen."""
        self.open("/")
        self.press("Đăng nhập bằng VNeID")
        self.page.fill("[name=national_id]", national_id)
        self.page.fill("[name=passcode]", PASSCODES[national_id])
        self.page.check("[name=consent]")
        self.page.click("[value=allow]")
        self.page.wait_for_url(f"{self.portal}/**")

    def confirm_password(self) -> None:
        """Where the portal asks once more who it is."""
        self.page.wait_for_url("**/can-bo/xac-nhan**")
        self.page.fill("[name=password]", PASSWORD)
        self.page.locator("main form button").first.click()

    def close(self) -> None:
        self.context.close()
