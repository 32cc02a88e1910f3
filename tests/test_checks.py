"""An installation that could lose or leak is told so before it starts."""

from typing import Any

import pytest
from django.db import Error, connection, transaction

from welfare_portal import checks


def ids(found: list[Any]) -> list[str]:
    return [error.id for error in found]


def test_keys_of_the_example_are_refused(settings: Any) -> None:
    settings.SECRET_KEY = "<generate:secret:sessions>"
    assert ids(checks.keys_are_real(None)) == ["welfare.E001"]


def test_one_key_for_two_purposes_is_refused(settings: Any) -> None:
    settings.BLIND_INDEX_KEY = settings.FIELD_KEYS[0].partition(":")[2]
    assert ids(checks.keys_are_real(None)) == ["welfare.E002"]


def test_both_directions_with_one_secret_are_refused(settings: Any) -> None:
    settings.GATEWAY_CALLBACK_SECRETS = settings.GATEWAY_SIGNING_SECRETS
    assert ids(checks.keys_are_real(None)) == ["welfare.E003"]


def test_the_demonstration_is_refused_in_production(settings: Any) -> None:
    settings.DEMO = True
    assert ids(checks.demo_is_off(None)) == ["welfare.E004"]


def test_faults_that_strike_on_purpose_are_refused_in_production(settings: Any) -> None:
    settings.FAILPOINTS = "a folder of faults"
    assert ids(checks.nothing_is_made_to_fail(None)) == ["welfare.E006"]
    settings.FAILPOINTS = ""
    assert checks.nothing_is_made_to_fail(None) == []


@pytest.mark.django_db
def test_the_portal_works_as_a_role_that_passes_no_guard() -> None:
    assert checks.works_as_app(None, ["default"]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "ALTER TABLE payments_transfer DISABLE TRIGGER ALL",
        "UPDATE payments_ledger_entry SET amount = 1",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "UPDATE audit_event_default SET kind = 'x'",
        "CREATE TABLE mine (id int)",
        "CREATE OR REPLACE FUNCTION portal_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "SET ROLE welfare_owner",
    ],
)
def test_the_application_role_may_not(statement: str) -> None:
    with connection.cursor() as cursor, pytest.raises(Error), transaction.atomic():
        cursor.execute(statement)
