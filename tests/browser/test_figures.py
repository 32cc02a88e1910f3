"""Money is never cut off: the figures of a strip fit their boxes on a telephone, and in large type."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser

STYLES = Path(settings.BASE_DIR) / "static" / "built"
ONE = '<div class="welfare-figures__one"><dt>Tổng tiền (đồng)</dt><dd class="welfare-figures__number">{}</dd></div>'
NUMBERS = ("2.318", "2.300.867.000", "+100,0 %", "1.234.567.890.000")
PAGE = (
    '<html class="{root}"><body class="govuk-template__body welfare-staff"><main class="govuk-width-container">'
    '<dl class="welfare-figures">{ones}</dl></main></body></html>'
)
# A number's own letters, measured by a range, lie within its box, and the box within the strip.
CUT_OFF = """numbers => numbers.filter(number => {
    const range = document.createRange()
    range.selectNodeContents(number)
    const letters = range.getBoundingClientRect(), strip = number.closest("dl").getBoundingClientRect()
    return number.scrollWidth > number.clientWidth || letters.right > strip.right || letters.left < strip.left
}).map(number => number.textContent)"""


@pytest.mark.parametrize("root", ["govuk-template", "govuk-template welfare-larger"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_figure_is_cut_off(browser: Browser, width: int, root: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        page.set_content(PAGE.format(root=root, ones="".join(ONE.format(number) for number in NUMBERS)))
        for name in ("citizen.css", "staff.css"):
            page.add_style_tag(content=(STYLES / name).read_text(encoding="utf-8"))
        assert page.locator(".welfare-figures__number").evaluate_all(CUT_OFF) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        page.close()
