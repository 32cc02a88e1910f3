"""Compose file, image and settings name the same things; every service can say whether it is well."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
NAMED = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
OF_THE_IMAGES = {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_INITDB_ARGS"}
# Given by the processes that start others, never by a person.
INTERNAL = {"DATABASE_ROLE"}


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
            assert "${" in line, line


def test_only_loopback_is_published() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_every_name_that_compose_sets_or_reads_is_in_the_example() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    given = {name for service in SERVICES.values() for name in service.get("environment") or {}}
    assert (read | given) - OF_THE_IMAGES - INTERNAL <= NAMED


def test_every_setting_is_in_the_example() -> None:
    text = (ROOT / "welfare_portal" / "settings.py").read_text(encoding="utf-8")
    text += (ROOT / "welfare_portal" / "logs.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', text))
    assert len(read) > 30
    assert read - INTERNAL <= NAMED


def test_every_name_of_the_example_is_read_somewhere() -> None:
    sources = [*ROOT.glob("welfare_portal/**/*.py"), *ROOT.glob("mock_gateway/**/*.py"), ROOT / "docker-compose.yml"]
    sources += [ROOT / "Procfile", ROOT / "Makefile"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    unread = {name for name in NAMED if name not in text and name.removeprefix("MOCK_GATEWAY_") not in text}
    assert unread == set()


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
    for copied in re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE):
        assert (ROOT / copied).exists(), copied


def test_every_file_that_the_image_copies_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert f"!{source}" in ignored, source
