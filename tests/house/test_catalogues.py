"""Everybody is spoken to in his language: no string is left unmarked, none without words, none with other placeholders."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.template.base import Lexer, TokenType
from django.test import Client
from django.urls import reverse
from django.utils import translation
from rest_framework.exceptions import NotAuthenticated, Throttled

from foundation.users.models import User
from payments.models import PayoutBatch
from welfare_portal import catalogues

ROOT = Path(__file__).resolve().parents[2]
VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)
# Templates and files of code that speak Vietnamese whatever language was chosen, each with its reason.
ONE_LANGUAGE_TEMPLATES = {
    "500.html": "shown when nothing works any more, so it asks for nothing",
    "base.html": "the switch names the other language in that language",
}
ONE_LANGUAGE = {
    "welfare_portal/demo/": "invented people and their lists",
    "welfare_portal/bench/": "invented people and their lists",
    "welfare_portal/management/": "for whoever runs the machine",
    "welfare_portal/catalogues.py": "the word by which what libraries bring is not taken",
    "welfare_portal/settings.py": "the title of the API's description",
    "payments/management/": "for whoever runs the machine",
    "payments/cash_list.py": "paper that is signed and filed",
    "payments/payout_sheets.py": "paper that is signed and filed",
    "payments/result_rows.py": "headings and words as the Treasury and the payment service write them",
    "payments/queries/lists.py": "letters, for searching names with or without marks",
    "payments/operations/": "reasons that are kept with a batch as they were given",
    "beneficiaries/operations/": "the words of a consent are kept as they were shown",
    "beneficiaries/register_file/": "words that stand in wards' lists",
    "foundation/reference/": "letters, units and places",
}
every_language = pytest.mark.parametrize("language", catalogues.LANGUAGES)


def messages(language: str) -> Iterator[Message]:
    yield from (message for message in catalogues.read(language) if message.id)


def forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def fixed(text: str) -> tuple[set[str], set[str]]:
    """What must be the same in every language: placeholders and markup."""
    return set(re.findall(r"%\(\w+\)[sd]|%[sd]|\{\w*(?::\w+)?\}", text)), set(re.findall(r"<[^>]+>", text))


class TestCatalogues:
    @every_language
    def test_no_string_is_without_words(self, language: str) -> None:
        assert [message.id for message in catalogues.without_words(catalogues.read(language))] == []

    @every_language
    def test_no_words_are_a_guess(self, language: str) -> None:
        assert [message.id for message in messages(language) if message.fuzzy] == []

    @every_language
    def test_placeholders_and_markup_are_those_of_the_string(self, language: str) -> None:
        wrong = []
        for message in messages(language):
            wanted = [fixed(form) for form in forms(message.id)]
            wrong += [message.id for form in forms(message.string) if form and fixed(form) not in wanted]
        assert wrong == []

    @every_language
    def test_files_are_what_the_code_asks_for(self, language: str) -> None:
        """No string is missing, none is left over: `make messages` would change nothing."""
        assert catalogues.merged(language).decode() == catalogues.po_file(language).read_text(encoding="utf-8")

    @every_language
    def test_nothing_in_them_depends_on_machine_or_day(self, language: str) -> None:
        text = catalogues.po_file(language).read_text(encoding="utf-8")
        assert not re.search(r"-Date:|Generated-By|Last-Translator|^#: /|^#: .*:\d", text, re.MULTILINE)

    def test_what_is_translated_stays_when_the_file_is_written_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catalogues, "po_file", lambda language: tmp_path / language / "django.po")
        monkeypatch.setattr(
            catalogues,
            "ours",
            lambda: iter(
                [
                    catalogues.Marked("Lưu", None, "a.py"),
                    catalogues.Marked("Lưu", "danh từ", "b.html"),
                    catalogues.Marked(("%(n)s dòng", "%(n)s dòng."), None, "b.html"),
                ]
            ),
        )
        assert len(catalogues.write("en")) == 3
        path = catalogues.po_file("en")
        text = path.read_text(encoding="utf-8").replace('msgid "Lưu"\nmsgstr ""', 'msgid "Lưu"\nmsgstr "Save"')
        path.write_text(text + '\n#: gone.py\nmsgid "Bỏ"\nmsgstr "Gone"\n', encoding="utf-8")
        left = {(message.id, message.context) for message in catalogues.write("en")}
        assert left == {(("%(n)s dòng", "%(n)s dòng."), None)}
        assert "Gone" not in path.read_text(encoding="utf-8")
        assert path.read_bytes() == catalogues.merged("en")


class TestGathering:
    def gathered(self, tmp_path: Path, name: str, source: str) -> set[tuple[object, str | None]]:
        path = tmp_path / name
        path.write_text(source, encoding="utf-8")
        return {(marked.text, marked.context) for marked in catalogues._marked(path, name)}

    def test_reads_every_way_of_marking_in_a_template(self, tmp_path: Path) -> None:
        source = """
          {% load i18n %}
            {% translate "Một" %} {% translate 'Hai' context "số" as two %} {% trans "Ba" as three %}
        {% blocktranslate with name=user.name trimmed %}
              Chào {{ name }},
              100% mời vào.
        {% endblocktranslate %}
          {% blocktranslate count n=rows context "danh sách" %}{{ n }} dòng{% plural %}{{ n }} các dòng{% endblocktranslate %}
        {% include "kit/x.html" with label=_("Năm") %} {{ _("Sáu") }} {{ value|default:_("Bảy") }}
        {% comment %}{% translate "Không" %}{% endcomment %}{# không #}
        """
        assert self.gathered(tmp_path, "page.html", source) == {
            ("Một", None),
            ("Hai", "số"),
            ("Ba", None),
            ("Chào %(name)s, 100%% mời vào.", None),
            (("%(n)s dòng", "%(n)s các dòng"), "danh sách"),
            ("Năm", None),
            ("Sáu", None),
            ("Bảy", None),
        }

    def test_reads_every_way_of_marking_in_code(self, tmp_path: Path) -> None:
        source = (
            'A = _("Một " "hai")\nB = pgettext_lazy("số", "Ba")\nC = ngettext("%d dòng", "%d các dòng", n) % n\n'
            'D = npgettext("x", "y", "z", n)\nE = other("Không")\n'
        )
        assert self.gathered(tmp_path, "code.py", source) == {
            ("Một hai", None),
            ("Ba", "số"),
            (("%d dòng", "%d các dòng"), None),
            (("y", "z"), "x"),
        }


class TestMarking:
    def test_no_template_speaks_outside_of_what_is_translated(self) -> None:
        speaking = {
            path.relative_to(folder).as_posix()
            for folder in (ROOT / "templates", *(ROOT / room / "templates" for room in catalogues.ROOMS))
            for path in folder.rglob("*")
            if path.suffix in catalogues.TEMPLATES and unmarked_in_template(path.read_text(encoding="utf-8"))
        }
        assert speaking == set(ONE_LANGUAGE_TEMPLATES)

    def test_no_code_speaks_outside_of_what_is_translated(self) -> None:
        speaking = {
            name
            for name, tree in code()
            if not name.startswith(tuple(ONE_LANGUAGE)) and any(VIETNAMESE.search(text) for text in unmarked(tree))
        }
        assert speaking == set()

    def test_strings_are_marked_under_names_that_are_gathered(self) -> None:
        """By an import from Django alone, as itself or as `_`; and what is marked is written there, not put together."""
        wrong = []
        for name, tree in code():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                    wrong += [
                        f"{name}: {alias.asname}"
                        for alias in node.names
                        if alias.name in catalogues.KEYWORDS and alias.asname not in {None, "_"}
                    ]
                elif isinstance(node, ast.Call) and called(node) in catalogues.KEYWORDS:
                    wrong += [f"{name}:{node.lineno}" for part in node.args[:1] if isinstance(part, ast.JoinedStr)]
        assert wrong == []


def code() -> Iterator[tuple[str, ast.Module]]:
    for room in catalogues.ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def unmarked(tree: ast.Module) -> Iterator[str]:
    """Strings of code that are neither marked nor docstrings."""
    passed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in catalogues.KEYWORDS:
            passed |= {part for argument in node.args for part in ast.walk(argument)}
        elif isinstance(node, ast.Expr):
            passed.add(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in passed:
            yield node.value


def unmarked_in_template(source: str) -> list[str]:
    """Vietnamese pieces of a template that are neither marked nor comments."""
    found, inside = [], ""
    for token in Lexer(source).tokenize():
        tag = token.contents.split()[0] if token.token_type is TokenType.BLOCK and token.contents.split() else ""
        if inside:
            inside = "" if tag in {f"end{inside}"} else inside
        elif tag in {"blocktranslate", "blocktrans", "comment"}:
            inside = tag
        elif tag not in {"translate", "trans"} and token.token_type is not TokenType.COMMENT:
            rest = re.sub(r"""_\((?:"[^"]*"|'[^']*')\)""", "", token.contents)
            found += [rest.strip()] if VIETNAMESE.search(rest) else []
    return found


def spoken(marked: catalogues.Marked) -> str:
    """A string as Django says it, whoever has translated it."""
    text, context = marked.text, marked.context
    if isinstance(text, str):
        return translation.pgettext(context, text) if context else translation.gettext(text)
    one, many = text
    return translation.npgettext(context, one, many, 2) if context else translation.ngettext(one, many, 2)


class TestInUse:
    @pytest.fixture(autouse=True)
    def compiled(self) -> None:
        catalogues.compile_catalogues(outdated_only=True)

    @pytest.mark.django_db
    def test_the_first_page_speaks_the_language_that_was_chosen(self, client: Client) -> None:
        assert "Đăng nhập bằng VNeID" in client.get(reverse("home")).content.decode()
        client.cookies["django_language"] = "en"
        page = client.get(reverse("home")).content.decode()
        assert "Sign in with VNeID" in page
        assert '<html lang="en"' in page
        assert "Đăng nhập" not in page

    def test_labels_of_models_are_english_in_english(self) -> None:
        with translation.override("en"):
            assert str(PayoutBatch._meta.verbose_name) == "payout batch"
        with translation.override("vi"):
            assert str(PayoutBatch._meta.verbose_name) == "đợt chi trả"

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("vi", ("Nhập mật khẩu đang dùng.", "Mật khẩu quá ngắn, phải có ít nhất 14 ký tự.")),
            ("en", ("Please type your current password.", "This password is too short.")),
        ],
    )
    def test_forms_of_libraries_speak_the_language_that_was_chosen(self, language: str, words: list[str]) -> None:
        from allauth.account.forms import ChangePasswordForm

        told = {"oldpassword": "sai", "password1": "Ngan-2026", "password2": "Ngan-2026"}
        with translation.override(language):
            errors = ChangePasswordForm(User(username="can.bo"), told).errors.as_text()
        for word in words:
            assert word in errors

    def test_nobody_is_spoken_to_as_a_friend(self) -> None:
        """What Django answers with in the end, whoever translated it: people are "ông, bà", never "bạn"."""
        with translation.override("vi"):
            told = {spoken(marked) for marked in (*catalogues.ours(), *catalogues.in_libraries())}
        assert len(told) > 1000
        assert [words for words in told if re.search(r"\bbạn\b", words, re.IGNORECASE)] == []

    def test_a_field_has_a_label_of_words_and_not_of_its_name(self) -> None:
        """Django makes one of an English name where a form of a library gives none."""
        from allauth.mfa import app_settings
        from django.utils.module_loading import import_string

        for form in ("add_webauthn", "edit_webauthn"):
            with translation.override("vi"):
                assert import_string(app_settings.FORMS[form]).base_fields["name"].label == "Tên khoá"

    def test_the_api_speaks_vietnamese(self) -> None:
        with translation.override("vi"):
            assert str(NotAuthenticated().detail) == "Chưa đăng nhập."
            assert str(Throttled(wait=3).detail) == "Yêu cầu đến quá dày. Thử lại sau 3 giây."

    def test_every_library_has_its_vietnamese(self) -> None:
        """What is gathered from libraries is what people can meet; see also `test_no_string_is_without_words`."""
        read: Catalog = catalogues.read("vi")
        wanted = {marked.key for marked in catalogues.of_libraries()}
        assert set(catalogues.LIBRARIES) == {
            message.locations[0][0].partition("/")[0] for message in read if message.id
        }
        assert len(wanted) > 200
        for text, context in wanted:
            found = read.get(text, context)
            assert found is not None
            assert all(forms(found.string)), text
