"""`.env.example`, and the `.env` made from it."""

import base64
import re
import stat
from pathlib import Path

import environ
import pytest

from welfare_portal.embedded import dotenv


@pytest.fixture
def made(tmp_path):
    target = tmp_path / ".env"
    assert dotenv.write(target)
    return target


def read(path: Path, monkeypatch):
    """As the portal reads it."""
    names = dict(dotenv.example())
    for name in names:
        monkeypatch.delenv(name, raising=False)
    env = environ.Env()
    env.read_env(path)
    return {name: env.str(name) for name in names}


class TestWrite:
    def test_only_the_owner_can_read_it(self, made):
        assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert [path.name for path in made.parent.iterdir()] == [".env"]

    def test_one_that_is_there_is_never_touched(self, made):
        before = made.read_text()
        assert not dotenv.write(made)
        assert made.read_text() == before

    def test_leaves_no_mark_and_gives_each_checkout_its_own_secrets(self, made, tmp_path):
        other = tmp_path / "other"
        dotenv.write(other)
        assert "generate:" not in made.read_text().partition("\n\n")[2]
        changed = [
            one.partition("=")[0]
            for one, two in zip(made.read_text().splitlines(), other.read_text().splitlines(), strict=True)
            if one != two
        ]
        marked = re.findall(r"^([A-Z_]+)=.*<generate", dotenv.EXAMPLE.read_text(), re.MULTILINE)
        assert changed == marked

    def test_the_portal_and_the_mocked_gateway_know_the_same_secrets(self, made, monkeypatch):
        settings = read(made, monkeypatch)
        assert settings["GATEWAY_SIGNING_SECRETS"] == settings["MOCK_GATEWAY_PORTAL_SECRETS"]
        assert settings["GATEWAY_CALLBACK_SECRETS"] == settings["MOCK_GATEWAY_CALLBACK_SECRETS"]
        assert settings["VNEID_CLIENT_SECRET"] == settings["MOCK_GATEWAY_VNEID_CLIENT_SECRET"]
        assert settings["GATEWAY_SIGNING_SECRETS"] != settings["GATEWAY_CALLBACK_SECRETS"]

    def test_keys_are_of_32_bytes_and_all_different(self, made, monkeypatch):
        settings = read(made, monkeypatch)
        keys = [settings["FIELD_KEYS"].removeprefix("k1:"), settings["BLIND_INDEX_KEY"]]
        keys += [
            settings[name].removeprefix("k1:whsec_")
            for name in ("GATEWAY_SIGNING_SECRETS", "GATEWAY_CALLBACK_SECRETS")
        ]
        assert [len(base64.b64decode(key, validate=True)) for key in keys] == [32] * 4
        assert len(set(keys)) == 4
        assert len(settings["SECRET_KEY"]) == 64


class TestExample:
    def test_every_name_has_a_line_of_explanation_above_it_or_its_group(self):
        lines = dotenv.EXAMPLE.read_text().splitlines()
        groups = "\n".join(lines).split("\n\n")
        assert [group for group in groups if not group.startswith("#")] == []

    def test_no_name_stands_twice(self):
        names = re.findall(r"^([A-Z_]+)=", dotenv.EXAMPLE.read_text(), re.MULTILINE)
        assert len(names) == len(set(names))
