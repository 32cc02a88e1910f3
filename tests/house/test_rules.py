"""Rules of the house, as tests: they hold for code that nobody has written yet."""

import re
import subprocess
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("welfare_portal", "payments", "beneficiaries", "foundation", "mock_gateway")
APPEND_ONLY = (
    "audit_event",
    "gateway_message_body",
    "privacy_data_access",
    "beneficiaries_consent",
    "beneficiaries_register_import_file",
    "payments_approval",
    "payments_ledger_entry",
    "payments_payout_line_move",
    "payments_transfer_return",
    "payments_cash_collection",
)


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms or ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts]


def tracked() -> list[str]:
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip("not a git checkout")
    return told.stdout.splitlines()


def test_no_file_of_code_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long == {}


def test_no_drawers() -> None:
    drawers = {"utils", "helpers", "common", "core", "services", "constants"}
    assert [path for path in sources() if drawers & {path.stem, *path.parts}] == []


def test_money_is_never_a_float() -> None:
    for path in sources("payments"):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"FloatField|DecimalField", text):
            raise AssertionError(f"{path}: {match.group()}")


def test_only_tasks_ring_the_bell() -> None:
    callers = [
        path.name for path in sources() if re.search(r"\.(delay|apply_async)\(", path.read_text(encoding="utf-8"))
    ]
    assert set(callers) <= {"tasks.py"}


def test_no_secret_is_compared_with_equals() -> None:
    for path in sources("foundation", "mock_gateway"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(signature|digest|mac)\s*==", text), path


def test_no_tracked_text_names_this_or_that_machine() -> None:
    found = []
    for name in tracked():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ".json", ".sh", ".html", ".example", ""}
            and path.is_file()
        ):
            text = path.read_text(encoding="utf-8", errors="ignore")
            if (
                re.search(r"(?<![\w.$])/(work|home|Users)/[a-z]", text)
                or "registry.npmjs" in text
                or "pypi.org" in text
            ):
                found.append(name)
    assert set(found) <= {"tests/house/test_rules.py"}


@pytest.mark.django_db
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_an_append_only_table_gives_the_portal_no_right_to_change_it(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('welfare_app', %s, 'UPDATE'), has_table_privilege('welfare_app', %s, 'DELETE'), "
            "has_table_privilege('welfare_app', %s, 'TRUNCATE'), has_table_privilege('welfare_app', %s, 'INSERT')",
            [table] * 4,
        )
        assert cursor.fetchone() == (False, False, False, True)


@pytest.mark.django_db
def test_the_auditor_reads_and_writes_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND ("
            "has_table_privilege('welfare_auditor', oid, 'INSERT') OR has_table_privilege('welfare_auditor', oid, 'UPDATE') "
            "OR has_table_privilege('welfare_auditor', oid, 'DELETE') "
            "OR NOT has_table_privilege('welfare_auditor', oid, 'SELECT'))"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_money_is_a_big_integer_everywhere() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
            "AND column_name ~ '(amount|_sum|balance)$' AND data_type <> 'bigint' AND table_name !~ '^gateway_'"
        )
        assert cursor.fetchall() == []
