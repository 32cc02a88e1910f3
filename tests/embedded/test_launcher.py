"""`python -m welfare_portal.embedded run`: whatever ends it, nothing of it stays."""

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests.embedded.conftest import PATIENCE, alive, eventually, processes
from welfare_portal.environment import BASE_DIR

pytestmark = pytest.mark.servers
EPHEMERAL = ("--ephemeral", "--fast")
# For what does not depend on servers: with others named, none is started.
NAMED = {"DATABASE_URL": "postgresql://a@b/c", "REDIS_URL": "redis://d"}


def rows(launch, statement):
    host = launch.environment["DATABASE_OWNER_URL"].partition("host=")[2]
    connection = psycopg2.connect(host=host, user="postgres", dbname="welfare")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


class TestRun:
    def test_gives_the_command_addresses_on_which_servers_answer(self, launch):
        run = launch(*EPHEMERAL).ready()
        assert rows(run, "SELECT current_user::text, current_setting('listen_addresses')") == [("postgres", "")]
        assert "user=" not in run.environment["DATABASE_URL"]
        assert run.environment["DATABASE_URL"].startswith("postgresql://welfare_app@/welfare?host=/")
        assert run.environment["REDIS_URL"].startswith("unix:///")
        assert run.end() == 0

    @pytest.mark.parametrize("code", [0, 7])
    def test_exit_code_is_the_commands(self, launch, tmp_path, code):
        run = launch("--directory", str(tmp_path), env=NAMED, command=["sh", "-c", f"exit {code}"])
        assert run.process.wait(timeout=PATIENCE) == code

    def test_exit_code_tells_the_signal_that_ended_the_command(self, launch, tmp_path):
        run = launch("--directory", str(tmp_path), env=NAMED, command=["sh", "-c", "kill -KILL $$"])
        assert run.process.wait(timeout=PATIENCE) == 128 + signal.SIGKILL

    def test_says_which_command_there_is_not(self, launch, tmp_path):
        run = launch("--directory", str(tmp_path), env=NAMED, command=["no-such-command"])
        _, errors = run.process.communicate(timeout=PATIENCE)
        assert (run.process.returncode, errors) == (1, "no-such-command: No such file or directory\n")

    def test_leaves_no_process_and_no_file(self, launch):
        run = launch(*EPHEMERAL).ready()
        directory = Path(run.environment["WELFARE_EMBEDDED_DIRECTORY"])
        assert len(run.left()) >= 5
        assert (directory / "postgresql").is_dir()
        assert run.end() == 0
        assert run.left() == []
        assert not directory.exists()
        assert not Path("/tmp", run.key).exists()

    def test_ends_what_the_command_left_in_a_session_of_its_own(self, launch, tmp_path):
        script = (
            "import json, os, subprocess\n"
            "daemon = subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=subprocess.DEVNULL)\n"
            "print(json.dumps({**os.environ, 'daemon': str(daemon.pid)}), flush=True)\n"
        )
        run = launch("--directory", str(tmp_path), env=NAMED, command=[sys.executable, "-c", script]).ready()
        assert run.process.wait(timeout=PATIENCE) == 0
        assert not alive(int(run.environment["daemon"]))
        assert run.left() == []

    def test_two_run_side_by_side(self, launch):
        first, second = launch(*EPHEMERAL), launch(*EPHEMERAL)
        first.ready(), second.ready()
        assert first.key != second.key
        rows(first, "CREATE TABLE mine ()")
        assert first.end() == 0
        assert rows(second, "SELECT to_regclass('mine')") == [(None,)]
        assert second.end() == 0

    def test_works_in_a_directory_too_deep_for_a_socket(self, launch, tmp_path):
        directory = tmp_path / ("very-long-name-" * 12)
        run = launch("--directory", str(directory)).ready()
        assert rows(run, "SELECT 1") == [(1,)]
        assert run.end() == 0

    def test_starts_no_server_for_which_another_is_named(self, launch, tmp_path):
        run = launch(
            "--directory", str(tmp_path), env={"DATABASE_URL": "postgresql://a@b/c", "REDIS_URL": "redis://d"}
        )
        run.ready()
        assert run.environment["DATABASE_URL"] == "postgresql://a@b/c"
        assert run.environment["REDIS_URL"] == "redis://d"
        programs = {child.name() for child in psutil.Process(run.process.pid).children(recursive=True)}
        assert not programs & {"postgres", "redis-server"}
        assert run.end() == 0

    def test_ephemeral_servers_ignore_what_is_named(self, launch):
        run = launch(*EPHEMERAL, env=NAMED).ready()
        assert run.key.startswith("welfare-")
        assert run.environment["REDIS_URL"].startswith(f"unix:///tmp/{run.key}/")
        assert run.end() == 0

    def test_refuses_a_taken_port_before_anything_starts(self, launch, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            run = launch("--directory", str(tmp_path / "var"), "--port", str(port))
            _, errors = run.process.communicate(timeout=PATIENCE)
        assert run.process.returncode == 1
        assert f"port {port} is taken" in errors
        assert not (tmp_path / "var").exists()


class TestEnd:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_a_signal_ends_the_command_and_the_servers(self, launch, signum):
        # Who starts the tests under nohup has the signal ignored, and a command inherits that.
        before = signal.signal(signum, signal.SIG_DFL) if signal.getsignal(signum) == signal.SIG_IGN else None
        try:
            run = launch(*EPHEMERAL).ready()
        finally:
            if before is not None:
                signal.signal(signum, before)
        run.process.send_signal(signum)
        assert run.process.wait(timeout=PATIENCE) in {128 + signum, 128 + signal.SIGTERM}
        assert run.left() == []

    def test_a_signal_while_starting_leaves_nothing(self, launch, tmp_path):
        run = launch("--ephemeral", "--directory", str(tmp_path / "var"))
        assert eventually((tmp_path / "var" / "log" / "initdb.log").exists)
        run.process.terminate()
        assert run.process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
        assert processes(str(tmp_path)) == []
        assert not (tmp_path / "var").exists()

    def test_ctrl_c_reaches_the_command_once(self, launch, tmp_path):
        count = (
            "import json, os, signal, sys, time\n"
            "seen = []\n"
            "signal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
            "print(json.dumps(dict(os.environ)), flush=True)\n"
            "while not seen: time.sleep(0.01)\n"
            "time.sleep(0.5)\n"
            "sys.exit(len(seen))\n"
        )
        master, terminal = pty.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        command = [sys.executable, "-c", count]
        run = launch("--directory", str(tmp_path), env=NAMED, command=command, preexec_fn=take_terminal).ready()
        os.write(master, b"\x03")
        assert run.process.wait(timeout=PATIENCE) == 1
        assert run.left() == []
        os.close(master)
        os.close(terminal)

    def test_kill_9_leaves_nothing(self, launch):
        run = launch(*EPHEMERAL).ready()
        directory = Path(run.environment["WELFARE_EMBEDDED_DIRECTORY"])
        run.process.kill()
        assert eventually(lambda: not run.left()), run.left()
        assert eventually(lambda: not directory.exists())
        assert not Path("/tmp", run.key).exists()

    def test_kill_9_of_the_whole_process_group_leaves_nothing(self, launch, tmp_path):
        run = launch("--directory", str(tmp_path), start_new_session=True).ready()
        os.killpg(run.process.pid, signal.SIGKILL)
        assert eventually(lambda: not run.left()), run.left()


class TestNextStart:
    def test_keeps_the_data(self, launch, tmp_path):
        first = launch("--directory", str(tmp_path)).ready()
        rows(first, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert first.end() == 0
        second = launch("--directory", str(tmp_path)).ready()
        assert rows(second, "SELECT answer FROM kept") == [(42,)]
        assert second.end() == 0

    def test_ends_what_a_crash_left_and_recovers_the_data(self, launch, tmp_path):
        crashed = launch("--directory", str(tmp_path)).ready()
        rows(crashed, "CREATE TABLE kept AS SELECT 42 AS answer")
        crashed.crash()
        orphans = processes(crashed.key)
        assert len(orphans) >= 3  # else this test shows nothing
        run = launch("--directory", str(tmp_path)).ready()
        assert not set(orphans) & set(processes(run.key))
        assert rows(run, "SELECT answer FROM kept") == [(42,)]
        assert run.end() == 0
        assert run.left() == []

    def test_starts_over_the_traces_of_a_power_cut(self, launch, tmp_path):
        crashed = launch("--directory", str(tmp_path)).ready()
        crashed.crash()
        for pid in processes(crashed.key):
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not processes(crashed.key))
        stale = tmp_path / "postgresql" / "postmaster.pid"
        lines = stale.read_text().splitlines()
        stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")  # the number now is someone else's
        run = launch("--directory", str(tmp_path)).ready()
        assert rows(run, "SELECT 1") == [(1,)]
        assert run.end() == 0

    def test_does_not_touch_the_servers_of_another_directory(self, launch, tmp_path):
        other = launch("--directory", str(tmp_path / "var")).ready()
        other.crash()
        orphans = processes(other.key)
        neighbour = launch("--directory", str(tmp_path / "var2")).ready()
        assert neighbour.end() == 0
        assert processes(other.key) == orphans
        after = launch("--directory", str(tmp_path / "var")).ready()
        assert after.end() == 0
        assert after.left() == []

    def test_removes_ephemeral_servers_whose_launcher_and_keeper_were_killed(self, launch):
        crashed = launch(*EPHEMERAL).ready()
        crashed.crash()
        assert processes(crashed.key)
        run = launch(*EPHEMERAL).ready()
        assert processes(crashed.key) == []
        assert not Path(crashed.environment["WELFARE_EMBEDDED_DIRECTORY"]).exists()
        assert run.end() == 0


class TestJoin:
    def test_a_second_command_uses_the_servers_that_are_up_and_leaves_them_up(self, launch, tmp_path):
        first = launch("--directory", str(tmp_path)).ready()
        rows(first, "CREATE TABLE mine ()")
        second = launch("--directory", str(tmp_path)).ready()
        assert second.environment["DATABASE_URL"] == first.environment["DATABASE_URL"]
        assert rows(second, "SELECT to_regclass('mine')::text") == [("mine",)]
        assert second.end() == 0
        assert rows(first, "SELECT 1") == [(1,)]
        assert first.end() == 0
        assert first.left() == []

    def test_kill_9_of_the_one_that_joined_ends_its_command_only(self, launch, tmp_path):
        first = launch("--directory", str(tmp_path)).ready()
        second = launch("--directory", str(tmp_path)).ready()
        command = second.command_pid
        second.process.kill()
        second.process.wait(timeout=PATIENCE)
        assert eventually(lambda: not alive(command))
        assert rows(first, "SELECT 1") == [(1,)]
        assert first.end() == 0


class TestOtherActions:
    def act(self, *arguments):
        command = [sys.executable, "-m", "welfare_portal.embedded", *arguments]
        return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)

    def test_stop_ends_a_launcher_from_another_shell(self, launch, tmp_path):
        run = launch("--directory", str(tmp_path)).ready()
        assert self.act("stop", "--directory", str(tmp_path)).stdout == "stopped\n"
        assert run.process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
        assert run.left() == []
        assert self.act("stop", "--directory", str(tmp_path)).stdout == "nothing was running\n"

    def test_reset_removes_the_data_but_not_those_in_use(self, launch, tmp_path):
        run = launch("--directory", str(tmp_path)).ready()
        refused = self.act("reset", "--directory", str(tmp_path))
        assert refused.returncode == 1
        assert f"started by process {run.process.pid}" in refused.stderr
        assert rows(run, "SELECT 1") == [(1,)]
        assert run.end() == 0
        assert self.act("reset", "--directory", str(tmp_path)).returncode == 0
        assert not (tmp_path / "postgresql").exists()

    def test_a_free_port_can_be_listened_on(self):
        with socket.create_server(("127.0.0.1", int(self.act("free-port").stdout))):
            pass

    def test_ephemeral_servers_do_not_empty_a_lasting_directory(self, launch, tmp_path):
        assert launch("--directory", str(tmp_path)).ready().end() == 0
        run = launch("--ephemeral", "--directory", str(tmp_path))
        _, errors = run.process.communicate(timeout=PATIENCE)
        assert run.process.returncode == 1
        assert "lasting database" in errors
        assert (tmp_path / "postgresql" / "PG_VERSION").exists()
