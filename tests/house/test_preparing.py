"""Preparing a database: which ones are taken."""

import os
import subprocess
import sys
from typing import Any

from welfare_portal.environment import BASE_DIR, OWNER_ROLE

STRANGE = ("payments", "0017_of_another_history")


def test_a_database_of_another_history_is_refused_with_what_to_do(superuser: Any) -> None:
    with superuser.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", STRANGE)
        try:
            run = subprocess.run(
                [sys.executable, "manage.py", "prepare_database"],
                cwd=BASE_DIR,
                env=os.environ | {"DATABASE_ROLE": OWNER_ROLE},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            cursor.execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", STRANGE)
    assert run.returncode == 1
    assert ".".join(STRANGE) in run.stderr
    assert "make reset" in run.stderr
