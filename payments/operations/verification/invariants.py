"""What an invariant is to `verify`: words, the guards that hold it, and the checks that recompute it from what is stored.

A check is one statement over a whole population: it gives a row (what, broken) for everything that it looks at, and PostgreSQL
counts. So each check sees one snapshot, memory stays bounded whatever the number of rows, and a check that looked at nothing
says so. Where rows cannot prove an invariant afterwards (the order of two steps inside one worker), the guard is looked at
instead, and the line says that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Look:
    """What a check saw: how many it looked at, how many break it, and one of these."""

    checked: int
    broken: int
    example: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One statement that must hold for every row of a population.

    `rows` is SQL that gives (what, broken), a null `broken` counting as broken; or, where something has to be opened or hashed, a
    function that reads in portions. `of_gateway`: it compares with the gateway's own book, and says nothing without one.
    """

    name: str | Promise
    rows: str | Callable[[Any], Look]
    of_gateway: bool = False


class Remedy(models.TextChoices):
    """What people do first when a line is red."""

    STOP = "STOP", _("Tiền có thể đã đi sai: tạm dừng mọi đợt chi, đối chiếu từng khoản với ngân hàng.")
    BOOKS = (
        "BOOKS",
        _("Sổ và khoản chi không khớp: tạm dừng các đợt chi của nguồn này, tìm bút toán sai trước khi chi tiếp."),
    )
    TAMPERED = "TAMPERED", _("Dữ liệu đã bị sửa ngoài hệ thống: xử lý như sự cố an ninh, giữ nguyên hiện trạng.")
    WORKERS = "WORKERS", _("Có việc không ai làm tiếp: xem các tiến trình và ngân hàng liên quan.")


class Proof(StrEnum):
    """By what a line is proven."""

    ROWS = "ROWS"  # recomputed from what is stored
    GUARD = "GUARD"  # leaves no trace in rows: that its guard stands is what can be looked at


@dataclass(frozen=True, slots=True)
class Invariant:
    """One line of `verify`."""

    code: str
    holds: str | Promise
    checks: tuple[Check, ...]
    guards: tuple[str, ...] = ()  # constraints, unique indexes and triggers, by name
    remedy: Remedy = Remedy.TAMPERED
    proof: Proof = Proof.ROWS
