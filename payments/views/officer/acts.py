"""The acts on a batch, each on a page of its own that says what it does: submit, take back, return, hold.

Letting a held list go on and cancelling one are proposed here; another person decides them on the page of the proposal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from payments.errors import BatchChanged, InvalidMove
from payments.forms.batches import ReasonForm
from payments.models import PayoutBatch, Proposal
from payments.operations.decide import reject_batch, submit_batch, withdraw_batch
from payments.operations.effects import propose_on_batch
from payments.operations.release import hold_batch
from payments.queries import comparison
from payments.states import BATCH_CANCELLABLE, BATCH_HOLDABLE, BATCH_WITHDRAWABLE, BatchState, ProposalKind
from payments.views.officer.batch import find, shown_token


@page(Permission.PREPARE_BATCH, methods="GET POST")
def submit(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Freeze a draft and hand it to the approvers."""
    batch = find(request, batch_id)
    _only_in(batch, BatchState.DRAFT)
    if request.method == "POST":
        _as_it_was_shown(request, batch)
        submit_batch(batch_id=batch.pk, by=request.user, at=request.at)
        messages.success(request, _("Đã trình phê duyệt. Danh sách đã khoá."))
        return redirect("batch", batch.pk)
    context = {"batch": batch, "seen": shown_token(batch), "comparison": comparison(batch=batch)}
    return render(request, "batches/submit.html", context)


@dataclass(frozen=True, slots=True)
class Act:
    """An act that needs a reason: its words, the states that it begins in, and what does it."""

    title: str | Promise
    explained: str | Promise
    button: str | Promise
    done: str | Promise
    states: tuple[BatchState, ...]
    does: Callable[..., Proposal | None]
    stops: bool = True  # and is drawn as a warning


WITHDRAW = Act(
    gettext_lazy("Rút lại đợt chi"),
    gettext_lazy("Danh sách này hết hiệu lực. Các khoản trong đó có thể được lập vào một danh sách mới."),
    gettext_lazy("Rút lại"),
    gettext_lazy("Đã rút lại đợt chi."),
    BATCH_WITHDRAWABLE,
    withdraw_batch,
)
REJECT = Act(
    gettext_lazy("Trả lại đợt chi"),
    gettext_lazy("Danh sách này hết hiệu lực. Người lập đọc lý do, sửa rồi lập danh sách mới."),
    gettext_lazy("Trả lại"),
    gettext_lazy("Đã trả lại đợt chi cho người lập."),
    (BatchState.SUBMITTED,),
    reject_batch,
)
HOLD = Act(
    gettext_lazy("Tạm dừng đợt chi"),
    gettext_lazy("Không khoản nào được gửi thêm. Khoản đã gửi sang ngân hàng vẫn được theo dõi đến khi có kết quả."),
    gettext_lazy("Tạm dừng"),
    gettext_lazy("Đã tạm dừng đợt chi."),
    BATCH_HOLDABLE,
    hold_batch,
)
RELEASE = Act(
    gettext_lazy("Đề nghị chi tiếp"),
    gettext_lazy(
        "Khi một người phê duyệt khác đồng ý, đợt chi đi tiếp từ chỗ đã dừng. Cổng tính lại cả danh sách và xem lại thẩm quyền "
        "của người đã duyệt trước khi cho chi tiếp."
    ),
    gettext_lazy("Đề nghị chi tiếp"),
    gettext_lazy("Đã gửi đề nghị. Chờ một người phê duyệt khác quyết định."),
    (BatchState.HELD,),
    partial(propose_on_batch, kind=ProposalKind.RELEASE_BATCH),
    stops=False,
)
CANCEL = Act(
    gettext_lazy("Đề nghị huỷ đợt chi"),
    gettext_lazy(
        "Khi một người phê duyệt đồng ý, các khoản chưa gửi bị huỷ, tiền về lại nguồn, và có thể lập vào đợt khác. "
        "Khoản đã gửi sang ngân hàng vẫn được theo dõi đến khi có kết quả. Không lấy lại được việc này."
    ),
    gettext_lazy("Đề nghị huỷ"),
    gettext_lazy("Đã gửi đề nghị. Chờ một người phê duyệt khác quyết định."),
    BATCH_CANCELLABLE,
    partial(propose_on_batch, kind=ProposalKind.CANCEL_BATCH),
)


@page(Permission.PREPARE_BATCH, methods="GET POST")
def withdraw(request: PortalRequest, batch_id: int) -> HttpResponse:
    """The preparer takes a list back that is not approved."""
    return _with_reason(request, batch_id, WITHDRAW)


@page(Permission.APPROVE_BATCH, methods="GET POST")
def reject(request: PortalRequest, batch_id: int) -> HttpResponse:
    """An approver sends a list back: exactly the one that he saw."""
    return _with_reason(request, batch_id, REJECT)


@page(Permission.HOLD_BATCH, methods="GET POST")
def hold(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Stop what has not been sent."""
    return _with_reason(request, batch_id, HOLD)


@page(Permission.PROPOSE_ACT, methods="GET POST")
def release(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Propose that a held list goes on."""
    return _with_reason(request, batch_id, RELEASE)


@page(Permission.PROPOSE_ACT, methods="GET POST")
def cancel(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Propose that an approved list is given up."""
    return _with_reason(request, batch_id, CANCEL)


def _with_reason(request: PortalRequest, batch_id: int, act: Act) -> HttpResponse:
    batch = find(request, batch_id)
    _only_in(batch, *act.states)
    form = ReasonForm(request.POST or None)
    if request.method == "POST":
        _as_it_was_shown(request, batch, only_state=act is HOLD)
        if form.is_valid():
            told: dict[str, Any] = {"reason": form.cleaned_data["reason"]}
            if act is REJECT:
                told["seen_hash"] = bytes(batch.list_hash or b"")
            proposal = act.does(batch_id=batch.pk, by=request.user, at=request.at, **told)
            messages.success(request, str(act.done))
            return redirect("proposal", proposal.pk) if proposal else redirect("batch", batch.pk)
    context = {"batch": batch, "act": act, "form": form, "seen": shown_token(batch)}
    return render(request, "batches/act.html", context, status=422 if form.errors else 200)


def _only_in(batch: PayoutBatch, *states: BatchState) -> None:
    """A page about an act that is over, or not due, says so instead of offering it."""
    if batch.state not in states:
        raise InvalidMove(batch.state)


def _as_it_was_shown(request: PortalRequest, batch: PayoutBatch, *, only_state: bool = False) -> None:
    """What the officer acts on must be what he was shown; one who stops a list stops it wherever it has come to."""
    if not only_state and request.POST.get("seen") != shown_token(batch):
        raise BatchChanged
