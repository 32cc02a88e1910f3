"""Every address with every role: who is let in, who hears that he must sign in, who may not, and for whom it is not there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from beneficiaries.models import Entitlement, Payee, RegisterImport
from foundation.audit.alarms import raise_alarm
from foundation.gateway.channels import add_channels
from foundation.reference.models import Bank
from foundation.users.models import User
from foundation.users.roles import PERMISSIONS, Role
from payments.models import ReconciliationDifference, Transfer
from payments.operations import funding
from payments.operations.payout_files import make_file
from payments.states import ProposalKind, Route
from payments.watchers import FUND_TOO_LOW
from tests.access.addresses import ADDRESSES, SIGNING_IN, Address
from tests.factories import (
    ACB,
    VCB,
    WARD,
    build_batch,
    make_account,
    make_citizen,
    make_entitled,
    make_entitlement,
    make_office,
    make_person,
    make_staff,
    start,
)
from tests.payments.by_file import bring, said
from tests.payments.deciding import propose
from tests.payments.helpers import read
from tests.payments.papers import record
from tests.payments.statements import Line, camt, take_in

OTHER_WARD = "25747"
STAFF = [role for role in Role if role != Role.CITIZEN]
# Sessions, what a reading leaves, and who signed in when: every answer may write these.
NOT_BUSINESS = ("audit_event", "audit_s", "audit_t", "privacy_data_access", "django_session", "users_user")

SUMMARY: dict[str, Any] = dict.fromkeys(
    ("lines", "total", "new", "changed", "unchanged", "missing", "new_accounts"), 1
)
SUMMARY["warnings"] = []


def patterns(of: Any = None) -> Iterator[URLPattern]:
    for pattern in of if of is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns)
        else:
            yield pattern


@dataclass
class World:
    """A ward with a list being paid, a proposal about it, a list that was brought, an account to judge and a paid citizen."""

    citizen: User
    ids: dict[str, dict[str, Any]]

    def path(self, name: str) -> str:
        return reverse(name, kwargs=self.ids.get(name, {}))


@pytest.fixture
def world(db: None) -> World:
    cache.clear()
    office = make_office()
    person = make_person()
    account = make_account(Payee.objects.create(person=person), reference="ABCDE23456")
    make_entitlement(person)
    Bank.objects.filter(bin=ACB).update(by_gateway=False)
    (far,) = make_entitled(1, bank=ACB)
    batch = start(office, build_batch(office))
    transfer = Transfer.objects.get(payee__person=person)
    file = make_file(batch_id=batch.pk, route=Route.TREASURY_FILE, by=office.accountant, at=office.at())
    result = bring(office, batch, said(Transfer.objects.get(payee=far)))
    kept = RegisterImport.objects.create(
        unit_id=WARD,
        file_name="danh-sach.xlsx",
        file_sha256=b"0" * 32,
        period=batch.period,
        uploaded_by=office.preparer,
        summary=SUMMARY,
        state="CANCELLED",
    )
    proposal = propose(office, batch, ProposalKind.CANCEL_BATCH, by=office.preparer)
    entitlement = Entitlement.objects.get(person=person)
    voucher = funding.record_voucher(
        fund_id=office.fund.pk,
        number="CT-9",
        voucher_date=batch.period,
        amount=1,
        by=office.accountant,
        at=office.at(),
    )
    recovery = record(office, entitlement)
    of_fund, of_voucher = {"fund_id": office.fund.pk}, {"voucher_id": voucher.pk}
    of_recovery = {"recovery_id": recovery.pk}
    alarm = raise_alarm(kind=FUND_TOO_LOW, subject_kind="batch", subject_id=batch.pk, unit_code=WARD)
    add_channels([VCB])
    statement_file = take_in(camt([Line(amount=5_000, end_to_end_id="X", reference="X1")]), by=office.accountant)
    found = ReconciliationDifference.objects.get(kind="UNKNOWN_TO_US")
    of_difference = {"difference_id": found.pk}
    of_batch, of_transfer = {"batch_id": batch.pk}, {"end_to_end_id": transfer.end_to_end_id}
    return World(
        citizen=make_citizen(person),
        ids={
            "my-payment": {"code": transfer.end_to_end_id},
            "register-result": {"reference": account.reference},
            "register-withdraw": {"version": account.version},
            "import": {"import_id": kept.pk},
            "import-commit": {"import_id": kept.pk},
            "import-cancel": {"import_id": kept.pk},
            "alarm": {"alarm_id": alarm},
            "alarm-take-over": {"alarm_id": alarm},
            "channel-change": {"bank": VCB},
            "account-judge": {"account_id": account.pk},
            "statement-file": {"file_id": statement_file.pk},
            "statement": {"statement_id": found.statement_id},
            **{name: of_difference for name in ADDRESSES if name.startswith("difference") and name != "differences"},
            "people-to-visit": {"neighbourhood_id": 0},
            **{name: of_batch for name in ADDRESSES if name.startswith("batch-") and name != "batch-new"},
            "batch": of_batch,
            **{name: {"proposal_id": proposal.pk} for name in ADDRESSES if name.split("-")[0] == "proposal"},
            "review-decide": of_transfer,
            "payee-way": {"payee_id": far.pk},
            "batch-file-make": of_batch | {"route": "TREASURY_FILE"},
            "batch-file-take": of_batch | {"file_id": file.pk, "kind": "csv"},
            "batch-file-replace": of_batch | {"file_id": file.pk},
            "batch-result-new": of_batch | {"route": "TREASURY_FILE"},
            **{
                name: of_batch | {"result_id": result.pk}
                for name in ("batch-result", "batch-result-commit", "batch-result-cancel")
            },
            **dict.fromkeys(("fund", "fund-ledger", "fund-vouchers", "fund-remit", "voucher-new"), of_fund),
            **dict.fromkeys(("voucher", "voucher-confirm", "voucher-refuse"), of_voucher),
            **{name: of_recovery for name in ADDRESSES if name.startswith("recovery") and name != "recovery-new"},
            "trace-batch": of_batch,
            "trace-transfer": of_transfer,
            "trace-export": of_transfer | {"kind": "csv"},
            "trace-message": of_transfer | {"reference": "chunk-1"},
            "api-batch-detail": {"pk": batch.pk},
            "api-transfer-detail": of_transfer,
            "mfa_remove_webauthn": {"pk": 1},
            "mfa_edit_webauthn": {"pk": 1},
        },
    )


def client_of(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def is_api(name: str) -> bool:
    return name.startswith("api-")


def refusal(name: str, row: Address, method: str, *, signed_in: bool) -> int:
    """What somebody gets who may not come in."""
    if is_api(name):
        return 403
    if method not in row.methods.split():
        return 405
    if signed_in:
        return 403
    return 302 if method == "GET" else 401


def business() -> dict[str, str]:
    """A digest of every table that is not about sessions and readings."""
    tables = [name for (name,) in read("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    return {
        table: read(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")[0][0]
        for table in tables
        if not table.startswith(NOT_BUSINESS)
    }


class TestTheTable:
    def test_knows_every_address_and_no_other(self) -> None:
        names = {pattern.name for pattern in patterns()}
        assert None not in names
        assert names == ADDRESSES.keys() | SIGNING_IN.keys()

    def test_says_the_permission_that_the_door_asks_for(self) -> None:
        told, asked = {}, {}
        for pattern in patterns():
            view: Any = pattern.callback
            if pattern.name in SIGNING_IN or pattern.name in {"readyz", "schema", "api-docs", "gateway-callback"}:
                continue
            classes = getattr(getattr(view, "cls", None), "permission_classes", None)
            asked[pattern.name] = classes[0].needs if classes else view.permission  # a view without a mark fails here
            told[pattern.name] = ADDRESSES[str(pattern.name)].permission
        assert told == asked

    def test_lets_no_role_prepare_and_approve(self) -> None:
        for role in Role:
            assert not {"prepare_batch", "approve_batch"} <= {str(permission) for permission in PERMISSIONS[role]}


class TestNobodySignedIn:
    def test_is_led_to_the_entrance_and_leaves_no_trace(self, world: World) -> None:
        client, before, wrong = client_of(None), business(), {}
        for name, row in ADDRESSES.items():
            if row.permission is None:
                continue
            for method in ("GET", "POST"):
                answer = client.generic(method, world.path(name))
                expected = refusal(name, row, method, signed_in=False)
                if answer.status_code != expected:
                    wrong[name, method] = (answer.status_code, expected)
                if expected == 302:
                    assert answer["Location"].split("?")[0] in {"/vneid/dang-nhap", "/can-bo/dang-nhap"}
                if expected == 401:
                    assert "Phiên làm việc đã đóng" in answer.content.decode()
        assert wrong == {}
        assert business() == before

    def test_sees_the_public_pages(self, world: World) -> None:
        client = client_of(None)
        public = {name: row for name, row in ADDRESSES.items() if row.permission is None and name != "citizen-sign-in"}
        got = {name: client.get(world.path(name)).status_code for name in public}
        assert got == {name: row.own for name, row in public.items()}

    def test_sees_of_the_sign_in_pages_the_entrance_only(self, world: World) -> None:
        client = client_of(None)
        got = {name: client.get(world.path(name)).status_code for name in SIGNING_IN}
        assert got == SIGNING_IN


class TestStaff:
    @pytest.mark.parametrize("role", STAFF)
    def test_comes_in_by_his_role_only(self, world: World, role: Role) -> None:
        client, wrong = client_of(make_staff(role)), {}
        for name, row in ADDRESSES.items():
            if row.permission is None:
                continue
            held = row.permission in PERMISSIONS[role]
            expected = row.own if held else refusal(name, row, "GET", signed_in=True)
            answer = client.get(world.path(name))
            if answer.status_code != expected:
                wrong[name] = (answer.status_code, expected)
        assert wrong == {}

    @pytest.mark.parametrize("role", STAFF)
    def test_of_another_ward_finds_nothing_of_this_one(self, world: World, role: Role) -> None:
        client, wrong = client_of(make_staff(role, unit=OTHER_WARD)), {}
        code = Transfer.objects.order_by("id")[0].end_to_end_id
        for name, row in ADDRESSES.items():
            if row.permission is None or row.permission not in PERMISSIONS[role]:
                continue
            answer = client.get(world.path(name))
            expected = row.stranger if row.stranger is not None else row.own
            if answer.status_code != expected:
                wrong[name] = (answer.status_code, expected)
            if code not in world.path(name):  # what was asked for may be named in the answer
                assert code.encode() not in answer.content, name
        assert wrong == {}

    @pytest.mark.parametrize("role", STAFF)
    def test_sends_no_form_that_is_not_of_his_role(self, world: World, role: Role) -> None:
        client, before, wrong = client_of(make_staff(role)), business(), {}
        for name, row in ADDRESSES.items():
            if row.permission is None or row.permission in PERMISSIONS[role]:
                continue
            answer = client.post(
                world.path(name), {"reason": "Một lý do đủ dài", "unit_id": OTHER_WARD, "state": "APPROVED"}
            )
            expected = refusal(name, row, "POST", signed_in=True)
            if answer.status_code != expected:
                wrong[name] = (answer.status_code, expected)
        assert wrong == {}
        after = business()
        assert {table for table in after if after[table] != before.get(table)} == set()

    @pytest.mark.parametrize("role", STAFF)
    def test_of_another_ward_sends_no_form_here(self, world: World, role: Role) -> None:
        client, wrong = client_of(make_staff(role, unit=OTHER_WARD)), {}
        before = business()
        for name, row in ADDRESSES.items():
            if row.permission in PERMISSIONS[role] and row.of_a_row and "POST" in row.methods and not is_api(name):
                answer = client.post(world.path(name), {"reason": "Một lý do đủ dài"})
                if answer.status_code != 404:
                    wrong[name] = answer.status_code
        assert wrong == {}
        assert business() == before


class TestCitizens:
    def test_sees_his_own_pages(self, world: World) -> None:
        client, wrong = client_of(world.citizen), {}
        for name, row in ADDRESSES.items():
            if row.permission in PERMISSIONS[Role.CITIZEN]:
                answer = client.get(world.path(name))
                if answer.status_code != row.own:
                    wrong[name] = (answer.status_code, row.own)
        assert wrong == {}

    def test_finds_nothing_of_another_citizen(self, world: World) -> None:
        client, wrong = client_of(make_citizen()), {}
        for name, row in ADDRESSES.items():
            if row.permission in PERMISSIONS[Role.CITIZEN] and row.of_a_row:
                answer = client.get(world.path(name))
                if answer.status_code != row.stranger:
                    wrong[name] = (answer.status_code, row.stranger)
        assert wrong == {}

    def test_comes_into_no_page_of_staff(self, world: World) -> None:
        client, before, wrong = client_of(world.citizen), business(), {}
        for name, row in ADDRESSES.items():
            if row.permission is None or row.permission in PERMISSIONS[Role.CITIZEN]:
                continue
            for method in ("GET", "POST"):
                answer = client.generic(method, world.path(name))
                if answer.status_code != refusal(name, row, method, signed_in=True):
                    wrong[name, method] = answer.status_code
        assert wrong == {}
        assert business() == before


def test_the_portal_has_no_other_door(settings: Any) -> None:
    assert "django.contrib.admin" not in django_settings.INSTALLED_APPS
