"""What an operation refuses, in words for the person who asked: what is wrong, and what to do."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ActRefused(Exception):
    """A rule refuses an act. Pages answer with `status` and these words; nothing was written."""

    message: str | Promise = _("Không thực hiện được.")
    remedy: str | Promise = ""
    status = 409

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.__class__.__name__)
