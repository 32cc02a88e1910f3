"""The portal's words in other languages: gathered from code and templates, kept in locale/, compiled.

* Strings of ours are Vietnamese; `locale/en` has English for every one of them.
* `locale/vi` has Vietnamese for the strings of libraries that people here can meet and that come with none, or with words
  that say "bạn" to people.

What is written depends on the code only: no dates, no line numbers, strings in the order of files and lines. Babel does
what GNU gettext does elsewhere, which a bare machine does not have. Knows nothing of Django's settings, so that tests
can compile before Django has read them.
"""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from welfare_portal.environment import BASE_DIR

SOURCE = "vi"  # the language of our own strings
LANGUAGES = ("en", "vi")
ROOMS = ("welfare_portal", "payments", "beneficiaries", "foundation")
TEMPLATES = (".html", ".txt")
# Under these names only are strings marked; which argument is singular, plural or context ("c").
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# Files of libraries whose strings can reach people, by package: forms, refusals, second factors, answers of the API.
LIBRARIES = {
    "allauth": (
        "account/adapter.py",
        "account/fields.py",
        "account/forms.py",
        "mfa/adapter.py",
        "mfa/models.py",
        "mfa/base/forms.py",
        "mfa/totp/forms.py",
        "mfa/webauthn/forms.py",
        "templates/account/account_inactive.html",
        "templates/account/base_reauthenticate.html",
        "templates/account/login.html",
        "templates/account/logout.html",
        "templates/account/messages/logged_*.txt",
        "templates/account/messages/password_*.txt",
        "templates/account/password_change.html",
        "templates/account/password_set.html",
        "templates/account/reauthenticate.html",
        "templates/account/snippets/already_logged_in.html",
        "templates/mfa/*.html",
        "templates/mfa/messages/*.txt",
        "templates/mfa/recovery_codes/*.html",
        "templates/mfa/totp/*.html",
        "templates/mfa/webauthn/*.html",
        "templates/mfa/webauthn/snippets/*.html",
    ),
    "rest_framework": (
        "exceptions.py",
        "fields.py",
        "pagination.py",
        "relations.py",
        "serializers.py",
        "validators.py",
    ),
    "django": (
        "contrib/auth/password_validation.py",
        "contrib/auth/validators.py",
        "core/validators.py",
        "forms/fields.py",
        "forms/formsets.py",
        "forms/models.py",
        "forms/utils.py",
        "utils/ipv6.py",
        "utils/text.py",
        "utils/timesince.py",
    ),
}
# Vietnamese that libraries bring; not taken where it speaks to people as to friends, "bạn": here they are "ông, bà".
FAMILIAR = "bạn"
BROUGHT = {"django": ("conf", "contrib/auth"), "rest_framework": (".",)}


@dataclass(frozen=True, slots=True)
class Marked:
    """A string marked for translation: `text` is (singular, plural) where it counts something; `file` as it is shown."""

    text: str | tuple[str, ...]
    context: str | None
    file: str

    @property
    def key(self) -> tuple[str, str | None]:
        """By what gettext finds it."""
        return (self.text if isinstance(self.text, str) else self.text[0], self.context)


def ours() -> Iterator[Marked]:
    """Every marked string of the portal, in the order of files and lines."""
    paths = [path for room in ROOMS for path in (BASE_DIR / room).rglob("*.py")]
    for folder in (BASE_DIR / "templates", *(BASE_DIR / room / "templates" for room in ROOMS)):
        paths += [path for path in folder.rglob("*") if path.suffix in TEMPLATES]
    for path in sorted(paths):
        yield from _marked(path, path.relative_to(BASE_DIR).as_posix())


def of_libraries() -> Iterator[Marked]:
    """Every string of `LIBRARIES` that no library translates into the Vietnamese that is spoken here."""
    brought = set(_brought())
    yield from (marked for marked in in_libraries() if marked.key not in brought)


