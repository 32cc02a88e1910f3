"""A result file of the Treasury or the payment service, row by row: which payment, paid or not, why, when.

It is read by the same reader as wards' lists, with the same refusals: bombs, forged sizes, hidden rows and sheets, formulas, old
fonts. Names, accounts and ID numbers that it may hold are not read at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from numbers import Real
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.columns import Column, Layout, folded
from beneficiaries.register_file.problems import Findings, Problem, UnreadableList
from beneficiaries.register_file.reading import RawRow, open_list
from foundation.gateway.codes import STATUS_REASONS
from foundation.reference.amounts import parse_amount
from foundation.reference.births import parse_date
from foundation.reference.values import InvalidValue
from payments.states import PaidOrNot, Route

MOST_ROWS = 100_000
REASON_MAX = 120

RESULTS = Layout(
    (
        Column("code", "Mã khoản chi", ("Mã giao dịch", "Mã tham chiếu", "EndToEndId"), required=True),
        Column("amount", "Số tiền", ("Tổng số", "Tổng số tiền", "Số tiền đã chi"), required=True),
        Column("outcome", "Kết quả", ("Kết quả chi", "Trạng thái"), required=True),
        Column("reason", "Lý do", ("Lý do chưa chi", "Lý do không chi được", "Nguyên nhân")),
        Column("paid_date", "Ngày chi", ("Ngày trả", "Ngày chuyển", "Ngày nhận")),
        Column("reference", "Số chứng từ", ("Số CT", "Số bút toán", "Mã chứng từ")),
    ),
    frozenset({"code", "amount", "outcome"}),
    _("Dùng chính tệp đã gửi, điền cột “Kết quả”; hoặc đặt tên cột: Mã khoản chi, Số tiền, Kết quả, Lý do."),
)
_OUTCOMES = {
    folded(word): outcome
    for outcome, words in {
        PaidOrNot.PAID: ("Đã chi", "Đã trả", "Đã chuyển", "Đã nhận", "Thành công", "ACSC", "ACCC"),
        PaidOrNot.NOT_PAID: (
            "Chưa chi", "Không chi được", "Chưa trả", "Không trả được", "Chưa nhận", "Không nhận", "Không đến nhận",
            "Không thành công", "Từ chối", "Trả lại", "Bị trả lại", "RJCT",
        ),
    }.items()
    for word in words
}  # fmt: skip
# Reasons as cashiers and the Treasury write them; what is told in other words is kept in them (NARR).
_REASONS = {
    folded(word): code
    for code, words in {
        "AC01": ("Sai số tài khoản", "Số tài khoản không đúng", "Không có tài khoản"),
        "AC04": ("Tài khoản đã đóng", "Đã đóng tài khoản", "Tài khoản đóng"),
        "AC06": ("Tài khoản bị khoá", "Tài khoản phong toả", "Tài khoản bị phong toả"),
        "BE01": ("Sai tên", "Sai tên người hưởng", "Tên không khớp"),
        "MD07": ("Đã mất", "Người hưởng đã mất", "Đã chết"),
    }.items()
    for word in words
}  # fmt: skip
_CODE = re.compile(r"[0-9a-f]{32}")
_LONG_NUMBER = re.compile(r"(?:\d[\s.\-]*){9,}")
_REFERENCE = re.compile(r"[0-9A-Za-z./\- ]{1,35}")


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row that says something of a payment; rows without a result are left out."""

    number: int
    end_to_end_id: str
    outcome: PaidOrNot
    amount: int
    reason_code: str
    reason: str
    paid_date: date | None
    reference: str


