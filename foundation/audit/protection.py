"""What append-only means, in one place: no UPDATE, no DELETE, no TRUNCATE, by trigger and by missing right."""

import pgtrigger
import pgtrigger.migrations
from django.db.migrations.operations import RunSQL
from django.db.migrations.state import ProjectState


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


class AddTrigger(pgtrigger.migrations.AddTrigger):
    """A migration step for the first triggers of a room: pgtrigger's, without building models anew.

    pgtrigger's own has Django build the model and all that point at it again, after every single trigger: in a room of some
    forty tables and two hundred triggers that is most of the time that a fresh database takes. No step looks for triggers in
    a built model (all read them from its state), so the state alone is told.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Tell the state of the model, as later migrations and `makemigrations` read it."""
        model = state.models[app_label, self.model_name]
        model.options = {**model.options, "triggers": [*model.options.get("triggers", []), self.trigger]}
