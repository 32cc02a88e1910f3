"""One line of a list against the register: what it would change, and what stands in its way. It writes nothing.

A list is the word of one ward. It may correct what that ward keeps; it may not take a right from another ward,
change money without a decision, put a number in the place of an account that was confirmed, or write over somebody
else's person.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.utils.translation import gettext as _

from beneficiaries.models import Representation
from beneficiaries.operations.register_standing import KnownPerson, KnownReceiver, KnownRight, Standing
from beneficiaries.register_file.problems import Problem, Severity
from beneficiaries.register_file.rows import Channel, RegisterRow
from beneficiaries.states import (
    ACCOUNT_HOLDS_NUMBER,
    ACCOUNT_WAITING,
    AccountSource,
    AccountState,
    Delivery,
    WaySource,
)
from foundation.privacy.masking import mask_account
from foundation.reference.births import BirthDate
from foundation.reference.names import NameMatch, compare_names


class Right(StrEnum):
    """What becomes of the right of a line."""

    NEW = "NEW"
    ADJUST = "ADJUST"  # a new decision: the old right ends the day before, the new one begins
    CORRECT = "CORRECT"  # the same right, better written down
    KEEP = "KEEP"


class Receiver(StrEnum):
    """What becomes of the representation of a line."""

    NEW = "NEW"
    RENEW = "RENEW"
    END = "END"
    KEEP = "KEEP"


@dataclass(slots=True)
class Verdict:
    """What a line would do. `changes` are old and new values by field, for people to read: numbers are masked."""

    row: RegisterRow
    right: Right = Right.KEEP
    receiver: Receiver = Receiver.KEEP
    write_person: bool = False
    request_account: bool = False
    new_way: bool = False
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    known_right: KnownRight | None = None
    known_receiver: KnownReceiver | None = None

    @property
    def is_new(self) -> bool:
        """Whether the line brings a right that nobody had."""
        return self.right is Right.NEW

    @property
    def refused(self) -> bool:
        """Whether the register stands in the line's way."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def note(
        self, column: str, code: str, message: str, repair: str, *, warn: bool = False, expected: str = ""
    ) -> None:
        """Add a problem of this line; an ERROR unless `warn`."""
        severity = Severity.WARNING if warn else Severity.ERROR
        self.problems.append(Problem(self.row.number, column, code, message, repair, severity, "", expected))

    def change(self, name: str, old: object, new: object) -> bool:
        """Note a change where the two differ; whether they do."""
        if old == new:
            return False
        self.changes[name] = (_shown(old), _shown(new))
        return True


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return str(value)


def compare_line(row: RegisterRow, standing: Standing, *, unit_code: str, period: date, knows_payees: bool) -> Verdict:
    """What `row` would change. `knows_payees` tells whether the list has columns for receivers at all."""
    verdict = Verdict(row)
    person = standing.people.get(row.national_id)
    payee = standing.people.get(row.payee_national_id)
    if person is not None:
        _compare_person(verdict, person, unit_code, period)
    if row.payee is not None and payee is not None:
        _compare_payee(verdict, payee, row.payee.full_name, period)
    _compare_right(verdict, standing.rights.get((person.id, row.line_id)) if person else None, unit_code, period)
    _compare_receiver(verdict, person, payee, standing, period=period, knows_payees=knows_payees)
    _compare_channel(verdict, payee, standing)
    return verdict


# --- People ---
def _compare_person(verdict: Verdict, known: KnownPerson, unit_code: str, period: date) -> None:
    row = verdict.row
    if known.deceased_date is not None and known.deceased_date < period:
        verdict.note(
            "full_name",
            "PERSON_DECEASED",
            _("Theo sổ, người này đã mất trước tháng của danh sách."),
            _("Bỏ dòng này; nếu sổ sai, sửa ngày mất trước."),
        )
    stranger = known.unit != unit_code and known.elsewhere
    known_birth = BirthDate(known.birth_date, known.birth_precision) if known.birth_date else None  # type: ignore[arg-type]
    if compare_names(known.full_name, row.full_name).result is NameMatch.MISMATCH:
        # A new name with the same birth date may be a marriage or an old mistake; with another, it is another human.
        _note_other_name(verdict, "national_id", refuse=stranger or known_birth != row.birth)
    if stranger:
        return  # another ward keeps this person: its word stands
    differs = [
        verdict.change("full_name", known.full_name, row.full_name),
        verdict.change("birth", known_birth, row.birth),
        verdict.change("sex", known.sex, row.sex),
        verdict.change("address", known.address, row.address),
        known.neighbourhood_id != row.neighbourhood_id,
        known.unit != unit_code,
        bool(row.phone) and row.payee is None and not known.has_phone,
    ]
    if differs[4]:
        verdict.changes["neighbourhood"] = ("", "")
    verdict.write_person = any(differs)


