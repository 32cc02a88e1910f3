"""F48: in the middle of a list its approver is relieved or somebody on it dies, and an officer stops it."""

from typing import Any

from payments.models import Transfer
from payments.operations import dispatch, release
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import let_go_on
from tests.payments.helpers import send_all, state_of, states


class TestF48AListIsStoppedInTheMiddle:
    def test_what_is_ready_stays_and_what_is_being_sent_is_recorded(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 2
        make_entitled(6)
        batch = start(office, build_batch(office))
        gateway = FakeGateway()
        claim = dispatch.claim_to_send()
        assert claim is not None
        release.hold_batch(
            batch_id=batch.pk, by=office.accountant, reason="Người phê duyệt vừa thôi giữ chức vụ", at=office.at()
        )
        assert states() == {"SENDING": 2, "READY": 4}
        send_all(gateway)
        assert gateway.messages == []
        dispatch.send(claim=claim, gateway=gateway)
        assert (state_of(batch), states()) == ("HELD", {"SETTLED": 2, "READY": 4})

    def test_it_goes_on_where_it_stood_on_the_word_of_another(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 2
        make_entitled(4)
        batch = start(office, build_batch(office))
        gateway = FakeGateway()
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=gateway)
        release.hold_batch(batch_id=batch.pk, by=office.accountant, reason="Một người vừa mất", at=office.at())
        let_go_on(office, batch)
        send_all(gateway)
        assert (states(), set(gateway.times.values())) == ({"SETTLED": 4}, {1})
        assert Transfer.objects.filter(sent_count=1).count() == 4
