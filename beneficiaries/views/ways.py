"""How one payee is paid: what holds, what held before, and writing down what he asks for."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from beneficiaries.forms.ways import WayForm
from beneficiaries.models import Person
from beneficiaries.operations.ways import choose_way
from beneficiaries.queries.ways import holding_way
from beneficiaries.states import Way
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission

SHOWN = 20


@page(Permission.VIEW_REGISTER, methods="GET POST")
def way(request: PortalRequest, payee_id: int) -> HttpResponse:
    """A payee's way of being paid; who may, writes down another."""
    people = Person.objects.visible_to(request.user, at=request.at).select_related("unit", "payee")
    person = get_object_or_404(people, payee=payee_id)
    payee = person.payee
    held = holding_way(payee=payee, day=request.at.astimezone(CITY_TIME).date())
    form = WayForm(request.POST or None, initial={"way": WayForm.value_of(held)})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        choose_way(
            payee_id=payee.pk,
            way=told["chosen"],
            delivery=told["delivery"],
            service_code=told["service_code"],
            reason=told["reason"],
            by=request.user,
            at=request.at,
        )
        messages.success(request, _("Đã ghi cách nhận tiền. Đợt chi lập từ bây giờ theo cách này."))
        return redirect("payee-way", payee.pk)
    context = {
        "person": person,
        "held": held,
        "usual": Way.USUAL.label,
        "rows": payee.payment_ways.select_related("recorded_by").order_by("-valid_from", "-id")[:SHOWN],
        "account": payee.accounts.filter(state="ACTIVE").select_related("bank").first(),
        "form": form,
        "may_record": request.rights.reaches(Permission.RECORD_WAY, person.unit_id),
    }
    return render(request, "payees/way.html", context, status=422 if form.errors else 200)
