"""Keys of these tests' own, so that what they say does not hang on the environment's."""

import base64

import pytest


def encoded(seed: int) -> str:
    return base64.b64encode(bytes((seed + step) % 256 for step in range(32))).decode()


@pytest.fixture(autouse=True)
def keys(settings):
    settings.FIELD_KEYS = [f"k1:{encoded(1)}"]
    settings.BLIND_INDEX_KEY = encoded(100)
    return settings
