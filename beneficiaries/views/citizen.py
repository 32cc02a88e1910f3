"""A citizen registers the account into which he is paid, step by step, sees what became of it, and takes it back.

Every step is saved, so the page may be closed at any time. A step that is opened too early leads back to where the citizen is.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from beneficiaries import errors
from beneficiaries.errors import AccountRefused
from beneficiaries.forms.citizen import OTHER, BankForm, ConsentForm, NumberForm, SendForm
from beneficiaries.models import AccountDraft, PayoutAccount, Person
from beneficiaries.operations import people, registration, submission
from beneficiaries.queries.accounts import account_summary, accounts_of_person, banks_on, person_of
from beneficiaries.queries.citizen import ACCOUNT_WORDS, StateWords, birth_of, differences, draft_of
from beneficiaries.refusals import REFUSALS, Refusal, refusal_of
from beneficiaries.states import ACCOUNT_ENDED, AccountState, EnquiryState
from beneficiaries.tasks import ring
from foundation.users.access import CITY_TIME
from foundation.users.models import VneidIdentity
from foundation.users.operations import national_id_of, phone_of
from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission

STEPS = (
    "register-details",
    "register-bank",
    "register-number",
    "register-holder",
    "register-consent",
    "register-check",
)
DETAILS, BANK, NUMBER, HOLDER, CONSENT, CHECK = range(1, 7)
TO_CHECK = "kiem-tra"  # ?ve=kiem-tra: an answer is changed from the page of checking, and leads back there

StepView = Callable[[PortalRequest, AccountDraft], HttpResponse]


def reached(draft: AccountDraft, at: datetime) -> int:
    """The furthest step that can be opened."""
    if draft.bank_id is None:
        return BANK
    if draft.state == EnquiryState.NONE:
        return NUMBER
    if draft.state != EnquiryState.ANSWERED or registration.is_too_old(draft, at):
        return HOLDER
    return CHECK if draft.consent_version == registration.CONSENT_VERSION else CONSENT


def step(number: int, *, methods: str = "GET POST") -> Callable[[StepView], Callable[[HttpRequest], HttpResponseBase]]:
    """The page of one step, given the citizen's saved registration; opened too early it leads to where he is."""

    def put(view: StepView) -> Callable[[HttpRequest], HttpResponseBase]:
        @page(Permission.LINK_OWN_ACCOUNT, methods=methods)
        @wraps(view)
        def at_step(request: PortalRequest) -> HttpResponse:
            draft = draft_of(request.user)
            asks = request.method in ("GET", "HEAD")
            if draft is None:
                if not asks:
                    raise errors.NoDraft
                return _lead(request, _("Bấm Bắt đầu để đăng ký tài khoản."), "register")
            here = reached(draft, request.at)
            if here < number:
                if not asks:
                    raise errors.DraftChanged
                return _lead(request, _("Làm xong bước này trước đã."), STEPS[here - 1])
            return view(request, draft)

        return at_step

    return put


def _lead(request: PortalRequest, words: str, name: str) -> HttpResponse:
    if request.htmx:
        answer = HttpResponse()
        answer["HX-Redirect"] = reverse(name)
        return answer
    messages.info(request, words)
    return HttpResponseRedirect(reverse(name))


def _identity(request: PortalRequest) -> VneidIdentity:
    identity = VneidIdentity.objects.filter(user=request.user).first()
    if identity is None:
        raise errors.NotInAuthority
    return identity


def _person(request: PortalRequest) -> Person:
    """The citizen in the register; who is not in it owns nothing there."""
    person = person_of(request.user)
    if person is None:
        raise Http404
    return person


def _to_check(request: PortalRequest) -> bool:
    return (request.POST if request.method == "POST" else request.GET).get("ve") == TO_CHECK


def _onward(request: PortalRequest, draft: AccountDraft, name: str) -> HttpResponse:
    """To the next step; back to the page of checking where an answer was changed from there and nothing else is open."""
    if "later" in request.POST:
        messages.success(request, _("Đã lưu. Ông, bà làm tiếp lúc nào cũng được."))
        return HttpResponseRedirect(reverse("citizen-home"))
    if _to_check(request) and reached(draft, request.at) == CHECK:
        name = STEPS[CHECK - 1]
    return HttpResponseRedirect(reverse(name))


