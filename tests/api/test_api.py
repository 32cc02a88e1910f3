"""The read API and the callback door, from outside."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from python_calamine import CalamineWorkbook

from foundation.gateway.models import GatewayMessage
from foundation.users.roles import Role
from payments.cash_list import write_cash_list
from payments.models import Transfer
from payments.operations import dispatch
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway

OTHER_WARD = "25747"


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


@pytest.fixture
def as_auditor(client: Client, office: Office) -> Client:
    client.force_login(make_staff(Role.AUDITOR, unit=None))
    return client


class TestBatches:
    def test_shows_totals_of_a_batch(self, as_auditor: Client, office: Office) -> None:
        make_entitled(3)
        batch = start(office, build_batch(office))
        answer = as_auditor.get(f"/api/v1/batches/{batch.pk}/").json()
        assert answer["control_sum"] == 3 * 650_000
        assert answer["totals"]["open"] == {"count": 3, "amount": 3 * 650_000}
        assert len(answer["list_hash"]) == 64

    def test_strangers_of_another_ward_see_nothing(self, client: Client, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        client.force_login(make_staff(Role.PREPARER, unit=OTHER_WARD))
        assert client.get("/api/v1/batches/").json()["results"] == []
        assert client.get(f"/api/v1/batches/{batch.pk}/").status_code == 404
        code = Transfer.objects.get().end_to_end_id
        assert client.get(f"/api/v1/transfers/{code}/").status_code == 404

    def test_nobody_reads_without_signing_in(self, client: Client, db: None) -> None:
        assert client.get("/api/v1/batches/").status_code == 403

    @pytest.mark.parametrize("batch", ["x", "-1", "1'--", "٣", "9" * 40])
    def test_a_batch_that_is_no_number_has_no_transfers(self, as_auditor: Client, batch: str) -> None:
        answer = as_auditor.get("/api/v1/transfers/", {"batch": batch})
        assert answer.status_code == 200
        assert answer.json()["results"] == []

    @pytest.mark.parametrize("kind", ["batches", "transfers"])
    @pytest.mark.parametrize(
        "cursor", ["p=%00", "p=", "p=x", "p=-1", "p=1'--", "p=%D9%A3", "p=" + "9" * 19, "r=1&p=1.5", "r=x", "o=-1"]
    )
    def test_a_cursor_that_is_none_is_not_found(self, as_auditor: Client, kind: str, cursor: str) -> None:
        answer = as_auditor.get(f"/api/v1/{kind}/", {"cursor": b64encode(cursor.encode()).decode()})
        assert answer.status_code == 404
        assert answer["Content-Type"].endswith("json")

    def test_pages_follow_one_another_there_and_back(self, as_auditor: Client, office: Office) -> None:
        make_entitled(3)
        build_batch(office)
        first = as_auditor.get("/api/v1/transfers/", {"page_size": 2}).json()
        second = as_auditor.get(first["next"]).json()
        assert [len(first["results"]), len(second["results"])] == [2, 1]
        assert as_auditor.get(second["previous"]).json()["results"] == first["results"]

    def test_a_list_costs_the_same_queries_for_two_and_for_twenty(
        self, as_auditor: Client, office: Office, django_assert_num_queries: Any
    ) -> None:
        make_entitled(2)
        batch = build_batch(office)
        as_auditor.get("/api/v1/transfers/", {"batch": batch.pk})
        with django_assert_num_queries(7):
            assert len(as_auditor.get("/api/v1/transfers/", {"batch": batch.pk}).json()["results"]) == 2
        make_entitled(20)
        more = build_batch(office, kind="SUPPLEMENTARY")  # type: ignore[arg-type]
        with django_assert_num_queries(7):
            assert len(as_auditor.get("/api/v1/transfers/", {"batch": more.pk}).json()["results"]) == 20


class TestTransfer:
    def test_never_tells_the_account_number(self, as_auditor: Client, office: Office) -> None:
        make_entitled(1, numbers=["1000123456789"])
        start(office, build_batch(office))
        code = Transfer.objects.get().end_to_end_id
        answer = as_auditor.get(f"/api/v1/transfers/{code}/")
        assert answer.json()["creditor_account"].endswith("6789")
        assert "1000123456789" not in answer.content.decode()

    def test_a_command_traces_it_to_the_last_dong(self, office: Office, capsys: Any) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=FakeGateway())
        transfer = Transfer.objects.get()
        call_command("trace", transfer.end_to_end_id)
        told = capsys.readouterr().out
        for word in ("Phê duyệt", "Gửi lệnh", "RESERVED → PAID", "650.000", transfer.creditor_name):
            assert word in told


class TestCallback:
    URL = "/api/v1/gateway/callbacks"

    def test_refuses_what_is_not_signed_and_keeps_nothing(self, client: Client, db: None) -> None:
        answer = client.post(self.URL, data=b'{"id": "evt_1"}', content_type="application/json")
        assert answer.status_code == 401
        assert not GatewayMessage.objects.exists()

    def test_refuses_a_body_that_is_too_large_before_reading_it(self, client: Client, db: None) -> None:
        answer = client.post(self.URL, data=b"x" * 300_000, content_type="application/json")
        assert answer.status_code == 413


class TestDescription:
    def test_the_schema_describes_every_door(self, client: Client, db: None) -> None:
        text = client.get("/api/schema/").content.decode()
        for path in ("/api/v1/batches/", "/api/v1/transfers/{end_to_end_id}/", "/api/v1/gateway/callbacks"):
            assert path in text

    def test_the_page_opens(self, client: Client, db: None) -> None:
        assert client.get("/api/docs/").status_code == 200


def test_the_cash_list_names_payees_and_hides_numbers(office: Office) -> None:
    make_entitled(3, cash=True)
    batch = build_batch(office)
    file = BytesIO()
    assert write_cash_list(batch=batch, file=file) == 3
    rows = CalamineWorkbook.from_filelike(BytesIO(file.getvalue())).get_sheet_by_index(0).to_python()
    told = "\n".join(str(row) for row in rows)
    assert "Nguyễn Văn Hai" in told
    assert "1950000" in told
    assert "***" in told
    assert "079148" not in told.replace("079 148", "")
