"""The operator's manual, section by section: what an alarm's page shows beside the facts, from the file in docs/."""

import re
from functools import cache
from pathlib import Path

from django.conf import settings

DOCS = Path(settings.BASE_DIR) / "docs"
_HEADING = re.compile(r"(#{2,4}) (.+)")


def anchor_of(heading: str) -> str:
    """The anchor that a heading gets where the file is read as a page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@cache
def sections(page: str) -> dict[str, list[str]]:
    """The paragraphs under each heading of a file of docs/, by anchor; nothing where the file was left out."""
    path = DOCS / page
    found: dict[str, list[str]] = {}
    paragraphs: list[str] = []
    for block in path.read_text(encoding="utf-8").split("\n\n") if path.is_file() else []:
        lines = block.strip().splitlines()
        if lines and (heading := _HEADING.fullmatch(lines[0])):
            found[anchor_of(heading[2])] = paragraphs = []
            lines = lines[1:]
        if lines:
            paragraphs.append(" ".join(line.strip() for line in lines).replace("`", ""))
    return found


def section(page: str) -> list[str]:
    """The paragraphs that `operations.md#anchor` names."""
    file, _, anchor = page.partition("#")
    return sections(file).get(anchor, [])
