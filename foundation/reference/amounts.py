"""Money as people write it: whole đồng, dots between thousands, and in words."""

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
    text = without_unit(text)
    if not text.isascii() and not text.replace("\u00a0", "").replace("\u202f", "").isascii():
        raise _unreadable()
    if _PLAIN.fullmatch(text) or _GROUPED.fullmatch(text):
        amount = int(re.sub(r"[^0-9]", "", text))
        if amount <= AMOUNT_MAX:
            return amount
    raise _unreadable()


def without_unit(text: str) -> str:
    """`1.625.000 đ` as `1.625.000`."""
    return _UNIT.sub("", text)


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
    return f"{format_count(amount)} đ"


def format_count(number: int) -> str:
    """`2318` as `2.318`."""
    return f"{number:,}".replace(",", ".")


_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_THOUSANDS = ("", "nghìn", "triệu")


def amount_in_words(amount: int) -> str:
    """`842650000` as `Tám trăm bốn mươi hai triệu sáu trăm năm mươi nghìn đồng`, as papers write it beside the figures.

    Raises:
        ValueError: The amount is negative.
    """
    if amount < 0:
        raise ValueError("A sum that is paid is not negative.")
    words = _number(amount) if amount else "không"
    return f"{words[0].upper()}{words[1:]} đồng"


def _number(number: int, *, full: bool = False) -> str:
    """A number above zero; `full` when larger groups stand before it, so that `không trăm` is said."""
    billions, rest = divmod(number, 1_000_000_000)
    words = [f"{_number(billions, full=full)} tỷ"] if billions else []
    for power in (2, 1, 0):
        group = rest // 1000**power % 1000
        if group:
            words.append(f"{_group(group, full=full or bool(words))} {_THOUSANDS[power]}".rstrip())
    return " ".join(words)


def _group(group: int, *, full: bool) -> str:
    """Three digits: `lẻ` for an empty ten, `mốt`, `tư` and `lăm` for 1, 4 and 5 after one."""
    hundreds, rest = divmod(group, 100)
    tens, ones = divmod(rest, 10)
    words = [f"{_DIGITS[hundreds]} trăm"] if hundreds or full else []
    if tens > 1:
        words.append(f"{_DIGITS[tens]} mươi")
    elif tens == 1:
        words.append("mười")
    elif ones and words:
        words.append("lẻ")
    if ones:
        after_ten = {1: "mốt", 4: "tư"} if tens > 1 else {}
        words.append("lăm" if ones == 5 and tens else after_ten.get(ones, _DIGITS[ones]))
    return " ".join(words)
