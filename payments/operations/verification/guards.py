"""The guards themselves: does every rule that this release puts into the database stand there, switched on, as it was written?

A superuser can switch a trigger off, drop a constraint, or give a trigger's function another body; what he then does may be
found by the other lines or not. Here it is found that he did.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pgtrigger
from django.apps import apps
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from payments.operations.verification.invariants import Check, Invariant, Look

# name, whether it works, and for a trigger its function's body. A constraint must be validated and enforced.
STANDING = """
SELECT conname, bool_and(convalidated AND conenforced), '' FROM pg_constraint
WHERE connamespace = 'public'::regnamespace GROUP BY conname
UNION ALL
SELECT c.relname, i.indisvalid AND i.indisunique AND i.indislive, '' FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT regexp_replace(t.tgname, '^pgtrigger_(.+)_[0-9a-f]{5}$', '\\1'), bool_and(t.tgenabled IN ('O', 'A')), min(p.prosrc)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal GROUP BY 1
"""

# Foreign keys are held by triggers of PostgreSQL's own, which ALTER TABLE … DISABLE TRIGGER ALL switches off too.
OFF = """
SELECT c.relname || '.' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled NOT IN ('O', 'A') ORDER BY 1
"""

# A table that is only added to: the application has no right to change it.
RIGHTS = """
SELECT DISTINCT c.relname, has_table_privilege('welfare_app', c.oid, 'UPDATE, DELETE, TRUNCATE')
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND t.tgname LIKE 'pgtrigger_%%_append_only_%%'
"""


@cache
def of_release() -> dict[str, str]:
    """Every rule that the models of this release put into the database: name -> body of its function, or empty."""
    return dict(_of_release())


def _of_release() -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if isinstance(constraint, CheckConstraint | UniqueConstraint):
                yield constraint.name, ""
    for table, trigger in pgtrigger.registered():
        yield str(trigger.name), str(trigger.render_func(table))


def standing(cursor: Any) -> dict[str, tuple[bool, str]]:
    """What stands in the database: name -> (whether it works, the body of its function)."""
    cursor.execute(STANDING)
    found: dict[str, tuple[bool, str]] = {}
    for name, works, body in cursor.fetchall():
        before, text = found.get(name, (True, ""))
        found[name] = (before and bool(works), text or body)
    return found


def missing(stands: dict[str, tuple[bool, str]], names: Iterable[str]) -> list[str]:
    """Those of the named guards that do not stand as this release wrote them."""
    told = of_release()
    return [name for name in names if not _stands(name, stands, told)]


def _stands(name: str, stands: dict[str, tuple[bool, str]], told: dict[str, str]) -> bool:
    works, body = stands.get(name, (False, ""))
    return works and _one_line(told.get(name, "")) in _one_line(body)


def _one_line(sql: str) -> str:
    return " ".join(sql.split())


def all_guards(cursor: Any) -> Look:
    """Every rule of the release, whether an invariant names it or not."""
    told = of_release()
    gone = missing(standing(cursor), told)
    return Look(len(told), len(gone), gone[0] if gone else "")


UNIQUE_COLUMNS = """
SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL
"""


def unique_columns(cursor: Any) -> Look:
    """Every column that a model calls unique has its index; of a partitioned table the key is another one."""
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'p'")
    partitioned = {name for (name,) in cursor.fetchall()}
    told = {
        (model._meta.db_table, field.column)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.unique and model._meta.db_table not in partitioned
    }
    cursor.execute(UNIQUE_COLUMNS)
    gone = sorted(told - set(cursor.fetchall()))
    return Look(len(told), len(gone), f"{gone[0][0]}.{gone[0][1]}" if gone else "")


def switched_off(cursor: Any) -> Look:
    """No trigger at all is off, not even those that hold foreign keys."""
    cursor.execute(OFF)
    off = [name for (name,) in cursor.fetchall()]
    cursor.execute(
        "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE relnamespace = 'public'::regnamespace"
    )
    return Look(cursor.fetchone()[0], len(off), off[0] if off else "")


LIMITS = ("idle_in_transaction_session_timeout", "transaction_timeout")
ROLE_LIMITS = """
SELECT DISTINCT ON (split_part(setting, '=', 1)) split_part(setting, '=', 1), split_part(setting, '=', 2)
FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) AS setting
WHERE r.rolname = 'welfare_app' AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY split_part(setting, '=', 1), s.setdatabase DESC
"""


def session_limits(cursor: Any) -> Look:
    """The application's sessions are cut off by the server when they wait inside a transaction."""
    cursor.execute(ROLE_LIMITS)
    found = dict(cursor.fetchall())
    without = [name for name in LIMITS if found.get(name, "0") in ("0", "0s", "0ms")]
    return Look(len(LIMITS), len(without), without[0] if without else "")


GUARDS = Invariant(
    "G",
    _("Mọi khoá của cơ sở dữ liệu còn nguyên và đang bật"),
    (
        Check(_("Ràng buộc, chỉ mục và trigger của bản phát hành"), all_guards),
        Check(_("Cột không được trùng"), unique_columns),
        Check(_("Không trigger nào bị tắt"), switched_off),
        Check(_("Bảng chỉ được thêm không cho phép sửa"), RIGHTS),
    ),
)
