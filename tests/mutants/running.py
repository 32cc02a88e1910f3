"""Mutants: mistakes that break the protocol, made one at a time in a copy of the tree; each must turn a test red.

A rule that no test holds is a wish. Each mutant is a small file beside this one: what it breaks, the edits, and the tests that
are named for it. `python -m tests.mutants` runs the tests without any edit first, where they must be green, and then with each.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRATCH = ROOT / "var" / "mutants"
LEFT_OUT = {"var", "node_modules", "static/built", ".venv", ".git"}
LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of one file, found by its text, which stands there exactly once."""

    file: str
    search: str
    replace: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake."""

    name: str
    breaks: str
    mistake: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def changes_the_database(self) -> bool:
        """Whether the tests need a database that is made anew."""
        return any("/migrations/" in edit.file for edit in self.edits)

    def misfits(self, tree: Path = ROOT) -> list[str]:
        """The edits that do not fit the tree any more."""
        wrong = []
        for edit in self.edits:
            path = tree / edit.file
            times = path.read_text(encoding="utf-8").count(edit.search) if path.exists() else 0
            if times != 1 or edit.search == edit.replace:
                wrong.append(f"{edit.file}: found {times} times: {edit.search.strip()[:60]}")
        return wrong


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run of tests ended: the names of those that failed, and whether all could run at all."""

    failed: tuple[str, ...]
    could_run: bool
    seconds: float
    said: str = ""

    @property
    def is_green(self) -> bool:
        """Whether everything passed."""
        return self.could_run and not self.failed


def mutants() -> list[Mutant]:
    """All of them, by name."""
    return [_read(path) for path in sorted(HERE.glob("*.toml"))]


def _read(path: Path) -> Mutant:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return Mutant(
        name=path.stem,
        breaks=told["breaks"],
        mistake=told["mistake"],
        tests=tuple(told["tests"]),
        edits=tuple(Edit(**edit) for edit in told["edits"]),
    )


def copy_tree() -> Path:
    """A copy of the sources as they are now, committed or not; the checkout itself is never touched."""
    shutil.rmtree(SCRATCH, ignore_errors=True)

    def leave_out(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ROOT)
        return {name for name in names if name == "__pycache__" or (inside / name).as_posix() in LEFT_OUT}

    shutil.copytree(ROOT, SCRATCH, ignore=leave_out)
    return SCRATCH


@contextmanager
def applied(mutant: Mutant, tree: Path) -> Iterator[None]:
    """The mistake, made in the copy for as long as it is needed."""
    before = {edit.file: (tree / edit.file).read_text(encoding="utf-8") for edit in mutant.edits}
    try:
        for edit in mutant.edits:
            path = tree / edit.file
            path.write_text(path.read_text(encoding="utf-8").replace(edit.search, edit.replace), encoding="utf-8")
        if mutant.changes_the_database:
            forget_template()
        yield
    finally:
        for file, text in before.items():
            (tree / file).write_text(text, encoding="utf-8")
        if mutant.changes_the_database:
            forget_template()


def forget_template() -> None:
    """The next run of tests migrates a database of its own."""
    url = urlunsplit(urlsplit(os.environ["DATABASE_OWNER_URL"])._replace(path="/postgres"))
    server = psycopg2.connect(url)
    server.autocommit = True
    with server.cursor() as cursor:
        for name in ("welfare_template", "welfare_template_building"):
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    server.close()


def run_tests(tests: Sequence[str], tree: Path) -> Verdict:
    """Run the tests in the copy, in their order and one after another."""
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-rfE", *tests],
            cwd=tree,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # Waiting for ever is a failure that somebody would notice, but none that says what is wrong.
        return Verdict((), False, time.monotonic() - began, "did not end")
    failed = tuple(re.findall(r"^FAILED (\S+)", ended.stdout, re.MULTILINE))
    could_run = ended.returncode in (0, 1) and not re.search(r"^ERROR ", ended.stdout, re.MULTILINE)
    return Verdict(failed, could_run, time.monotonic() - began, (ended.stdout + ended.stderr)[-4_000:])
