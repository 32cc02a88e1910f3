"""Vietnamese names: cleaned, in the form that banks use, compared, and sorted.

A name is never identity: the 12-digit number decides, the name only confirms. Rules of Unicode here: NFC (TCVN
6909:2001), no invisible characters, letters of the Latin script only, so that two names which look alike are alike.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from anyascii import anyascii
from django.utils.translation import gettext_lazy as _
from rapidfuzz.distance import JaroWinkler

from foundation.reference.values import InvalidValue

NAME_MAX = 120
# Where a bank's field ends, and a name with it, differs; what is shorter than any such field is not a cut name.
CUT_MIN = 20

_WHITE_SPACE = re.compile(r"\s+")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
# Latin letters of Unicode's first blocks and of "Latin Extended Additional", which holds all of Vietnamese.
_LETTER = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]")
_NAME = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ '’ʼ.\-]*")
_DROPPED_BY_BANKS = str.maketrans("", "", "'’ʼ`.-…")
# Letters that Vietnamese does not have, but that text in the old TCVN3 and VNI fonts shows when read as Unicode.
_OLD_FONT_LETTERS = frozenset("ÄÅËÏÖÜÎÛÑÇÆØÞßäåëïöüîûñçæøþÿ¡¢£¤¥¦§¨©ª«¬®¯°±²³´µ¶·¸¹º»¼½¾¿")
_OLD_FONT_PAIRS = re.compile(r"a[áàâãêéèùû]|e[áàãâ]|o[âåä]|y[õøù]", re.IGNORECASE)


def clean_text(text: str, *, limit: int) -> str:
    """`text` in NFC with single spaces, its ends trimmed; line breaks and tabs, as cells have them, count as spaces.

    Raises:
        InvalidValue: TOO_LONG over `limit` characters, INVISIBLE_CHARACTER for control, formatting (zero-width,
            direction), private and unassigned characters and lone surrogates.
    """
    if len(text) > 4 * limit:  # before any work is done on it; NFC never shortens text by more than that
        raise _too_long(limit)
    cleaned = unicodedata.normalize("NFC", _WHITE_SPACE.sub(" ", text).strip())
    if len(cleaned) > limit:
        raise _too_long(limit)
    if not cleaned.isprintable() and any(unicodedata.category(character) in _INVISIBLE for character in cleaned):
        raise InvalidValue(
            "INVISIBLE_CHARACTER",
            _("Có ký tự ẩn trong ô này."),
            _("Xoá ô rồi gõ lại bằng tay, không dán từ nơi khác."),
        )
    return cleaned


def _too_long(limit: int) -> InvalidValue:
    return InvalidValue(
        "TOO_LONG", _("Nội dung dài hơn %(limit)s ký tự.") % {"limit": limit}, _("Rút ngắn nội dung của ô này.")
    )


def looks_like_old_font(text: str) -> bool:
    """Whether `text` was typed in TCVN3 or VNI and reads as nonsense in Unicode ("NguyÔn V¨n", "Nguyeãn Vaên")."""
    return not _OLD_FONT_LETTERS.isdisjoint(text) or bool(_OLD_FONT_PAIRS.search(text))


def clean_name(text: str) -> str:
    """A person's name as it is kept: NFC, single spaces, at most 120 characters, the look-alike Ð (U+00D0) made Đ.

    Raises:
        InvalidValue: NAME_MISSING, NAME_OLD_FONT, NAME_NOT_LETTERS, or a code of `clean_text`.
    """
    name = clean_text(text, limit=NAME_MAX).replace("Ð", "Đ").replace("ð", "đ")
    if not name:
        raise InvalidValue("NAME_MISSING", _("Chưa có họ tên."), _("Ghi họ tên như trên căn cước."))
    if looks_like_old_font(name):
        raise InvalidValue(
            "NAME_OLD_FONT",
            _("Họ tên gõ bằng phông chữ cũ (TCVN3 hoặc VNI)."),
            _("Chuyển cả tệp sang Unicode bằng Unikey rồi tải lên lại."),
        )
    if not _NAME.fullmatch(name) or not _LETTER.search(name):
        raise InvalidValue(
            "NAME_NOT_LETTERS",
            _("Họ tên có chữ số, dấu lạ hoặc chữ cái không phải tiếng Việt."),
            _("Gõ lại họ tên như trên căn cước, chỉ gồm chữ cái."),
        )
    return name


def bank_form(name: str) -> str:
    """The name as banks keep it: capitals A-Z without marks, without `' ’ . -`, single spaces."""
    return _WHITE_SPACE.sub(" ", anyascii(name.translate(_DROPPED_BY_BANKS)).upper()).strip()


class NameMatch(StrEnum):
    """What follows from comparing two names; the values are those that the apps store."""

    MATCH = "MATCH"
    MATCH_NOTE = "MATCH_NOTE"
    REVIEW = "REVIEW"
    MISMATCH = "MISMATCH"


@dataclass(frozen=True, slots=True)
class NameComparison:
    """The result, its reason (a stable code), and a score from 0 to 1 that sorts work lists and decides nothing."""

    result: NameMatch
    reason: str
    score: float


def compare_names(ours: str, bank: str) -> NameComparison:
    """Compare our name with the one that the bank returned.

    Only equality after normalising passes by itself. A score never decides: "AN" and "ANH" are 0.99 alike, and two
    people.
    """
    if ours == bank and ours.strip():
        return NameComparison(NameMatch.MATCH, "EQUAL", 1.0)
    left, right = bank_form(ours), bank_form(bank)
    score = round(JaroWinkler.similarity(left, right), 4)
    result, reason = _judge(left, right, bank)
    return NameComparison(result, reason, score)


def _judge(left: str, right: str, bank: str) -> tuple[NameMatch, str]:  # noqa: PLR0911  one row of the table each
    if not left or not right:
        return NameMatch.MISMATCH, "EMPTY"
    if left == right:
        return NameMatch.MATCH, "EQUAL"
    if left.replace(" ", "") == right.replace(" ", ""):
        return NameMatch.MATCH_NOTE, "SPACING"
    if looks_like_old_font(bank):
        return NameMatch.REVIEW, "OLD_FONT"
    if sorted(left.split()) == sorted(right.split()):
        return NameMatch.REVIEW, "ORDER"
    if left.replace("Y", "I") == right.replace("Y", "I"):
        return NameMatch.REVIEW, "I_OR_Y"
    if len(right) >= CUT_MIN and left.startswith(right):
        return NameMatch.REVIEW, "CUT"
    return NameMatch.MISMATCH, "DIFFERENT"


# --- Sorting: no Vietnamese collation is on every PostgreSQL, so the key is stored and compared by bytes. ---
_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_RANK = dict(zip(_ALPHABET, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg", strict=True))
_TONES = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}  # huyền hỏi ngã sắc nặng


@lru_cache(maxsize=20_000)  # a city has some thousand different words in its names, a list has each of them often
def _word_key(word: str) -> str:
    """A word's letters in Vietnamese order, then its tone: `An` < `Án` < `Anh`; where the mark stands is no matter."""
    letters: list[str] = []
    tone = "0"
    for character in unicodedata.normalize("NFD", word.lower()):
        if character in _TONES:
            tone = _TONES[character]
        elif unicodedata.category(character) == "Mn" and letters:
            letters[-1] = unicodedata.normalize("NFC", letters[-1] + character)
        else:
            letters.append(character)
    ranks = "".join(_RANK.get(letter, letter if letter.isascii() and letter.isalnum() else "") for letter in letters)
    return f"{ranks}!{tone}"


def name_sort_key(name: str) -> str:
    """The key by which lists of people are ordered: given name first, then middle names, then family name.

    At most 250 characters; to be compared by bytes.
    """
    words = name.replace("-", " ").split()
    if len(words) > 1:
        words = [words[-1], *words[1:-1], words[0]]
    return " ".join(map(_word_key, words))[:250]


_NUMBER = re.compile(r"[0-9]{1,9}")


def place_key(name: str) -> str:
    """The key by which places are ordered and recognised: `Khu phố 2` < `Khu phố 10`, `Hoà Bình` = `Hòa Bình`.

    It keeps the marks, because Thanh An and Thạnh An are two communes. At most 160 characters.
    """
    numbered = _NUMBER.sub(lambda found: found[0].zfill(5), name)
    return " ".join(map(_word_key, re.split(r"[\s\-–,.]+", numbered.strip())))[:160]
