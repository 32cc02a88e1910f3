"""People whom VNeID has proven, and their place in the register."""

import hmac
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from beneficiaries import errors
from beneficiaries.models import Person
from foundation.audit.operations import record_event
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import encrypt
from foundation.privacy.row_ids import allocate
from foundation.reference.identifiers import national_id_parts
from foundation.reference.models import Unit
from foundation.reference.names import name_sort_key
from foundation.users.access import CITY_TIME
from foundation.users.models import User


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Who VNeID has proven somebody to be, as far as the register needs it."""

    national_id: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    birth_precision: str
    sex: str
    address: str = field(repr=False)
    unit_code: str
    phone: str = field(default="", repr=False)


@transaction.atomic(durable=True)
def ensure_person(*, identity: ProvenIdentity, by: User, at: datetime) -> Person:
    """The person of the register whom VNeID has proven; somebody new is taken up.

    What the register knows stays as decisions have it: only a phone that it does not know is filled in.

    Raises:
        NotInAuthority: `by` did not sign in as this person.
        NotOfThisCity: Nobody knows the person here, and the place of residence is no unit of the city today.
    """
    index = fingerprint("national-id", identity.national_id)
    if not is_own(user=by, national_id_index=index):
        raise errors.NotInAuthority
    person = Person.objects.filter(national_id_index=index).first()
    if person is None:
        person = _take_up(identity, index, by, at)
    if identity.phone and person.phone_index is None:
        _fill_in_phone(person, identity.phone, by, at)
    return person


def is_own(*, user: User, national_id_index: bytes | memoryview) -> bool:
    """Whether a citizen who signed in is the human with this number."""
    return (
        user.is_active
        and user.kind == User.Kind.CITIZEN
        and user.person_fingerprint is not None
        and hmac.compare_digest(bytes(user.person_fingerprint), bytes(national_id_index))
    )


def _take_up(identity: ProvenIdentity, index: bytes, by: User, at: datetime) -> Person:
    day = at.astimezone(CITY_TIME).date()
    if not Unit.objects.valid_on(day).filter(pk=identity.unit_code).exists():
        raise errors.NotOfThisCity(identity.unit_code)
    person_id = allocate(Person)[0]
    name = unicodedata.normalize("NFC", " ".join(identity.full_name.split()))
    Person.objects.bulk_create(
        [
            Person(
                id=person_id,
                national_id_encrypted=encrypt(identity.national_id, context="person.national_id", row_id=person_id),
                national_id_index=index,
                full_name=name,
                name_sort_key=name_sort_key(name),
                birth_date=identity.birth_date,
                birth_precision=identity.birth_precision or Person.BirthPrecision.DAY,
                sex=identity.sex or national_id_parts(identity.national_id).sex,
                unit_id=identity.unit_code,
                address=identity.address[:250],
            )
        ],
        ignore_conflicts=True,  # two tabs at once: the unique index has decided
    )
    person = Person.objects.get(national_id_index=index)
    if person.pk == person_id:
        record_event(
            kind="person.registered",
            actor=by.actor,
            subject_kind="person",
            subject_id=person.pk,
            payload={"unit": identity.unit_code, "source": "VNEID"},
        )
    return person


def _fill_in_phone(person: Person, phone: str, by: User, at: datetime) -> None:
    filled = Person.objects.filter(pk=person.pk, phone_index=None).update(
        phone_encrypted=encrypt(phone, context="person.phone", row_id=person.pk),
        phone_index=fingerprint("phone", phone),
        updated_at=at,
    )
    if filled:
        record_event(
            kind="person.phone_filled_in",
            actor=by.actor,
            subject_kind="person",
            subject_id=person.pk,
            payload={"source": "VNEID"},
        )
    person.refresh_from_db()