class ResultReader:
    """The rows of one file, once; what is wrong with them gathers in `findings`.

    Raises:
        UnreadableList: The file as a whole cannot be read, hides something, or has more than 100,000 rows.
    """

    def __init__(self, file: BinaryIO, *, route: Route, today: date) -> None:
        self.raw = open_list(file, RESULTS)
        self.route, self.today = route, today
        self.findings = Findings()
        self._seen: dict[str, int] = {}

    def rows(self) -> Iterator[ResultRow]:
        """The rows that are in order; the others are told in `findings`."""
        if self.raw.formula_rows or self.raw.hidden_rows:
            raise UnreadableList(
                "HIDDEN_OR_FORMULA",
                _("Tệp có dòng bị ẩn hoặc có công thức."),
                _("Hiện các dòng ẩn, dán công thức thành giá trị rồi lưu lại."),
            )
        for count, raw in enumerate(self.raw.rows, start=1):
            if count > MOST_ROWS:
                raise UnreadableList("TOO_MANY_ROWS", _("Tệp có quá nhiều dòng."), _("Chia kết quả thành nhiều tệp."))
            if "outcome" not in raw.cells:
                continue
            read = self._read(raw)
            if read is not None:
                yield read

    def _read(self, raw: RawRow) -> ResultRow | None:
        try:
            code = _read_code(raw)
            outcome = _read_outcome(raw)
            amount = _read_amount(raw)
            paid_date = self._read_date(raw)
            code_of_reason, reason = _read_reason(raw, outcome)
            reference = _read_reference(raw)
        except InvalidValue as wrong:
            self.findings.add(Problem(raw.number, "", wrong.code, str(wrong.message), str(wrong.repair)))
            return None
        if not amount:
            self._problem(raw, "AMOUNT_ZERO", _("Số tiền bằng không."), _("Ghi số tiền của khoản chi."))
            return None
        first = self._seen.setdefault(code, raw.number)
        if first != raw.number:
            message = _("Khoản chi này đã có ở dòng %(row)s.") % {"row": first}
            self._problem(raw, "TWICE", message, _("Để mỗi khoản chi một dòng."))
            return None
        return ResultRow(raw.number, code, outcome, amount, code_of_reason, reason, paid_date, reference)

    def _read_date(self, raw: RawRow) -> date | None:
        if "paid_date" not in raw.cells:
            return None
        day = parse_date(raw.cells["paid_date"])
        if day > self.today:
            raise InvalidValue("DATE_AHEAD", _("Ngày chi ở sau hôm nay."), _("Ghi đúng ngày đã chi."))
        return day

    def _problem(self, raw: RawRow, code: str, message: object, repair: object) -> None:
        self.findings.add(Problem(raw.number, "", code, str(message), str(repair)))


def _text(raw: RawRow, key: str) -> str:
    text = " ".join(str(raw.cells.get(key, ""))[:500].split())
    return text.removesuffix(".0") if isinstance(raw.cells.get(key), Real) else text  # a sheet's numbers have a point


def _read_amount(raw: RawRow) -> int:
    value = raw.cells.get("amount", "")
    return parse_amount(value if isinstance(value, Real) else _text(raw, "amount"))


def _read_code(raw: RawRow) -> str:
    code = _text(raw, "code").replace("-", "").removeprefix("'").lower()
    if not _CODE.fullmatch(code):
        raise InvalidValue(
            "CODE_UNREADABLE", _("Không đọc được mã khoản chi."), _("Giữ nguyên cột “Mã khoản chi” của tệp đã gửi.")
        )
    return code


def _read_outcome(raw: RawRow) -> PaidOrNot:
    outcome = _OUTCOMES.get(folded(_text(raw, "outcome")))
    if outcome is None:
        raise InvalidValue("OUTCOME_UNKNOWN", _("Không rõ kết quả."), _("Ghi “Đã chi” hoặc “Chưa chi”."))
    return outcome


def _read_reason(raw: RawRow, outcome: PaidOrNot) -> tuple[str, str]:
    """The code and the words of why nothing was paid; long numbers are left out of the words."""
    if outcome is PaidOrNot.PAID:
        return "", ""
    text = _LONG_NUMBER.sub("…", _text(raw, "reason"))[:REASON_MAX]
    if not text:
        raise InvalidValue("REASON_MISSING", _("Khoản chưa chi không có lý do."), _("Ghi lý do ở cột “Lý do”."))
    first = text.partition(" ")[0].strip(":.,").upper()
    return (first if first in STATUS_REASONS else _REASONS.get(folded(text), "NARR")), text


def _read_reference(raw: RawRow) -> str:
    text = _text(raw, "reference")
    if text and not _REFERENCE.fullmatch(text):
        raise InvalidValue(
            "REFERENCE_UNREADABLE", _("Số chứng từ không đúng."), _("Ghi số chứng từ, tối đa 35 ký tự.")
        )
    return text
