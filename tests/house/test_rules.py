"""Rules of the house, as tests: they hold for code that nobody has written yet."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PORTAL = ("welfare_portal", "payments", "beneficiaries", "foundation")
ROOMS = (*PORTAL, "mock_gateway")

LINES = 400
LINES_OF_TESTS = 600
# Compared without hmac.compare_digest, because nobody could learn a secret from how long it takes.
NO_SECRET = {
    ("foundation/gateway/inbox.py", "bytes(stored) == digest"): "hashes of two bodies whose signatures are proven",
    ("foundation/gateway/signatures.py", "base64.b64encode(digest).decode() != encoded"): "what was sent, with itself",
    (
        "foundation/privacy/keys.py",
        "_key_bytes(entry.strip().partition(':')[2], name='FIELD_KEYS') == secret",
    ): "two keys of ours, at the start",
}
# Beside `foundation.audit.clock`, which reads the portal's own: what is compared with the wall clock of others.
OWN_CLOCK = {
    "foundation/gateway/inbox.py": "signatures carry wall-clock seconds (docs/gateway-contract.md, 8)",
    "foundation/users/sessions.py": "a session is as old as its cookie",
}


def sources(*rooms: str) -> list[Path]:
    found = [path for room in rooms or ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts]
    assert found
    return sorted(found)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


@cache
def tracked() -> dict[str, str]:
    """The text of every file that is handed on: what git knows, or where there is no git, what is not made here."""
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip("not a git checkout")
    texts = {}
    for listed in told.stdout.split("\0"):
        path = ROOT / listed
        if listed and path.is_file():
            try:
                texts[listed] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # no text
    return texts


class TestFiles:
    def test_no_file_of_code_is_longer_than_a_reader_can_hold(self) -> None:
        lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
        assert not {file for file, lines in lengths.items() if lines > LINES}

    def test_no_file_of_tests_is_longer_than_a_reader_can_hold(self) -> None:
        lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources("tests")}
        assert {file for file, lines in lengths.items() if lines > LINES_OF_TESTS} == set()

    def test_there_is_no_drawer_for_what_has_no_name(self) -> None:
        drawers = {"utils", "util", "helpers", "common", "core", "services", "constants", "misc"}
        paths = [path.relative_to(ROOT) for path in sources()]
        assert [path for path in paths if drawers & {path.stem, *path.parts[:-1]}] == []

    def test_no_tracked_text_names_a_folder_of_one_machine(self) -> None:
        pattern = re.compile(r"(?<![\w.$}~-])/(?:work|home|Users|root|opt/pypi)/\w")
        found = {file: match[0] for file, text in tracked().items() if (match := pattern.search(text))}
        assert found.keys() <= {"tests/house/test_rules.py"}

    def test_no_tracked_text_names_the_host_of_a_registry(self) -> None:
        hosts = ("registry." + "npmjs", "pypi." + "org", "pythonhosted." + "org", "npm" + "mirror")
        assert {file for file, text in tracked().items() if any(host in text for host in hosts)} == set()


class TestMoney:
    def test_is_never_a_float_in_payments(self) -> None:
        """Seconds may be: a float stands only where the name says that it counts seconds or a wait."""
        wrong = []
        for path in sources("payments"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            seconds = {part for owner in ast.walk(tree) for value in _seconds(owner) for part in ast.walk(value)}
            wrong += [
                f"{name(path)}:{node.lineno}"
                for node in ast.walk(tree)
                if (
                    (isinstance(node, ast.Name) and node.id == "float")
                    or (isinstance(node, ast.Constant) and isinstance(node.value, float))
                    or (isinstance(node, ast.Attribute) and node.attr in {"FloatField", "DecimalField"})
                )
                and node not in seconds
            ]
        assert wrong == []

    def test_is_never_divided_in_payments(self) -> None:
        divisions = [
            f"{name(path)}:{node.lineno}"
            for path in sources("payments")
            for node in nodes(path)
            if isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Div)
            and not isinstance(node.right, ast.Constant | ast.JoinedStr)  # a path
        ]
        assert divisions == []


def _seconds(node: ast.AST) -> Iterator[ast.AST]:
    """What belongs to a name that says seconds or wait: values of variables and keywords, arguments with their defaults."""
    named: list[tuple[str, ast.AST | None]] = []
    if isinstance(node, ast.Assign):
        named = [(ast.unparse(target), node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign):
        named = [(ast.unparse(node.target), node)]
    elif isinstance(node, ast.keyword):
        named = [(node.arg or "", node.value)]
    elif isinstance(node, ast.FunctionDef):
        named = [(node.name, node.returns)]
    elif isinstance(node, ast.arguments):
        named = [(arg.arg, arg) for arg in (*node.args, *node.kwonlyargs)]
        named += [(arg.arg, default) for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    yield from (value for name, value in named if value is not None and re.search("seconds|wait", name, re.IGNORECASE))


class TestCode:
    def test_only_tasks_ring_the_bell(self) -> None:
        callers = {
            name(path)
            for path in sources()
            for node in nodes(path)
            if isinstance(node, ast.Attribute) and node.attr in {"delay", "apply_async"}
        }
        assert {Path(caller).name for caller in callers} == {"tasks.py"}

    def test_time_is_told_by_the_portals_clock(self) -> None:
        pattern = re.compile(r"\btimezone\.now\b|\bdatetime\.(?:now|utcnow|today)\b|\bdate\.today\b|\btime\.time\(")
        readers = {
            name(path)
            for path in sources(*PORTAL)
            if "embedded" not in path.parts and pattern.search(path.read_text(encoding="utf-8"))
        }
        assert readers == set(OWN_CLOCK)

    def test_what_proves_something_is_compared_in_constant_time(self) -> None:
        suspicious = re.compile(r"signature|digest|hmac|secret|fingerprint|token|sha256", re.IGNORECASE)
        compared = {
            (name(path), ast.unparse(node))
            for path in [*sources("foundation/gateway"), *sources("foundation/privacy")]
            for node in nodes(path)
            if isinstance(node, ast.Compare)
            and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
            and any(suspicious.search(ast.unparse(side)) for side in (node.left, *node.comparators))
            and not ast.unparse(node.left).startswith("len(")
        }
        assert compared == set(NO_SECRET)

    def test_signatures_are_proven_by_compare_digest(self) -> None:
        assert "hmac.compare_digest(" in (ROOT / "foundation/gateway/signatures.py").read_text(encoding="utf-8")

    def test_the_portal_keeps_nothing_in_sqlite(self) -> None:
        importers = {
            name(path)
            for path in sources(*PORTAL)
            for node in nodes(path)
            if isinstance(node, ast.Import | ast.ImportFrom) and "sqlite3" in ast.unparse(node)
        }
        assert importers == set()
