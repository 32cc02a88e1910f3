"""What the tables themselves promise, read from the catalogue of the database that the tests work on."""

import pgtrigger
import pytest
from django.apps import apps
from django.db import connection

pytestmark = pytest.mark.django_db

# Whoever takes one of these out of the rule changes this list, and says why.
APPEND_ONLY = {
    "audit_event",
    "audit_sealed_event",
    "audit_tree_head",
    "gateway_message_body",
    "privacy_data_access",
    "beneficiaries_consent",
    "beneficiaries_register_import_file",
    "beneficiaries_payment_way",
    "payments_approval",
    "payments_ledger_entry",
    "payments_payout_line_move",
    "payments_transfer_return",
    "payments_verification_result",
    "payments_verification_run",
    "payments_cash_collection",
    "payments_evidence_file",
    "payments_payout_file",
    "payments_transfer_result",
    "payments_statement",
    "payments_batch_adjustment",
    "payments_difference_comment",
}


def rows(sql: str, *values: str | list[str]) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[object, ...]] = cursor.fetchall()
    return found


def test_the_portal_works_as_the_app() -> None:
    assert rows("SELECT current_user") == [("welfare_app",)]


def test_every_trigger_of_the_models_stands_in_the_database_as_the_models_tell_it_and_no_other_does() -> None:
    told = {(trigger.get_pgid(model), trigger.compile(model).hash) for model, trigger in pgtrigger.registered()}
    standing = rows(
        "SELECT tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger "
        "WHERE tgname LIKE 'pgtrigger_%%' AND tgparentid = 0 AND tgenabled = 'O'"
    )
    assert set(standing) == told


def test_these_tables_and_no_others_refuse_change_by_trigger() -> None:
    guarded = rows(
        "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname LIKE 'pgtrigger_%%_append_only_%%' AND t.tgenabled = 'O' AND t.tgparentid = 0"
    )
    emptied_by_nobody = rows(
        "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname LIKE 'pgtrigger_%%_no_truncate_%%' AND t.tgenabled = 'O'"
    )
    assert {table for (table,) in guarded} == APPEND_ONLY
    assert {table for (table,) in emptied_by_nobody} == APPEND_ONLY


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_an_append_only_table_and_its_months_give_the_portal_no_right_to_change(table: str) -> None:
    parts = rows(
        "SELECT oid::regclass::text FROM pg_class WHERE oid = %s::regclass "
        "UNION ALL SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
        table,
        table,
    )
    rights = rows(
        "SELECT part, "
        "has_table_privilege('welfare_app', part, 'UPDATE') OR has_any_column_privilege('welfare_app', part, 'UPDATE'), "
        "has_table_privilege('welfare_app', part, 'DELETE'), has_table_privilege('welfare_app', part, 'TRUNCATE') "
        "FROM unnest(%s::text[]) AS part",
        [str(part) for (part,) in parts],
    )
    assert rights == [(part, False, False, False) for (part,) in parts]
    assert rows("SELECT has_table_privilege('welfare_app', %s, 'INSERT')", table) == [(True,)]


def test_the_grants_say_the_same() -> None:
    granted = rows(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = 'welfare_app' AND table_name = ANY (%s)",
        sorted(APPEND_ONLY),
    )
    assert {table for table, _ in granted} == APPEND_ONLY
    assert {right for _, right in granted} == {"INSERT", "SELECT"}


def test_the_portal_owns_nothing_and_cannot_become_who_does() -> None:
    owned = rows("SELECT relname FROM pg_class WHERE relowner = 'welfare_app'::regrole AND relpersistence <> 't'")
    assert owned == []
    assert rows("SELECT pg_has_role('welfare_app', 'welfare_owner', 'MEMBER')") == [(False,)]


def test_the_auditor_reads_everything_and_writes_nothing() -> None:
    wrong = rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND ("
        "has_table_privilege('welfare_auditor', oid, 'INSERT') OR has_table_privilege('welfare_auditor', oid, 'UPDATE') "
        "OR has_table_privilege('welfare_auditor', oid, 'DELETE') OR has_table_privilege('welfare_auditor', oid, 'TRUNCATE') "
        "OR NOT has_table_privilege('welfare_auditor', oid, 'SELECT'))"
    )
    assert wrong == []


def test_money_is_a_big_integer_everywhere() -> None:
    money = rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name ~ '(amount|_sum|balance|amount_from)$'"
    )
    assert len(money) > 10
    assert {data_type for _, _, data_type in money} == {"bigint"}


def test_who_and_when_are_both_there_or_both_missing() -> None:
    """Where both `x_at` and `x_by` may be empty, a CHECK of the database names the two."""
    pairs = [
        (model._meta.db_table, f"{stem}_at", f"{stem}_by_id")
        for model in apps.get_models()
        for fields in [{field.name: field for field in model._meta.concrete_fields}]
        for stem in sorted(name.removesuffix("_at") for name in fields if name.endswith("_at"))
        if f"{stem}_by" in fields and fields[f"{stem}_at"].null and fields[f"{stem}_by"].null
    ]
    assert ("payments_funding_voucher", "decided_at", "decided_by_id") in pairs
    free = [
        (table, at, by)
        for table, at, by in pairs
        if not any(
            at in str(check) and by in str(check)
            for (check,) in rows(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
                table,
            )
        )
    ]
    assert free == []
