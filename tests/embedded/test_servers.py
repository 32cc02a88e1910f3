"""`Servers`, the form that tests and the demonstration use: what breaks on order, and what survives it."""

import os
import socket
from pathlib import Path

import psycopg2
import pytest
import redis

from welfare_portal import environment
from welfare_portal.embedded import EmbeddedError, Servers, is_ephemeral


@pytest.fixture
def servers(tmp_path):
    with Servers(tmp_path / "var", ephemeral=True) as running:
        yield running


def rows(servers, statement):
    settings = environment.database(servers.environment()["DATABASE_OWNER_URL"], role="postgres")
    connection = psycopg2.connect(host=settings["HOST"], user=settings["USER"], dbname=settings["NAME"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def client(servers, **options):
    return redis.Redis.from_url(servers.environment()["REDIS_URL"], **options)


class TestPostgreSQL:
    def test_is_set_up_for_money(self, servers):
        wanted = {
            "listen_addresses": "",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "TimeZone": "UTC",
            "max_wal_size": "4GB",
        }
        shown = {name: rows(servers, f"SHOW {name}")[0][0] for name in wanted}
        assert shown == wanted
        statement = "SELECT datname, datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
        assert ("welfare", "b", "C.UTF-8", "UTF8") in rows(servers, statement)

    def test_vietnamese_letters_change_case(self, servers):
        assert rows(servers, "SELECT upper('đặng thị ngọc ánh')") == [("ĐẶNG THỊ NGỌC ÁNH",)]

    @pytest.mark.parametrize("way", ["stop", "crash", "kill"])
    def test_keeps_what_was_committed(self, servers, way):
        rows(servers, "CREATE TABLE kept AS SELECT 42 AS answer")
        getattr(servers.postgresql, way)()
        with pytest.raises(psycopg2.OperationalError):
            rows(servers, "SELECT 1")
        servers.postgresql.start()
        assert rows(servers, "SELECT answer FROM kept") == [(42,)]

    def test_crash_needs_recovery_and_stop_does_not(self, servers):
        log = servers.home.logs / "postgresql.log"
        servers.postgresql.stop()
        servers.postgresql.start()
        assert "automatic recovery in progress" not in log.read_text()
        servers.postgresql.crash()
        servers.postgresql.start()
        assert "automatic recovery in progress" in log.read_text()

    def test_does_not_start_twice(self, servers):
        with pytest.raises(EmbeddedError, match="already up"):
            servers.postgresql.start()

    def test_a_copy_made_while_it_works_takes_its_place(self, servers):
        rows(servers, "CREATE TABLE kept AS SELECT 1 AS what")
        copy = servers.home.directory / "copy"
        servers.postgresql.back_up(copy)
        rows(servers, "INSERT INTO kept VALUES (2)")
        with pytest.raises(EmbeddedError, match="is up"):
            servers.postgresql.restore(copy)
        servers.postgresql.stop()
        servers.postgresql.restore(copy)
        servers.postgresql.start()
        assert rows(servers, "SELECT what FROM kept") == [(1,)]


class TestRedis:
    def test_appends_and_never_evicts(self, servers):
        with client(servers) as connection:
            settings = connection.config_get("*")
        wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "port": "0"}
        assert {name: settings[name] for name in wanted} == wanted

    def test_restart_keeps_messages_and_flush_loses_them(self, servers):
        with client(servers) as connection:
            connection.set("message", "1")
            servers.redis.restart()
            assert connection.get("message") == b"1"
            servers.redis.flush()
            assert connection.get("message") is None

    def test_killed_it_is_gone_until_it_is_started(self, servers):
        servers.redis.kill()
        with client(servers) as connection:
            with pytest.raises(redis.ConnectionError):
                connection.ping()
            servers.redis.start()
            assert connection.ping()

    def test_paused_it_takes_connections_and_does_not_answer(self, servers):
        servers.redis.pause()
        with client(servers, socket_timeout=0.3) as connection:
            with pytest.raises(redis.TimeoutError):
                connection.ping()
            servers.redis.resume()
            assert connection.ping()

    def test_can_be_killed_while_it_is_paused(self, servers):
        servers.redis.pause()
        servers.redis.kill()
        assert servers.redis.processes() == []


class TestAttach:
    def test_another_object_breaks_and_mends_the_same_servers(self, servers):
        other = Servers.attach(Path(servers.environment()["WELFARE_EMBEDDED_DIRECTORY"]))
        assert other.environment() == servers.environment()
        rows(servers, "CREATE TABLE kept ()")
        other.postgresql.crash()
        other.postgresql.start()
        assert rows(servers, "SELECT to_regclass('kept')::text") == [("kept",)]
        assert rows(servers, "SHOW fsync") == [("on",)]
        other.redis.kill()
        other.redis.start()
        with client(servers) as connection:
            assert connection.ping()

    def test_what_another_object_started_ends_with_the_servers(self, tmp_path):
        with Servers(tmp_path, ephemeral=True, fast=True) as running:
            other = Servers.attach(tmp_path)
            other.redis.restart()
            other.postgresql.kill()
            other.postgresql.start()
            assert rows(running, "SHOW fsync") == [("off",)]
        assert other.redis.processes() == []
        assert other.postgresql.processes() == []


class TestIsEphemeral:
    def test_knows_its_own(self, servers):
        settings = servers.environment()
        assert is_ephemeral(settings["DATABASE_URL"])
        assert is_ephemeral(settings["DATABASE_OWNER_URL"])
        assert is_ephemeral(settings["REDIS_URL"])

    def test_lasting_servers_are_not(self, tmp_path):
        with Servers(tmp_path) as lasting:
            settings = lasting.environment()
            assert not is_ephemeral(settings["DATABASE_OWNER_URL"])
            assert not is_ephemeral(settings["REDIS_URL"])

    @pytest.mark.parametrize("url", ["postgresql://a@b/c", "postgresql://a@/c", "redis://b/0", "unix:///x/y?db=0", ""])
    def test_nobody_elses_are(self, url):
        assert not is_ephemeral(url)


class TestSocketDirectory:
    def test_one_that_someone_else_has_laid_out_is_refused(self, tmp_path):
        servers = Servers(tmp_path / "var", ephemeral=True)
        trap = tmp_path / "trap"
        trap.mkdir()
        servers.home.sockets.symlink_to(trap)
        try:
            with pytest.raises(EmbeddedError, match="belongs to someone else"):
                servers.start()
        finally:
            servers.home.sockets.unlink()
        assert list(trap.iterdir()) == []


class TestEnvironmentOfTests:
    def test_tests_run_on_ephemeral_servers(self):
        assert is_ephemeral(os.environ["DATABASE_OWNER_URL"])

    def test_nothing_outside_this_machine_can_be_reached(self):
        with pytest.warns(UserWarning, match="tried to use"), pytest.raises(RuntimeError, match="tried to use"):
            socket.create_connection(("192.0.2.1", 80), timeout=1)

    def test_this_machine_can_be_reached(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            socket.create_connection(listener.getsockname(), timeout=5).close()
