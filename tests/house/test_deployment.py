"""Compose file, image and settings name the same things; every service can say whether it is well."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from welfare_portal.environment import APP_ROLE, AUDITOR_ROLE, OWNER_ROLE

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
NAMED = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
OF_THE_IMAGES = {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_INITDB_ARGS"}
# Given by the processes that start others, never by a person.
INTERNAL = {"DATABASE_ROLE", "FAILPOINTS"}


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return content


SERVICES = compose()["services"]


def test_runs_the_processes_of_make_run_on_servers_of_their_own() -> None:
    assert {"web", "worker", "beat", "db", "redis", "mock_gateway"} <= SERVICES.keys()


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"prepare"}))
def test_every_service_has_a_health_check_and_a_fixed_image(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert ":" in service["image"]
    assert not service["image"].endswith(":latest")


def test_postgresql_is_the_version_of_the_embedded_server() -> None:
    assert SERVICES["db"]["image"].startswith("postgres:18")


def test_nothing_starts_before_the_database_is_prepared() -> None:
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["prepare"]["condition"] == "service_completed_successfully"


def test_no_password_stands_in_the_compose_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if "PASSWORD" in line or "SECRET" in line:
            assert "${" in line or line.endswith(': ""'), line


def test_a_missing_secret_stops_compose_instead_of_becoming_an_empty_one() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert re.findall(r"\$\{[A-Z0-9_]+\}", text) == []


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_who_works_as_the_app_is_not_told_the_passwords_of_stronger_logins(name: str) -> None:
    given = SERVICES[name]["environment"]
    assert {given[f"{login}_PASSWORD"] for login in ("POSTGRES", "WELFARE_OWNER", "WELFARE_AUDITOR")} == {""}
    assert given["DATABASE_OWNER_URL"] == ""
    assert given["DATABASE_URL"].startswith("postgresql://welfare_app:")


def test_the_mocked_gateway_is_told_its_own_settings_and_no_key_of_the_portal() -> None:
    service = SERVICES["mock_gateway"]
    assert service["env_file"] == []
    assert all(name.startswith("MOCK_GATEWAY_") for name in service["environment"])


def test_the_database_is_begun_with_a_login_for_each_role() -> None:
    script = (ROOT / "docker" / "initdb" / "10-roles.sh").read_text(encoding="utf-8")
    for role in (OWNER_ROLE, APP_ROLE, AUDITOR_ROLE):
        assert re.search(rf"^CREATE ROLE {role} LOGIN\b.* PASSWORD :'\w+';$", script, re.MULTILINE)
        assert f"{role.upper()}_PASSWORD" in SERVICES["db"]["environment"]


def test_only_loopback_is_published() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_name_that_compose_sets_or_reads_is_in_the_example() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    given = {name for service in SERVICES.values() for name in service.get("environment") or {}}
    assert len(read) > 5
    assert (read | given) - OF_THE_IMAGES - INTERNAL <= NAMED


def test_every_setting_is_in_the_example() -> None:
    text = (ROOT / "welfare_portal" / "settings.py").read_text(encoding="utf-8")
    text += (ROOT / "welfare_portal" / "logs.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', text))
    assert len(read) > 30
    assert read - INTERNAL <= NAMED


def test_every_name_that_a_started_process_reads_is_in_the_example() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("Procfile", "Dockerfile"))
    read = set(re.findall(r"\$\{([A-Z][A-Z0-9_]+)", text))
    assert read >= {"WEB_WORKERS", "WEB_THREADS"}
    assert read <= NAMED


def test_every_name_of_the_example_is_read_somewhere() -> None:
    names = (
        "welfare_portal/settings.py",
        "welfare_portal/logs.py",
        "mock_gateway/__main__.py",
        "docker-compose.yml",
        "Procfile",
    )
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    read = set(re.findall(r'(?:env\.\w+|environ\.get)\(\s*"([A-Z0-9_]+)"', text)) | set(
        re.findall(r"\$\{([A-Z][A-Z0-9_]+)", text)
    )
    gateway = (ROOT / "mock_gateway" / "settings.py").read_text(encoding="utf-8")
    read |= {f"MOCK_GATEWAY_{name}" for name in re.findall(r'(?:get|number)\("([A-Z_]+)"', gateway)}
    assert NAMED - read == set()


def test_every_name_of_the_example_is_explained() -> None:
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"^#?[A-Z][A-Z0-9_]+=", line):
            above = next(before for before in reversed(lines[:number]) if not re.match(r"^#?[A-Z][A-Z0-9_]+=", before))
            assert above.startswith("# "), line


def test_the_image_runs_as_nobody_special_and_builds_in_stages() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("FROM ") >= 3
    assert re.search(r"^USER (?!root)\w+$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert "STOPSIGNAL SIGTERM" in text
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for copied in line.split()[:-1]:
            assert (ROOT / copied).exists(), copied


def test_the_image_pins_its_bases_and_leaves_the_embedded_servers_out() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(":" in base and not base.endswith(":latest") for base in bases)
    left_out = re.search(r"grep -viE '\^\((.+)\)=='", text)
    assert left_out is not None
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}==", locked, re.MULTILINE) for name in left_out[1].split("|"))


def test_every_file_that_the_image_copies_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert f"!{source}" in ignored, source