def _show(
    request: PortalRequest, draft: AccountDraft, number: int, template: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    to_check = _to_check(request)
    before = STEPS[CHECK - 1] if to_check else ("register", *STEPS)[number - 1]
    context = {
        "draft": draft,
        "step": number,
        "steps": range(1, CHECK + 1),
        "back": reverse(before),
        "to_check": to_check,
        "saved_at": draft.saved_at,
        "saved_today": timezone.localdate(draft.saved_at) == timezone.localdate(request.at),
    }
    return render(request, f"registration/{template}.html", context | more, status=status)


# --- Begin, and come back ---
@page(Permission.LINK_OWN_ACCOUNT, methods="GET POST")
def start(request: PortalRequest) -> HttpResponse:
    """What is to come; pressed, it opens a saved registration, for somebody who is new in the register as well."""
    if request.method == "POST":
        person = people.ensure_person(identity=_proven(_identity(request)), by=request.user, at=request.at)
        registration.start_draft(person_id=person.pk, by=request.user, at=request.at)
        return HttpResponseRedirect(reverse("register-details"))
    draft = draft_of(request.user)
    return render(request, "registration/start.html", {"draft": draft, "begun": draft is not None})


def _proven(identity: VneidIdentity) -> people.ProvenIdentity:
    return people.ProvenIdentity(
        national_id=national_id_of(identity),
        full_name=identity.full_name,
        birth_date=identity.birth_date,
        birth_precision=identity.birth_precision,
        sex=identity.sex,
        address=identity.address,
        unit_code=identity.unit_code,
        phone=phone_of(identity),
    )


@step(DETAILS, methods="GET")
def resume(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """Where the citizen left off; the bank's answer is shown again before he agrees to anything."""
    here = reached(draft, request.at)
    place = {BANK: DETAILS, CONSENT: HOLDER}.get(here, here)
    return HttpResponseRedirect(reverse(STEPS[place - 1]))


# --- The steps ---
@step(DETAILS, methods="GET")
def details(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """Who the citizen is by VNeID, to read only."""
    identity = _identity(request)
    following = STEPS[CHECK - 1] if _to_check(request) and reached(draft, request.at) == CHECK else "register-bank"
    return _show(
        request,
        draft,
        DETAILS,
        "details",
        person=draft.person,
        identity=identity,
        birth=birth_of(identity),
        sex=dict(Person.Sex.choices).get(identity.sex, ""),
        national_id=national_id_of(identity),
        phone=phone_of(identity),
        differences=differences(draft.person, identity),
        following=reverse(following),
    )


@step(BANK)
def bank(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """Which bank or wallet."""
    banks = list(banks_on(request.at.astimezone(CITY_TIME).date()))
    if request.method != "POST":
        form = BankForm(banks=banks, saved=draft.bank_id, initial={"reference": draft.reference})
        return _show(request, draft, BANK, "bank", form=form, other=OTHER)
    form = BankForm(request.POST, banks=banks, saved=draft.bank_id)
    if not form.is_valid():
        return _show(request, draft, BANK, "bank", form=form, other=OTHER, status=422)
    draft = registration.choose_bank(
        person_id=draft.person_id,
        bank_bin=form.cleaned_data["bank_bin"],
        reference=form.cleaned_data["reference"],
        by=request.user,
        at=request.at,
    )
    return _onward(request, draft, "register-number")


@step(NUMBER)
def number(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """Which account; the bank is asked whose it is."""
    if request.method != "POST":
        known = {"reference": draft.reference, "bank": draft.bank_id, "number": registration.number_of(draft)}
        return _show(request, draft, NUMBER, "number", form=NumberForm(initial=known))
    form = NumberForm(request.POST)
    if not form.is_valid():
        return _show(request, draft, NUMBER, "number", form=form, status=422)
    try:
        draft = registration.enter_number(
            person_id=draft.person_id,
            number=form.cleaned_data["number"],
            reference=form.cleaned_data["reference"],
            seen_bank=form.cleaned_data["bank"],
            by=request.user,
            at=request.at,
        )
    except (errors.WrongNumber, errors.SameAccount, errors.TooManyEnquiries) as refusal:
        form.add_error("number", forms.ValidationError(f"{refusal.message} {refusal.remedy}"))
        return _show(request, draft, NUMBER, "number", form=form, status=refusal.status)
    ring()
    return _onward(request, draft, "register-holder")


@step(HOLDER, methods="GET")
def holder(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """Whose account the bank says it is, or why it does not; while it is being asked, a part that asks again by itself."""
    waiting, slow = draft.state == EnquiryState.WAITING, registration.is_slow(draft, request.at)
    if request.htmx and waiting and slow == ("slow" in request.GET):
        return HttpResponse(status=204)  # nothing new: screen readers are not told the same words every two seconds
    return _show(
        request,
        draft,
        HOLDER,
        "_holder" if request.htmx else "holder",
        person=draft.person,
        waiting=waiting,
        slow=slow,
        too_old=draft.state == EnquiryState.ANSWERED and registration.is_too_old(draft, request.at),
        refusal=refusal_of(draft.refusal_code) if draft.state == EnquiryState.REFUSED else None,
        needs_officer=draft.match_result == "REVIEW",
    )


@page(Permission.LINK_OWN_ACCOUNT, methods="POST")
def ask_again(request: PortalRequest) -> HttpResponse:
    """Ask the bank once more about the number that is there."""
    person = person_of(request.user)
    if person is None:
        raise errors.NoDraft
    registration.ask_again(person_id=person.pk, by=request.user, at=request.at)
    ring()
    return HttpResponseRedirect(reverse("register-holder"))


@step(CONSENT)
def consent(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """The words of the consent and an empty box."""
    words = registration.CONSENT_TEXT
    if request.method != "POST":
        form = ConsentForm(initial={"seen": registration.seen_token(draft)})
        return _show(request, draft, CONSENT, "consent", form=form, words=words)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return _show(request, draft, CONSENT, "consent", form=form, words=words, status=422)
    registration.record_consent(
        person_id=draft.person_id, seen=form.cleaned_data["seen"], by=request.user, at=request.at
    )
    return HttpResponseRedirect(reverse("register-check"))


@step(CHECK, methods="GET")
def check(request: PortalRequest, draft: AccountDraft) -> HttpResponse:
    """Everything once more before it is sent."""
    return _show(
        request,
        draft,
        CHECK,
        "check",
        person=draft.person,
        account_number=_in_fours(registration.number_of(draft)),
        seen=registration.seen_token(draft),
        needs_officer=draft.match_result == "REVIEW",
        summary=account_summary(draft.person),
    )


def _in_fours(number: str) -> str:
    """As somebody compares it with a card or a screen."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


@page(Permission.LINK_OWN_ACCOUNT, methods="POST")
def send(request: PortalRequest) -> HttpResponse:
    """Send what was seen; pressed twice it leads to the same result."""
    form, person = SendForm(request.POST), person_of(request.user)
    if person is None:
        raise errors.NoDraft
    if not form.is_valid():
        raise errors.DraftChanged
    try:
        account = submission.submit_registration(
            person_id=person.pk,
            reference=form.cleaned_data["reference"],
            seen=form.cleaned_data["seen"],
            by=request.user,
            at=request.at,
        )
    except AccountRefused as refused:
        if refused.code not in REFUSALS:
            raise
        return _not_taken(request, refusal_of(refused.code), refused.status)
    return HttpResponseRedirect(reverse("register-result", args=[account.reference]))


def _not_taken(request: PortalRequest, refusal: Refusal, status: int) -> HttpResponse:
    context = {"refusal": refusal, "back": reverse("register-check")}
    return render(request, "registration/not_taken.html", context, status=status)


# --- What became of it ---
@page(Permission.VIEW_OWN_WELFARE)
def result(request: PortalRequest, reference: str) -> HttpResponse:
    """The receipt of one registration; it can be opened again at any time, by its owner."""
    account = get_object_or_404(accounts_of_person(_person(request)), reference=reference)
    return render(request, "registration/result.html", {"account": account, "told": told(account)})


def told(account: PayoutAccount) -> StateWords:
    """The state of an account in its holder's words."""
    return ACCOUNT_WORDS[AccountState(account.state)]


@page(Permission.VIEW_OWN_WELFARE)
def history(request: PortalRequest) -> HttpResponse:
    """Each registration with what became of it, the newest first."""
    person = person_of(request.user)
    accounts = accounts_of_person(person) if person else PayoutAccount.objects.none()
    rows = [
        {
            "account": account,
            "told": told(account),
            "refusal": refusal_of(account.refusal_code) if account.state == AccountState.REFUSED else None,
            "ended": account.state in ACCOUNT_ENDED,
        }
        for account in accounts[:100]
    ]
    draft = draft_of(request.user)
    context = {
        "rows": rows,
        "draft": draft,
        "draft_refusal": refusal_of(draft.refusal_code) if draft and draft.refusal_code else None,
        "back": reverse("citizen-home"),
    }
    return render(request, "registration/history.html", context)


@page(Permission.LINK_OWN_ACCOUNT, methods="GET POST")
def withdraw(request: PortalRequest, version: int) -> HttpResponse:
    """Take an own account back: asked first, then done; cash from then on."""
    person = _person(request)
    account = get_object_or_404(accounts_of_person(person), version=version)
    if request.method == "POST":
        submission.withdraw_account(person_id=person.pk, account_id=account.pk, by=request.user, at=request.at)
        messages.success(request, _("Đã huỷ tài khoản nhận tiền. Biên nhận cũ vẫn còn trong lịch sử đăng ký."))
        return HttpResponseRedirect(reverse("citizen-home"))
    if account.state in ACCOUNT_ENDED:
        raise errors.InvalidMove(account.state)
    context = {"account": account, "summary": account_summary(person), "back": reverse("citizen-home")}
    return render(request, "registration/withdraw.html", context)
