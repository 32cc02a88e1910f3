"""Primary keys before their rows: a ciphertext is bound to its row's id, so the id must be known first."""

from django.db import connection
from django.db.models import Model


def allocate(model: type[Model], count: int = 1) -> list[int]:
    """`count` fresh primary keys of the model's table, from its own sequence."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(sequence) FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) AS own, "
            "generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]
