"""What happens to people who sign in: a citizen is taken up from VNeID."""

from datetime import datetime

from django.db import transaction

from foundation.audit.operations import record_event
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import decrypt, encrypt
from foundation.privacy.row_ids import allocate
from foundation.users.models import User, VneidIdentity
from foundation.users.vneid import LEVEL_NEEDED, ProvenIdentity

NATIONAL_ID = "vneid_identity.national_id"
PHONE = "vneid_identity.phone"


class LevelTooLow(Exception):
    """The e-ID is proven, but its level is not enough to see or do anything about money."""


class IdentityChanged(Exception):
    """VNeID names another human under a subject that we know, or another subject for a human that we know."""


@transaction.atomic(durable=True)
def sign_in_citizen(*, proven: ProvenIdentity, at: datetime) -> User:
    """The user of a proven e-ID, made at the first sign-in; what VNeID says of him is kept as of now.

    Raises:
        LevelTooLow: The e-ID is below level 2; nothing is kept.
        IdentityChanged: Subject and ID number do not belong together as they did before.
    """
    if proven.level < LEVEL_NEEDED:
        raise LevelTooLow
    person = fingerprint("national-id", proven.national_id)
    known = (
        VneidIdentity.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .filter(issuer=proven.issuer, subject=proven.subject)
        .first()
    )
    if known is None:
        user, is_new = User.objects.get_or_create(
            person_fingerprint=person,
            kind=User.Kind.CITIZEN,
            defaults={"username": f"vneid-{proven.subject}"[:80], "full_name": proven.full_name},
        )
        if not is_new:
            raise IdentityChanged("subject")
        known = VneidIdentity(id=allocate(VneidIdentity)[0], user=user, issuer=proven.issuer, subject=proven.subject)
        user.set_unusable_password()
    else:
        user, is_new = known.user, False
        if bytes(user.person_fingerprint or b"") != person:
            raise IdentityChanged("person")
    _take_over(known, proven, at)
    user.full_name = proven.full_name
    user.save()
    known.save(force_insert=is_new)
    record_event(
        kind="citizen.signed_in",
        actor=user.actor,
        subject_kind="user",
        subject_id=user.pk,
        payload={"level": proven.level, "first": is_new},
    )
    return user


def _take_over(known: VneidIdentity, proven: ProvenIdentity, at: datetime) -> None:
    known.level, known.proven_at = proven.level, at
    known.full_name, known.sex, known.address = proven.full_name, proven.sex, proven.address
    known.birth_date, known.birth_precision = proven.birth_date, proven.birth_precision
    known.unit_code = proven.unit_code
    known.national_id_encrypted = encrypt(proven.national_id, context=NATIONAL_ID, row_id=known.pk)
    known.phone_encrypted = encrypt(proven.phone, context=PHONE, row_id=known.pk) if proven.phone else None


def national_id_of(identity: VneidIdentity) -> str:
    """The ID number in clear, for the person's own pages and for his bank."""
    return decrypt(identity.national_id_encrypted, context=NATIONAL_ID, row_id=identity.pk)


def phone_of(identity: VneidIdentity) -> str:
    """The phone number in clear, empty when VNeID told none."""
    if identity.phone_encrypted is None:
        return ""
    return decrypt(identity.phone_encrypted, context=PHONE, row_id=identity.pk)
