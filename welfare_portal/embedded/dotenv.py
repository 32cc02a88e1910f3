"""`.env.example` and the `.env` made from it, with secrets of its own in place of the marks.

A mark is `<generate:secret>` (a long password) or `<generate:key>` (32 bytes in base64). Marks that share a name, such
as `<generate:key:callbacks>`, get the same secret: two programs know it.
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
_MARK = re.compile(r"<generate:(\w+)(?::([\w-]+))?>")
_GENERATORS: dict[str, Callable[[], str]] = {
    "secret": lambda: secrets.token_urlsafe(48),
    "key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def fill(text: str) -> str:
    """The text with a new secret for each mark."""
    named: dict[str, str] = {}

    def secret(mark: re.Match[str]) -> str:
        generate = _GENERATORS[mark[1]]
        return named.setdefault(mark[0], generate()) if mark[2] else generate()

    return _MARK.sub(secret, text)


def example() -> dict[str, str]:
    """The settings that `.env.example` names, with the values that it gives and secrets of this call's own."""
    return dict(_ASSIGNMENT.findall(fill(EXAMPLE.read_text(encoding="utf-8"))))


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
