"""Whom a notice about a payee goes to, and where: the person's e-ID, and the phones that are known of him."""

from collections.abc import Sequence

from django.db import connection

from foundation.gateway.notices import Citizen
from foundation.privacy.encryption import decrypt, decrypt_many

# Two phones may be known: the one that stood in the register, and the one that VNeID told at the last sign-in. A thief of an
# account changes the second; the first one still rings.
KNOWN = """
SELECT p.id, m.id, m.national_id_index, m.national_id_encrypted, m.phone_encrypted, v.id, v.phone_encrypted
FROM beneficiaries_payee p
JOIN beneficiaries_person m ON m.id = p.person_id
LEFT JOIN users_user u ON u.person_fingerprint = m.national_id_index AND u.kind = 'CITIZEN'
LEFT JOIN users_vneid_identity v ON v.user_id = u.id
WHERE p.id = ANY (%s) AND m.national_id_encrypted IS NOT NULL AND m.deceased_date IS NULL
"""


def citizens_to_tell(payee_ids: Sequence[int]) -> dict[int, Citizen]:
    """By payee: the person to be told. Organisations, the dead, and who has no ID number yet, are not among them."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [list(payee_ids)])
        rows = cursor.fetchall()
    numbers = decrypt_many([(row[1], row[3]) for row in rows], context="person.national_id")
    told = {}
    for (payee_id, person_id, index, _, old_phone, identity_id, new_phone), number in zip(rows, numbers, strict=True):
        phones = []
        if old_phone is not None:
            phones.append(decrypt(old_phone, context="person.phone", row_id=person_id))
        if new_phone is not None:
            phones.append(decrypt(new_phone, context="vneid_identity.phone", row_id=identity_id))
        told[payee_id] = Citizen(bytes(index), number, tuple(dict.fromkeys(phones)))
    return told
