"""`.env.example`, and the `.env` that is made from it with secrets of its own in place of the marks.

A mark is `<generate:secret:NAME>`, a long password, or `<generate:key:NAME>`, 32 bytes in base64. Marks of the same name
get the same secret: two programs know it.
"""

import base64
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from welfare_portal.environment import BASE_DIR

EXAMPLE = BASE_DIR / ".env.example"
_ASSIGNMENT = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_MARK = re.compile(r"<generate:(secret|key):([a-z-]+)>")

Entropy = Callable[[str], bytes]
"""64 bytes for the name of a mark; tests give the same ones in every run."""


def _random(_name: str) -> bytes:
    return secrets.token_bytes(64)


def fill(text: str, entropy: Entropy = _random) -> str:
    """The text with secrets in place of its marks."""
    made: dict[str, str] = {}

    def secret(mark: re.Match[str]) -> str:
        if mark[0] not in made:
            seed = entropy(mark[0])
            is_key = mark[1] == "key"
            made[mark[0]] = (base64.b64encode(seed[:32]) if is_key else base64.urlsafe_b64encode(seed[:48])).decode()
        return made[mark[0]]

    return _MARK.sub(secret, text)


def example(entropy: Entropy = _random) -> dict[str, str]:
    """The settings that `.env.example` names, with its values and with secrets of this call's own."""
    return dict(_ASSIGNMENT.findall(fill(EXAMPLE.read_text(encoding="utf-8"), entropy)))


def write(target: Path) -> bool:
    """Make `.env`, readable by its owner alone; whether it was made. One that is there is never touched."""
    if target.exists():
        return False
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(fill(EXAMPLE.read_text(encoding="utf-8")))
        os.link(draft, target)  # unlike a renaming it fails when someone else was quicker
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
