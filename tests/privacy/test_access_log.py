from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from foundation.audit.operations import Actor
from foundation.privacy.models import DataAccess
from foundation.privacy.operations import record_access, record_accesses

OFFICER = Actor(kind="STAFF", id=7, label="Lê Thị Mai")
READING: dict[str, Any] = {
    "by": OFFICER,
    "role": "WARD_OFFICER",
    "subject_kind": "person",
    "fields": ["phone", "national_id", "phone"],
    "purpose": "Đối chiếu hồ sơ",
}

CHANGES = [
    "UPDATE privacy_data_access SET purpose = 'x'",
    "DELETE FROM privacy_data_access",
    "TRUNCATE privacy_data_access",
]


@pytest.mark.django_db
class TestDataAccess:
    def test_says_who_saw_what_of_whom_and_why(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            record_access(**READING, subject_id=41)
        row = DataAccess.objects.get()
        assert (row.actor_id, row.actor_label, row.role) == (7, "Lê Thị Mai", "WARD_OFFICER")
        assert (row.subject_kind, row.subject_id, row.fields) == ("person", "41", ["national_id", "phone"])
        assert row.at is not None

    def test_notes_many_in_one_statement(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            record_accesses(**READING, subject_ids=range(50))
        assert DataAccess.objects.count() == 50

    @pytest.mark.parametrize("gap", [{"fields": []}, {"purpose": ""}])
    def test_needs_fields_and_a_purpose(self, gap):
        with pytest.raises(IntegrityError), transaction.atomic():
            record_access(**{**READING, **gap}, subject_id=41)

    @pytest.mark.parametrize("statement", CHANGES)
    def test_cannot_be_changed_by_the_portal(self, statement):
        record_access(**READING, subject_id=41)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


class TestDataAccessUnderTheOwner:
    @pytest.mark.parametrize("statement", CHANGES)
    def test_cannot_be_changed_either(self, committed, superuser, statement):
        record_access(**READING, subject_id=41)
        with superuser.cursor() as cursor, pytest.raises(psycopg2.Error, match=r"Cannot update or|cannot be emptied"):
            cursor.execute(statement)
        assert DataAccess.objects.count() == 1
