"""Pages of the community digital teams: where people have no account yet, whom to visit, and a sheet for the wall.

A list names people and where they live, no numbers: it is carried from door to door.
"""

from dataclasses import dataclass

import qrcode  # type: ignore[import-untyped]
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from beneficiaries.models import Person
from beneficiaries.queries.outreach import count_people_without_account, people_without_account
from foundation.reference.files import city_texts
from foundation.reference.models import Neighbourhood, Unit
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission

ROWS = 100


@page(Permission.ASSIST_REGISTRATION)
def not_registered(request: PortalRequest) -> HttpResponse:
    """The neighbourhoods of one unit: who receives there, and how many of them have no account."""
    units, unit = _place(request)
    context: dict[str, object] = {"units": units, "unit": unit}
    if unit is not None:
        rows = count_people_without_account(unit_code=unit.pk, day=request.at.astimezone(CITY_TIME).date())
        receivers = sum(row.receivers for row in rows)
        without = sum(row.without_account for row in rows)
        context |= {"rows": rows, "receivers": receivers, "without": without, "with_account": receivers - without}
    return render(request, "outreach/neighbourhoods.html", context)


@page(Permission.ASSIST_REGISTRATION)
def people_to_visit(request: PortalRequest, neighbourhood_id: int) -> HttpResponse:
    """Who has no account in one neighbourhood, by name; 0 stands for those whose neighbourhood is not known."""
    _units, unit = _place(request)
    if unit is None:
        raise Http404
    name = _("Chưa rõ khu phố")
    if neighbourhood_id:
        name = get_object_or_404(Neighbourhood, pk=neighbourhood_id, unit=unit).name
    found = people_without_account(
        unit_code=unit.pk,
        day=request.at.astimezone(CITY_TIME).date(),
        neighbourhood_id=neighbourhood_id,
        after=_after(unit, after_key(request)),
        limit=ROWS,
    )
    context = {"unit": unit, "name": name, "found": found, "is_first": after_key(request) is None, "at": request.at}
    return render(request, "outreach/people.html", context)


@page(Permission.ASSIST_REGISTRATION)
def poster(request: PortalRequest) -> HttpResponse:
    """A sheet for lobbies and neighbourhood houses: the portal's address as a code to scan, and three steps."""
    _units, unit = _place(request)
    address = settings.SITE_URL.rstrip("/")
    contact = city_texts()["contact"]
    context = {"unit": unit, "address": address, "code": code_to_scan(address), "help_line": contact["help_line"]}
    return render(request, "outreach/poster.html", context)


def _place(request: PortalRequest) -> tuple[list[Unit], Unit | None]:
    """The units that the user helps in, and the one that he asked for; None while he has to choose.

    Raises:
        Http404: He asked for one that is not his.
    """
    reach = request.rights.units(Permission.ASSIST_REGISTRATION)
    units = list(Unit.objects.order_by("sort_key", "code") if reach is None else Unit.objects.filter(pk__in=reach))
    asked = request.GET.get("don-vi", "")
    if not asked:
        return units, units[0] if len(units) == 1 else None
    unit = next((unit for unit in units if unit.pk == asked), None)
    if unit is None:
        raise Http404
    return units, unit


def _after(unit: Unit, key: int | None) -> tuple[str, int]:
    """Where the last page ended, from the id of its last person: names stand in no address."""
    if key is None:
        return "", 0
    found = Person.objects.filter(pk=key, unit=unit).values_list("name_sort_key", "pk").first()
    return found or ("", 0)


@dataclass(frozen=True, slots=True)
class CodeToScan:
    """A QR code as the path of an SVG: one square a dark cell, `size` cells each way with the quiet zone."""

    size: int
    path: str


def code_to_scan(text: str) -> CodeToScan:
    """Draw a QR code that survives a stain or a crease (level M: 15 % may be lost)."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    cells = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(cells) for x, dark in enumerate(row) if dark)
    return CodeToScan(len(cells), path)
