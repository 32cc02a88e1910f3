"""How a wrong or doubtful value is told: what is wrong, and what to do about it, in the reader's language."""

from dataclasses import dataclass
from typing import TypeAlias

from django.utils.functional import Promise

Text: TypeAlias = str | Promise


class InvalidValue(ValueError):
    """A value that cannot be taken as it stands.

    `code` is stable and groups equal repairs; `message` says what is wrong, `repair` what to do. Neither holds the
    value: it may be an identity or account number, and messages reach logs.
    """

    def __init__(self, code: str, message: Text, repair: Text) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.repair = repair

    def __str__(self) -> str:
        return f"{self.message} {self.repair}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value that is taken but that somebody should look at; fields as in InvalidValue."""

    code: str
    message: Text
    repair: Text
