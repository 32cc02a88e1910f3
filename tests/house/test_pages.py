"""What the pages say is true: links lead somewhere, and names are those of code and database."""

import re
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from foundation.users.roles import PERMISSIONS, Permission, Role
from payments.operations.verification import INVARIANTS, Invariant
from welfare_portal.demo.seed import LINES, PASSWORD, STAFF

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
P = Permission
# The README's rows of rights: what one line of words stands for.
RIGHTS = {
    "see the register and lists": {P.VIEW_REGISTER, P.VIEW_BATCHES},
    "import, write down how people are paid, build, submit": {P.IMPORT_REGISTER, P.RECORD_WAY, P.PREPARE_BATCH},
    "confirm accounts, approve, confirm money": {P.CONFIRM_ACCOUNTS, P.APPROVE_BATCH, P.CONFIRM_FUNDING},
    "record money, hand out cash, lists for the Treasury and the post, their results": {
        P.RECORD_FUNDING,
        P.RECORD_CASH,
        P.RECORD_RESULTS,
    },
    "hold a list, stop all payments in the city": {P.HOLD_BATCH},
    "propose to go on, cancel or decide; an approver agrees": {P.PROPOSE_ACT},
    "resume the city's payments, two of the whole city": {P.RESUME_PAYMENTS},
    "import statements": {P.IMPORT_STATEMENT},
    "follow up differences, propose how they end": {P.RECONCILE},
    "decide about differences": {P.DECIDE_DIFFERENCE},
    "trace everything": {P.TRACE},
    "see the state of the system": {P.VIEW_SYSTEM},
    "handle alarms, change banks' channels": {P.MANAGE_ALARMS, P.MANAGE_CHANNELS},
    "manage users": {P.MANAGE_USERS},
    "read what they are told": {P.READ_NOTICES},
}


def table_after(title: str) -> list[list[str]]:
    lines = README.partition(f"## {title}\n")[2].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return [row for row in rows if not set("".join(row)) <= {"-"}]


@every_page
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@every_page
def test_every_path_and_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|docs|payments|beneficiaries|foundation|welfare_portal|docker)/[\w./]*\w)`", text)
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()] == []
    targets = re.findall(r"`?\bmake ([a-z-]+)\b`", text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.django_db
def test_every_rule_of_the_architecture_stands_in_the_database() -> None:
    rules = ARCHITECTURE.partition("## Which rule holds what")[2].partition("## What else")[0]
    named = set()
    for row in re.findall(r"^\| I-.*$", rules, re.MULTILINE):
        named |= set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", row.split("|")[3])) - {"start_batch"}
    assert len(named) > 30
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public' "
            "UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "UNION SELECT regexp_replace(tgname, '^pgtrigger_(.+)_[0-9a-f]{5}$', '\\1') FROM pg_trigger"
        )
        held = {name for (name,) in cursor.fetchall()}
    assert named - held == set()


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.code)
def test_the_architecture_names_the_guards_that_verify_looks_at(invariant: Invariant) -> None:
    if invariant.code in ("I-6", "G"):  # a guard for each graph; all of them
        return
    (row,) = re.findall(rf"^\| {invariant.code} \|.*$", ARCHITECTURE, re.MULTILINE)
    told = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", row.split("|")[3]))
    assert set(invariant.guards) == told - {"start_batch", "payments_chunk_hash"}


def test_every_rule_of_the_architecture_names_a_test_that_is_there() -> None:
    rows = re.findall(r"^\| I-.*$", ARCHITECTURE, re.MULTILINE)
    assert len(rows) > 15
    for row in rows:
        cell = row.split("|")[4]
        files = re.findall(r"`([\w/]+\.py)`(?: (I\d\d))?", cell)
        assert files, row
        for file, number in files:
            path = ROOT / (file if "/" in file else f"tests/payments/{file}")
            assert path.exists(), row
            if number:
                assert f"class Test{number}" in path.read_text(encoding="utf-8"), row


def test_decisions_are_numbered_without_a_gap() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        assert page.name.startswith(f"{number:03d}-")
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        assert "**Decision.**" in text


class TestReadme:
    def test_names_the_staff_of_the_demonstration_and_their_password(self) -> None:
        assert f"`{PASSWORD}`" in README
        named = {user for row in table_after("People of the demonstration") for user in re.findall(r"`(.+?)`", row[0])}
        assert named == {officer.username for officer in STAFF}

    def test_gives_each_role_the_rights_that_it_has(self) -> None:
        head, *rows = table_after("Roles and rights")
        roles = [Role[title.upper()] for title in head[1:]]
        assert {row[0] for row in rows} == set(RIGHTS)
        for row in rows:
            for role, mark in zip(roles, row[1:], strict=True):
                assert (RIGHTS[row[0]] <= PERMISSIONS[role]) == (mark == "✓"), (row[0], role)

    def test_leaves_no_permission_of_staff_out(self) -> None:
        rest = {P.VIEW_OWN_WELFARE, P.LINK_OWN_ACCOUNT, P.ASSIST_REGISTRATION}
        assert set().union(*RIGHTS.values()) | rest == set(Permission)

    def test_tells_the_size_and_the_proofs_of_the_demonstration(self) -> None:
        assert f"{LINES:,} lines" in README
        shown = re.findall(r"^  ✓ (.+)$", README, re.MULTILINE)
        assert shown
        assert set(shown) <= {f"{invariant.code:<4} {invariant.holds}" for invariant in INVARIANTS}
        assert f"… {len(INVARIANTS) - len(shown)} more" in README

    def test_maps_every_folder(self) -> None:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
        if listed.returncode:
            pytest.skip("not a git checkout")
        folders = {path.partition("/")[0] for path in listed.stdout.splitlines() if "/" in path}
        mapped = README.partition("## The map")[2].partition("## ")[0]
        assert {folder for folder in folders if not folder.startswith(".") and f"{folder}/" not in mapped} == set()
