"""What append-only means, in one place: no UPDATE, no DELETE, no TRUNCATE, by trigger and by missing right."""

import pgtrigger
from django.db.migrations.operations import RunSQL


def append_only(name: str) -> list[pgtrigger.Trigger]:
    """Triggers that refuse to change or empty a table, whoever asks (pgtrigger.Protect cannot refuse TRUNCATE)."""
    return [
        pgtrigger.Protect(name=f"{name}_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_no_truncate",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=f"RAISE EXCEPTION 'append-only: {name} cannot be emptied';",
        ),
    ]


def revoke_changes(table: str) -> RunSQL:
    """A migration step: the application role may add rows to `table` and read them, nothing else."""
    return RunSQL(
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM welfare_app",
        f"GRANT UPDATE, DELETE ON {table} TO welfare_app",
    )