def in_libraries() -> Iterator[Marked]:
    """Every string of `LIBRARIES`.

    Raises:
        FileNotFoundError: A library no longer has one of the files.
    """
    for package, patterns in LIBRARIES.items():
        for pattern in patterns:
            paths = sorted(_folder(package).glob(pattern))
            if not paths:
                raise FileNotFoundError(f"{package} has no {pattern}")
            for path in paths:
                yield from _marked(path, f"{package}/{path.relative_to(_folder(package)).as_posix()}")


def po_file(language: str) -> Path:
    """Where the words of a language are kept."""
    return BASE_DIR / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """The words of a language as they stand in its file; none where there is no file yet."""
    path = po_file(language)
    if not path.exists():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def merged(language: str) -> bytes:
    """The file as it should stand: strings that the code has, in its order, with the words that they have already."""
    standing = read(language)
    catalogue = Catalog(language)
    for marked in of_libraries() if language == SOURCE else ours():
        before = standing.get(marked.text, marked.context)
        same = before is not None and isinstance(before.id, str) == isinstance(marked.text, str)
        catalogue.add(
            marked.text,
            before.string if before is not None and same else None,
            locations=[(marked.file, 1)],
            flags=before.flags & {"fuzzy"} if before is not None else (),
            user_comments=before.user_comments if before is not None else (),
            context=marked.context,
        )
    target = io.BytesIO(_header(catalogue, language).encode())
    target.seek(0, io.SEEK_END)
    write_po(target, catalogue, width=0, omit_header=True, include_lineno=False, ignore_obsolete=True)
    return target.getvalue().rstrip(b"\n") + b"\n"


def write(language: str) -> list[Message]:
    """Bring the file up to date; what has no words in it yet."""
    path = po_file(language)
    content = merged(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return list(without_words(read(language)))


def without_words(catalogue: Catalog) -> Iterator[Message]:
    """Strings that nobody has translated yet, in whole or in one of their plural forms."""
    for message in catalogue:
        if message.id and not (message.string and all(_forms(message.string))):
            yield message


def compile_catalogues(*, outdated_only: bool = False) -> None:
    """Write beside each `.po` the `.mo` that Django reads; whole or not at all, as processes may do it side by side."""
    for language in LANGUAGES:
        path = po_file(language)
        compiled = path.with_suffix(".mo")
        if outdated_only and compiled.exists() and compiled.stat().st_mtime >= path.stat().st_mtime:
            continue
        content = io.BytesIO()
        write_mo(content, read(language))
        part = compiled.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content.getvalue())
        part.replace(compiled)


def _forms(text: str | Iterable[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _marked(path: Path, shown: str) -> Iterator[Marked]:
    source = path.read_text(encoding="utf-8")
    if path.suffix in TEMPLATES:
        # Beside the calls, which stand in one line each, only blanks and placeholders are left: indentation means nothing.
        source = "\n".join(line.lstrip() for line in templatize(source, origin=shown).splitlines())
    found = extract("python", io.BytesIO(source.encode()), KEYWORDS, options={"encoding": "utf-8"})
    for _line, text, _comments, context in found:
        if text:
            yield Marked(text, context, shown)


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"{package} is not installed")
    return Path(found.submodule_search_locations[0])


def _brought() -> Iterator[tuple[str, str | None]]:
    for package, folders in BROUGHT.items():
        for folder in folders:
            with (_folder(package) / folder / "locale" / "vi" / "LC_MESSAGES" / "django.mo").open("rb") as file:
                for message in read_mo(file):
                    words = _forms(message.string) if message.id and message.string else ()
                    if words and not any(FAMILIAR in form.lower() for form in words):
                        yield _forms(message.id)[0], message.context


def _header(catalogue: Catalog, language: str) -> str:
    title = "Words for the portal's own strings, which are Vietnamese in code and templates"
    if language == SOURCE:
        title = "Vietnamese for strings of libraries that come without"
    fields = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": catalogue.plural_forms,
    }
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in fields.items())
    return f'# {title}; see docs/languages.md.\nmsgid ""\nmsgstr ""\n{lines}\n'
