"""A citizen's own payments: all of them by pages, and the way of each."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from beneficiaries.queries.accounts import person_of
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import Page
from foundation.users.roles import Permission
from payments.queries.citizen import CitizenPayment, CitizenStep, Tone, payment_of_person, payments_of_person
from payments.states import Route

C = CitizenStep
# The way that lies before a payment; what it has passed falls away.
BY_BANK = (C.APPROVED, C.SENT, C.CREDITED)
WAYS = {
    Route.GATEWAY: BY_BANK,
    Route.TREASURY_FILE: (C.APPROVED, C.WITH_TREASURY, C.TRANSFERRED),
    Route.PAYMENT_SERVICE: (C.APPROVED, C.WITH_SERVICE, C.SERVICE_PAID),
    Route.WARD_CASH: (C.APPROVED, C.CASH_READY, C.CASH_PAID),
}
# Where a step stands on the way by the bank, which is not always under its own name.
STANDS_AT = {C.CHECKING: C.SENT, C.TRANSFERRED: C.SENT}
TAG = {Tone.WAITING: "yellow", Tone.GOOD: "green", Tone.BAD: "red"}


@dataclass(frozen=True, slots=True)
class Told:
    """A payment as the pages draw it: `tag` is the colour of its state, `to_come` the names of the steps before it."""

    payment: CitizenPayment
    tag: str
    to_come: tuple[CitizenStep, ...]


def told(payment: CitizenPayment) -> Told:
    """A payment with what is still to come of it."""
    return Told(payment, TAG[payment.tone], _to_come(payment))


def _to_come(payment: CitizenPayment) -> tuple[CitizenStep, ...]:
    way = WAYS[payment.route]
    stands_at = payment.step if payment.step in way else STANDS_AT.get(payment.step, payment.step)
    return way[way.index(stands_at) + 1 :] if stands_at in way else ()


@page(Permission.VIEW_OWN_WELFARE)
def my_payments(request: PortalRequest) -> HttpResponse:
    """What was paid, newest first; `sau` is the code of the last one on the page before."""
    person = person_of(request.user)
    found: Page[CitizenPayment, str] = Page((), None)
    if person is not None:
        found = payments_of_person(person=person, after=request.GET.get("sau", ""))
    context = {
        "rows": [told(payment) for payment in found.rows],
        "next": found.next,
        "is_first": "sau" not in request.GET,
        "back": reverse("citizen-home"),
    }
    return render(request, "my_payments/list.html", context)


@page(Permission.VIEW_OWN_WELFARE)
def my_payment(request: PortalRequest, code: str) -> HttpResponse:
    """One payment: how far it has come, what to do, and what it is made of."""
    person = person_of(request.user)
    payment = payment_of_person(person=person, code=code) if person is not None else None
    if payment is None:
        raise Http404
    context = {"one": told(payment), "payment": payment, "back": reverse("my-payments")}
    return render(request, "my_payments/detail.html", context)
