"""Money as people write it: whole đồng, dots between thousands."""

import re

from django.utils.translation import gettext_lazy as _

from foundation.reference.values import InvalidValue

AMOUNT_MAX = 999_999_999_999  # one credit of the gateway's contract; no single benefit comes near it

_PLAIN = re.compile(r"[0-9]{1,12}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([., \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*")
_UNIT = re.compile(r"\s*(?:đồng|đ|vnđ|vnd)\.?$", re.IGNORECASE)


def parse_amount(value: str | float) -> int:
    """Whole đồng, 0 to 999,999,999,999, from `1.625.000`, `1,625,000 đ`, `650000`, or a spreadsheet's number.

    Raises:
        InvalidValue: AMOUNT_NOT_WHOLE for fractions; AMOUNT_UNREADABLE for signs, exponents (`1e5`), digits of other
            scripts, mixed or misplaced separators (`1.00`), and amounts that are too large.
    """
    if isinstance(value, bool):
        raise _unreadable()
    if isinstance(value, int | float):
        return _from_number(value)
    text = value.strip()
    if len(text) > 40:
        raise _unreadable()
    text = _UNIT.sub("", text)
    if not text.isascii() and not text.replace("\u00a0", "").replace("\u202f", "").isascii():
        raise _unreadable()
    if _PLAIN.fullmatch(text) or _GROUPED.fullmatch(text):
        amount = int(re.sub(r"[^0-9]", "", text))
        if amount <= AMOUNT_MAX:
            return amount
    raise _unreadable()


def _from_number(value: float) -> int:
    if not 0 <= value <= AMOUNT_MAX:  # false for NaN and infinity too
        raise _unreadable()
    if value != int(value):
        raise InvalidValue("AMOUNT_NOT_WHOLE", _("Số tiền có phần lẻ."), _("Ghi số tiền tròn đồng, ví dụ 650.000."))
    return int(value)


def _unreadable() -> InvalidValue:
    return InvalidValue(
        "AMOUNT_UNREADABLE", _("Không đọc được số tiền."), _("Ghi số tiền bằng chữ số, ví dụ 1.625.000 hoặc 1625000.")
    )


def format_amount(amount: int) -> str:
    """`1625000` as `1.625.000 đ`."""
    return f"{amount:,}".replace(",", ".") + " đ"