def _compare_payee(verdict: Verdict, known: KnownPerson, name: str, period: date) -> None:
    if known.deceased_date is not None and known.deceased_date < period:
        verdict.note(
            "payee_name",
            "PAYEE_DECEASED",
            _("Theo sổ, người nhận đã mất."),
            _("Ghi người nhận khác."),
        )
    if compare_names(known.full_name, name).result is NameMatch.MISMATCH:
        _note_other_name(verdict, "payee_national_id", refuse=True)


def _note_other_name(verdict: Verdict, column: str, *, refuse: bool) -> None:
    verdict.note(
        column,
        "ID_KNOWN_BY_OTHER_NAME",
        _("Trong sổ, số định danh này mang họ tên khác."),
        _("Đối chiếu căn cước; có thể số định danh bị gõ nhầm."),
        warn=not refuse,
    )


# --- Rights ---
def _compare_right(verdict: Verdict, known: KnownRight | None, unit_code: str, period: date) -> None:
    row = verdict.row
    if known is None or (known.valid_to is not None and known.valid_to < min(period, row.valid_from)):
        verdict.right = Right.NEW
        return
    verdict.known_right = known
    if known.valid_to is not None and known.valid_to < period:
        verdict.note(
            "valid_from",
            "RIGHT_IS_OVER",
            _("Theo sổ, người này đã thôi hưởng chế độ này."),
            _("Bỏ dòng này; nếu được hưởng lại, ghi quyết định mới và ngày hưởng mới."),
            expected=f"{known.valid_to:%d/%m/%Y}",
        )
        return
    if known.unit != unit_code:
        verdict.note(
            "line",
            "PAID_ELSEWHERE",
            _("Người này đang hưởng chế độ này ở phường, xã khác."),
            _("Đề nghị nơi đó cho thôi hưởng trước; tháng sau mới đưa vào danh sách này."),
        )
        return
    if known.state == "SUSPENDED":
        verdict.note(
            "full_name",
            "SUSPENDED_ON_LIST",
            _("Người này đang tạm dừng hưởng nên chưa được chi."),
            _("Cho hưởng lại bằng quyết định, không qua danh sách."),
            warn=True,
        )
    moved = row.valid_from != known.valid_from
    money = verdict.change("coefficient", known.coefficient, row.coefficient)
    if row.decision_number != known.decision_number and moved:
        _adjust(verdict, known)
        return
    if money or moved:
        verdict.note(
            "coefficient" if money else "valid_from",
            "NEEDS_DECISION",
            _("Hệ số hoặc ngày hưởng khác với sổ mà không có quyết định mới."),
            _("Ghi số quyết định mới và ngày hưởng mới, hoặc giữ như trong sổ."),
        )
        return
    differs = [
        verdict.change("decision_number", known.decision_number, row.decision_number),
        verdict.change("decision_date", known.decision_date, row.decision_date),
        verdict.change("benefit_book", known.benefit_book, row.benefit_book),
    ]
    verdict.right = Right.CORRECT if any(differs) else Right.KEEP


def _adjust(verdict: Verdict, known: KnownRight) -> None:
    row = verdict.row
    if row.valid_from < known.valid_from:
        verdict.note(
            "valid_from",
            "DECISION_IS_OLDER",
            _("Ngày hưởng sớm hơn quyết định đang có trong sổ."),
            _("Ghi quyết định mới nhất của người này."),
        )
        return
    verdict.change("decision_number", known.decision_number, row.decision_number)
    verdict.change("valid_from", known.valid_from, row.valid_from)
    verdict.right = Right.ADJUST


