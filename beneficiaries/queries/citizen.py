"""Reads for a citizen's own pages: what the register says of him, who receives for whom, and his account in his words."""

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.errors import Words
from beneficiaries.models import AccountDraft, Entitlement, Person, Representation
from beneficiaries.states import AccountState, EntitlementState
from foundation.reference.births import BirthDate, Precision
from foundation.reference.models import Unit
from foundation.reference.names import name_sort_key
from foundation.users.access import CITY_TIME
from foundation.users.models import User, VneidIdentity


# --- Accounts, as a citizen reads them ---
class Tone(models.TextChoices):
    """How a page may colour a state; the words say it as well."""

    GOOD = "green", _("Tốt")
    WAIT = "yellow", _("Đang chờ")
    BAD = "red", _("Cần làm")
    OVER = "grey", _("Đã xong")


@dataclass(frozen=True, slots=True)
class StateWords:
    """A state of an account: its name, its tone, and what happens next or what there is to do."""

    label: Words
    tone: Tone
    next: Words


_CHECKING = StateWords(
    _("Đang kiểm tra"), Tone.WAIT, _("Ông, bà không cần làm gì. Kiểm tra xong, trang này báo cho ông, bà biết.")
)
S = AccountState
ACCOUNT_WORDS: dict[AccountState, StateWords] = {
    S.REQUESTED: _CHECKING,
    S.ID_PROVEN: _CHECKING,
    S.ACCOUNT_CHECKED: _CHECKING,
    S.REVIEW: StateWords(
        _("Chờ cán bộ xem lại"),
        Tone.WAIT,
        _("Cán bộ phường, xã đối chiếu tên chủ tài khoản. Ông, bà không cần làm gì; kết quả hiện ở đây."),
    ),
    S.COOLING: StateWords(
        _("Chờ hết thời gian an toàn"),
        Tone.WAIT,
        _("Tài khoản mới chờ 72 giờ để tránh kẻ gian đổi nơi nhận tiền. Nếu không phải ông, bà đổi, hãy huỷ ngay."),
    ),
    S.ACTIVE: StateWords(_("Đang dùng để nhận tiền"), Tone.GOOD, _("Tiền của các kỳ tới vào tài khoản này.")),
    S.SUSPENDED: StateWords(
        _("Tạm khoá"),
        Tone.BAD,
        _("Ngân hàng báo tài khoản này chưa nhận được tiền. Hỏi ngân hàng, hoặc đăng ký tài khoản khác."),
    ),
    S.SUPERSEDED: StateWords(_("Đã thay bằng tài khoản khác"), Tone.OVER, ""),
    S.CLOSED: StateWords(
        _("Ngân hàng báo đã đóng"), Tone.BAD, _("Đăng ký tài khoản khác, hoặc nhận tiền mặt tại phường, xã.")
    ),
    S.REVOKED: StateWords(_("Ông, bà đã huỷ"), Tone.OVER, ""),
    S.REFUSED: StateWords(_("Không được chấp nhận"), Tone.BAD, ""),
    S.EXPIRED: StateWords(
        _("Không còn hiệu lực"), Tone.OVER, _("Có lần đăng ký mới hơn, hoặc đã quá 30 ngày chưa xong.")
    ),
}


def draft_of(user: User) -> AccountDraft | None:
    """The saved registration of the person who signed in; None where there is none."""
    if user.person_fingerprint is None:
        return None
    return (
        AccountDraft.objects.select_related("bank", "person__unit")
        .filter(person__national_id_index=user.person_fingerprint)
        .first()
    )


# --- The register beside VNeID ---
@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the register and VNeID tell differently."""

    what: Words
    register: str
    vneid: str


def birth_of(known: Person | VneidIdentity) -> BirthDate | None:
    """A birth date as precise as it is known."""
    if known.birth_date is None:
        return None
    precision: Precision = known.birth_precision or "DAY"  # type: ignore[assignment]
    return BirthDate(known.birth_date, precision)


def differences(person: Person, identity: VneidIdentity) -> tuple[Difference, ...]:
    """What the register has otherwise than VNeID; a date that one knows less precisely is no difference."""
    found = []
    # By the key of sorting: `Hoà` and `Hòa` are one name.
    if name_sort_key(person.full_name) != name_sort_key(identity.full_name):
        found.append(Difference(_("Họ và tên"), person.full_name, identity.full_name))
    ours, theirs = birth_of(person), birth_of(identity)
    if ours and theirs and not _may_be_one(ours, theirs):
        found.append(Difference(_("Ngày sinh"), str(ours), str(theirs)))
    if identity.sex and identity.sex != person.sex:
        sexes = dict(Person.Sex.choices)
        found.append(Difference(_("Giới tính"), str(sexes[person.sex]), str(sexes.get(identity.sex, identity.sex))))
    if identity.unit_code and identity.unit_code != person.unit_id:
        unit = Unit.objects.filter(pk=identity.unit_code).first()
        elsewhere = unit.full_name if unit else str(_("Ngoài Thành phố"))
        found.append(Difference(_("Nơi cư trú"), person.unit.full_name, elsewhere))
    return tuple(found)


def _may_be_one(one: BirthDate, other: BirthDate) -> bool:
    parts = min(_KNOWN[one.precision], _KNOWN[other.precision])
    return (one.date.year, one.date.month, one.date.day)[:parts] == (
        other.date.year,
        other.date.month,
        other.date.day,
    )[:parts]


_KNOWN: dict[Precision, int] = {"YEAR": 1, "MONTH": 2, "DAY": 3}


# --- Who is paid, and by whom it is received ---
@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody is in a list, which rights rest, and who receives for whom on a day."""

    is_listed: bool
    resting: tuple[str, ...]  # public names of rights that are suspended
    received_by: tuple[Representation, ...]
    receives_for: tuple[Representation, ...]


def standing_of(person: Person, *, at: datetime) -> Standing:
    """What the register says of `person` on the day of `at`, in two queries."""
    day = at.astimezone(CITY_TIME).date()
    representations = (
        Representation.objects.valid_on(day)
        .filter(Q(beneficiary=person) | Q(payee__person=person))
        .select_related("beneficiary", "payee__person", "programme_line")
        .order_by("pk")
    )
    received_by: list[Representation] = []
    receives_for: list[Representation] = []
    for one in representations:
        (received_by if one.beneficiary_id == person.pk else receives_for).append(one)
    rights = list(
        Entitlement.objects.filter(person=person, state__in=(EntitlementState.ACTIVE, EntitlementState.SUSPENDED))
        .order_by("pk")
        .values_list("state", "programme_line__public_name")
    )
    return Standing(
        is_listed=bool(rights or receives_for),
        resting=tuple(name for state, name in rights if state == EntitlementState.SUSPENDED),
        received_by=tuple(received_by),
        receives_for=tuple(receives_for),
    )
