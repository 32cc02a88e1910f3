"""Whether one line is in order: every cell read, every rule of one line judged, everything wrong told at once."""

import datetime
from decimal import Decimal
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.cells import Cells
from beneficiaries.register_file.money_check import read_amounts
from beneficiaries.register_file.payee_check import read_channel, read_payee
from beneficiaries.register_file.problems import Problem
from beneficiaries.register_file.reading import Cell, RawRow
from beneficiaries.register_file.rows import RegisterRow, last_day_of, parse_coefficient, parse_sex
from beneficiaries.register_file.tables import LineTable, Tables, line_key
from foundation.reference.births import BirthDate, parse_birth, parse_date, parse_period
from foundation.reference.identifiers import (
    Sex,
    national_id_doubts,
    parse_national_id,
    parse_phone,
)
from foundation.reference.names import clean_name, clean_text, place_key
from foundation.reference.values import InvalidValue

T = TypeVar("T")
MAX_CHILDREN = 12
MAX_ARREARS_MONTHS = 12
ALONE_FROM_AGE = 14  # NĐ 69/2024: under 14 nobody has a level-2 identity, so somebody else receives


class RowCheck:
    """Checks lines of one list, one after the other; what it holds are the tables, the month and today."""

    def __init__(self, tables: Tables, *, period: datetime.date, today: datetime.date) -> None:
        self.tables = tables
        self.period = period
        self.today = today
        self.last_day = last_day_of(period)

    def check(self, raw: RawRow) -> tuple[RegisterRow | None, list[Problem]]:
        """The typed line, or None where an ERROR stands in its way; and all that was found."""
        cells = Cells(raw)
        row = self._row(cells)
        return (None if cells.refused else row), cells.problems

    def _row(self, cells: Cells) -> RegisterRow | None:
        line = self._line(cells)
        national_id = cells.read("national_id", parse_national_id)
        full_name = cells.read("full_name", lambda value: clean_name(str(value)))
        birth = self._birth(cells)
        sex: Sex | None = cells.read("sex", lambda _value: parse_sex(cells.text("sex")))
        if national_id is not None:
            for doubt in national_id_doubts(national_id, birth=birth, sex=sex, known_prefixes=self.tables.prefixes):
                cells.add("national_id", doubt.code, doubt.message, doubt.repair, warn=True)
        address = cells.read("address", lambda value: clean_text(str(value), limit=250), required=False) or ""
        self._unit(cells)
        decision_number, decision_date, valid_from = self._decision(cells, line)
        coefficient = self._coefficient(cells, line)
        amount, months, arrears = read_amounts(
            cells, self.tables, period=self.period, line=line, coefficient=coefficient, valid_from=valid_from
        )
        payee = read_payee(cells, self.period, line, birth, national_id)
        channel, bank_bin, account_number = read_channel(cells, self.tables, payee.full_name if payee else full_name)
        if line is not None and birth is not None:
            self._age(cells, line, birth)
        phone = cells.read("phone", parse_phone, required=False, warn=True) or ""
        book = cells.read("benefit_book", lambda value: clean_text(str(value), limit=40), required=False) or ""
        neighbourhood = self._neighbourhood(cells)
        if line is None or national_id is None or full_name is None or birth is None or sex is None:
            return None
        if valid_from is None or coefficient is None or amount is None or channel is None:
            return None
        return RegisterRow(
            number=cells.number,
            national_id=national_id,
            full_name=full_name,
            birth=birth,
            sex=sex,
            address=address,
            neighbourhood_id=neighbourhood,
            line_id=line.id,
            line=line.code,
            coefficient=coefficient,
            decision_number=decision_number,
            decision_date=decision_date,
            valid_from=valid_from,
            benefit_book=book,
            amount=amount,
            arrears_months=months,
            arrears_amount=arrears,
            channel=channel,
            bank_bin=bank_bin,
            account_number=account_number,
            payee=payee,
            phone=phone,
        )

    def _line(self, cells: Cells) -> LineTable | None:
        text = cells.text("line")
        line = self.tables.lines.get(line_key(text))
        if line is None:
            if text.strip():
                message, code = _("Không có mã đối tượng này."), "LINE_UNKNOWN"
            else:
                message, code = _("Chưa có mã đối tượng."), "LINE_MISSING"
            cells.add("line", code, message, _("Ghi mã theo bảng mã đối tượng, ví dụ HTXH hoặc KT-B."))
            return None
        if line.period != "MONTH":
            cells.add(
                "line",
                "LINE_NOT_MONTHLY",
                _("Khoản này chi một lần, không nằm trong danh sách hằng tháng."),
                _("Đưa khoản này vào đợt chi riêng."),
            )
        elif self.period < line.valid_from or (line.valid_to is not None and self.period > line.valid_to):
            cells.add(
                "line",
                "LINE_CLOSED",
                _("Chế độ này không áp dụng trong tháng của danh sách."),
                _("Chuyển sang mã đối tượng hiện hành hoặc bỏ dòng này."),
            )
        return line

    def _birth(self, cells: Cells) -> BirthDate | None:
        birth = cells.read("birth", parse_birth)
        if birth is not None and birth.date > self.today:
            cells.add("birth", "BIRTH_IN_FUTURE", _("Ngày sinh ở tương lai."), _("Xem lại ngày sinh."))
            return None
        return birth

    def _unit(self, cells: Cells) -> None:
        text = cells.text("unit")
        if not text:
            return
        code = self.tables.units.get(text.strip()) or self.tables.units.get(place_key(text[:120]))
        if code is None:
            cells.add(
                "unit",
                "UNIT_UNKNOWN",
                _("Không có phường, xã này trong thành phố."),
                _("Ghi tên phường, xã hiện nay đủ dấu, hoặc mã 5 chữ số."),
            )
        elif code != self.tables.unit_code:
            cells.add(
                "unit",
                "UNIT_OTHER",
                _("Dòng này thuộc phường, xã khác."),
                _("Mỗi danh sách chỉ gồm người của một phường, xã; chuyển dòng này sang danh sách của nơi đó."),
                expected=self.tables.unit_name,
            )

    def _neighbourhood(self, cells: Cells) -> int | None:
        text = cells.text("neighbourhood")
        # A unit whose khu phố nobody has entered yet must still be able to bring its list.
        if not text or not self.tables.neighbourhoods:
            return None
        found = self.tables.neighbourhood(text[:80])
        if found is None:
            cells.add(
                "neighbourhood",
                "NEIGHBOURHOOD_UNKNOWN",
                _("Phường, xã này không có khu phố, ấp tên như vậy."),
                _("Ghi tên khu phố, ấp như trong danh mục của phường, xã."),
            )
        return found

    def _decision(
        self, cells: Cells, line: LineTable | None
    ) -> tuple[str, datetime.date | None, datetime.date | None]:
        number = cells.read("decision_number", lambda value: clean_text(cells.text("decision_number"), limit=60))
        if number == "":
            cells.add(
                "decision_number",
                "DECISION_MISSING",
                _("Chưa có số quyết định hưởng."),
                _("Ghi số quyết định của Chủ tịch UBND phường, xã."),
            )
        signed = cells.read("decision_date", parse_date, required=False)
        if signed is not None and signed > self.today:
            cells.add(
                "decision_date", "DECISION_IN_FUTURE", _("Ngày quyết định ở tương lai."), _("Xem lại ngày quyết định.")
            )
        valid_from = cells.read("valid_from", _day_or_month)
        if valid_from is not None and valid_from > self.last_day:
            cells.add(
                "valid_from",
                "NOT_YET_DUE",
                _("Người này chưa đến tháng hưởng."),
                _("Bỏ dòng này khỏi danh sách tháng này."),
            )
        if valid_from is not None and line is not None and valid_from < line.valid_from:
            cells.add(
                "valid_from",
                "BEFORE_THE_LAW",
                _("Ngày hưởng trước khi chế độ có hiệu lực."),
                _("Ghi ngày hưởng theo quyết định hiện hành."),
                expected=f"{line.valid_from:%d/%m/%Y}",
                warn=True,
            )
        return number or "", signed, valid_from

    def _coefficient(self, cells: Cells, line: LineTable | None) -> Decimal | None:
        """The list's coefficient, or the line's where the list has none. For single parents it counts children."""
        given = cells.read("coefficient", parse_coefficient, required=False)
        if line is None or (given is None and "coefficient" in cells.given):
            return None
        if given is None:
            return line.coefficient
        if line.counted_unit == "CHILD":
            children = given / line.coefficient
            if children != int(children) or not 1 <= children <= MAX_CHILDREN:
                cells.add(
                    "coefficient",
                    "CHILDREN_NOT_WHOLE",
                    _("Hệ số của chế độ này là số con đang nuôi."),
                    _("Ghi số con, ví dụ 2."),
                )
        elif given != line.coefficient:
            cells.add(
                "coefficient",
                "COEFFICIENT_DIFFERS",
                _("Hệ số không đúng với mã đối tượng."),
                _("Sửa hệ số hoặc mã đối tượng theo quyết định."),
                expected=_plain(line.coefficient),
            )
        return given

    def _age(self, cells: Cells, line: LineTable, birth: BirthDate) -> None:
        """A decision may rightly outlive the age of its line by a month, so an age is told, not refused."""
        youngest = birth.age_on(self.period)
        oldest = birth.age_on(self.last_day) + (birth.precision != "DAY")
        too_young = line.min_age is not None and oldest < line.min_age
        if too_young or (line.max_age is not None and youngest >= line.max_age):
            cells.add(
                "birth",
                "AGE_OUT_OF_BAND",
                _("Tuổi không đúng với mã đối tượng."),
                _("Xem lại ngày sinh, hoặc ra quyết định điều chỉnh mã đối tượng."),
                warn=True,
            )


def _day_or_month(value: Cell) -> datetime.date:
    try:
        return parse_date(value)
    except InvalidValue as wrong:
        if wrong.code != "DATE_UNREADABLE":
            raise
        try:
            return parse_period(value)
        except InvalidValue:
            raise wrong from None


def _plain(coefficient: Decimal) -> str:
    return f"{coefficient.normalize():f}".replace(".", ",")
