"""What administrators and auditors see of the last verification: what does not hold first, with what to do."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from foundation.audit import clock
from foundation.audit.operations import SYSTEM
from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import VerificationResult, VerificationRun
from payments.operations.verification import INVARIANTS
from payments.operations.verification.running import verify_books
from tests.conftest import Clock
from tests.factories import build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import book_of, send_all
from welfare_portal.tasks import verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor() -> User:
    return make_staff(Role.AUDITOR, unit=None)


@pytest.fixture
def read(client: Client, auditor: User) -> Callable[[], str]:
    client.force_login(auditor)

    def page() -> str:
        answer = client.get(reverse("verification"))
        assert answer.status_code == 200
        return answer.content.decode()

    return page


def a_run(*broken: str, **fields: Any) -> VerificationRun:
    run = VerificationRun.objects.create(
        **{"started_at": clock.now(), "milliseconds": 1_200, "source": "LOG", "transfers": 2_318, "lines": 31}
        | fields,
        broken=len(broken),
    )
    for invariant in INVARIANTS:
        bad = invariant.code in broken
        VerificationResult.objects.create(
            run=run,
            code=invariant.code,
            outcome="BROKEN" if bad else "HOLDS",
            checked=2_318,
            broken=3 if bad else 0,
            finding="Số dư bằng tổng bút toán; 7/PAID" if bad else "",
            milliseconds=5,
        )
    return run


def test_says_that_nobody_has_verified_yet(read: Callable[[], str]) -> None:
    assert "Chưa có lần kiểm chứng nào" in read()


def test_shows_what_does_not_hold_first_with_what_to_do(read: Callable[[], str]) -> None:
    a_run("I-15")
    text = read()
    table = text[text.index("<tbody") :]
    assert table.index("I-15") < table.index("I-1<")
    assert "Có 1 điều không đúng" in text
    assert "3 sai, đã xem 2.318" in text
    assert "7/PAID" in text
    assert "tạm dừng các đợt chi của nguồn này" in text
    assert "docs/operations.md" in text


def test_shows_a_run_in_which_everything_holds(read: Callable[[], str]) -> None:
    office, gateway = make_office(), FakeGateway()
    make_entitled(2)
    start(office, build_batch(office))
    send_all(gateway)
    verify_books(book=book_of(gateway), by=SYSTEM)
    text = read()
    assert "0 sai trên 31 dòng" in text
    assert "nhật ký ghi có của cổng" in text
    assert "govuk-error-summary" not in text


def test_shows_the_last_run_and_remembers_those_before(read: Callable[[], str]) -> None:
    a_run("I-1", "I-30")
    a_run()
    text = read()
    assert "Có 2 điều không đúng" not in text
    assert text.count("2 sai trên 31 dòng") == 1


def test_says_until_when_statements_were_compared(read: Callable[[], str]) -> None:
    a_run(source="STATEMENT", compared_until=date(2026, 11, 24), days_missing=2)
    assert "so với: sao kê của cổng đến hết ngày 24/11/2026; 2 ngày thiếu sao kê chưa so" in read()


def test_says_when_nobody_verifies_any_more(read: Callable[[], str], clock: Clock) -> None:
    a_run()
    assert "Hơn một ngày chưa kiểm chứng lại" not in read()
    clock.shift("2 days")
    assert "Hơn một ngày chưa kiểm chứng lại" in read()


def test_costs_the_same_whatever_there_is(
    read: Callable[[], str], django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for _ in range(20):
        a_run("I-2")
    read()
    with django_assert_max_num_queries(8):
        read()


def test_the_daily_task_keeps_a_run_and_says_what_it_did_not_compare(settings: Any) -> None:
    settings.DEMO = False
    verify()
    run = VerificationRun.objects.get()
    assert (run.source, run.broken) == ("NONE", 0)
    assert run.results.filter(outcome="NOT_COMPARED").count() == 4
    assert clock.now() - run.started_at < timedelta(minutes=5)