# --- Who receives ---
def _compare_receiver(
    verdict: Verdict,
    person: KnownPerson | None,
    payee: KnownPerson | None,
    standing: Standing,
    *,
    period: date,
    knows_payees: bool,
) -> None:
    row = verdict.row
    special = standing.receivers.get((person.id, row.line_id)) if person else None
    general = standing.receivers.get((person.id, None)) if person else None
    verdict.known_receiver = special
    if row.payee is None:
        if special is not None and knows_payees:
            verdict.change("payee", special.payee_name, row.full_name)
            verdict.receiver = Receiver.END
        return
    payee_id = payee.payee_id if payee else None
    known = special or general
    if known is None:
        if person is not None:
            verdict.change("payee", person.full_name, row.payee.full_name)
        verdict.receiver = Receiver.NEW
    elif known.payee_id != payee_id:
        verdict.change("payee", known.payee_name, row.payee.full_name)
        verdict.receiver = Receiver.NEW
    elif special is not None and (
        verdict.change("relation", _relation(special.relation), _relation(row.payee.relation))
        | verdict.change("authority", special.document, row.payee.authority)
        | verdict.change("authority_to", special.valid_to, row.payee.authority_to)
    ):
        verdict.receiver = Receiver.RENEW


def _relation(value: str) -> str:
    return str(Representation.Relation(value).label)


# --- Where ---
def _compare_channel(verdict: Verdict, payee: KnownPerson | None, standing: Standing) -> None:
    row = verdict.row
    held, wanted = (payee.delivery if payee else ""), row.channel.delivery
    if held != wanted and payee is not None and payee.way_source == WaySource.OFFICER:
        verdict.note(
            "channel",
            "WAY_CHOSEN_OTHERWISE",
            _("Người nhận đã đăng ký cách nhận tiền khác; cách ghi trong danh sách không được dùng."),
            _("Nếu người nhận đã đổi ý, ghi nhận ở trang Cách nhận tiền của người đó."),
            warn=True,
        )
    elif held != wanted:
        verdict.new_way = True
        if payee is not None and payee.payee_id is not None:
            verdict.changes["channel"] = (_delivery(held), _delivery(wanted))
    if row.channel is not Channel.ACCOUNT:
        return
    index = standing.account_indexes[row.bank_bin, row.account_number]
    payee_id = payee.payee_id if payee else None
    holder = standing.holders.get(index)
    if holder is not None and holder != payee_id:
        verdict.note(
            "account_number",
            "ACCOUNT_OF_OTHER",
            _("Tài khoản này đang nhận trợ cấp của người khác."),
            _("Ghi tài khoản do chính người nhận đứng tên, hoặc chi tiền mặt."),
        )
        return
    known = standing.accounts.get(payee_id, []) if payee_id else []
    same = [account.state for account in known if account.index == index]
    if any(state in ACCOUNT_HOLDS_NUMBER or state in ACCOUNT_WAITING for state in same):
        return
    if any(state != AccountState.EXPIRED for state in same):
        verdict.note(
            "account_number",
            "ACCOUNT_WAS_ENDED",
            _("Tài khoản này đã bị từ chối, đã đóng hoặc đã được thay, nên không dùng lại."),
            _("Hỏi người nhận tài khoản hiện nay, hoặc để họ tự liên kết."),
            warn=True,
        )
        return
    chosen = [
        account
        for account in known
        if account.source != AccountSource.FILE
        and (account.state in ACCOUNT_HOLDS_NUMBER or account.state in ACCOUNT_WAITING)
    ]
    cooling = any(account.state == AccountState.COOLING for account in known)
    if chosen or cooling:
        verdict.note(
            "account_number",
            "ACCOUNT_CHOSEN_OTHERWISE",
            _("Người nhận đã tự chọn tài khoản khác; số tài khoản trong danh sách không được dùng."),
            _("Không cần làm gì; tài khoản người nhận chọn được giữ."),
            warn=True,
        )
        return
    used = next((account.masked for account in known if account.state in ACCOUNT_HOLDS_NUMBER), "")
    verdict.changes["account"] = (used, mask_account(row.account_number))
    verdict.request_account = True


def _delivery(value: str) -> str:
    return str(Delivery(value).label) if value else ""
