"""Two at once: workers at the same statement, a return by callback and by statement."""

from django.db import transaction

from foundation.audit.clock import now
from payments.models import Statement, StatementEntry, StatementFile
from payments.operations import statement_files
from payments.operations.import_statements import import_one
from tests.factories import make_office
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import at_once, read, run, states
from tests.payments.statements import camt, credit, debit, take_in
from tests.payments.test_closing import come_back
from tests.payments.test_statement_import import paid
from tests.payments.test_statements import transfers


def test_two_workers_import_a_statement_once(committed: None) -> None:
    office = make_office()
    paid(office, FakeGateway())
    content = camt([debit(transfer) for transfer in transfers()])
    for name in ("a.xml", "b.xml"):
        statement_files.upload_statement(content=lambda: [content], name=name, by=office.accountant, at=now())
    results = at_once(import_one, import_one)
    assert [result for result in results if isinstance(result, Exception)] == []
    while import_one():
        pass
    assert sorted(StatementFile.objects.values_list("state", flat=True)) == ["IMPORTED", "UNCHANGED"]
    assert (Statement.objects.count(), StatementEntry.objects.count()) == (1, 5)


def test_a_return_by_callback_and_by_statement_at_the_same_moment_is_one(committed: None) -> None:
    office = make_office()
    paid(office, FakeGateway())
    first, *rest = transfers()
    content = camt([debit(first), *map(debit, rest), credit(first)])

    def by_callback() -> int:
        with transaction.atomic():
            run("SELECT id FROM payments_dispatch_chunk WHERE id = %s FOR NO KEY UPDATE", first.chunk_id)
            return come_back(first)

    results = at_once(by_callback, lambda: take_in(content, by=office.accountant).state)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert states() == {"RETURNED": 1, "SETTLED": 4}
    assert read(
        "SELECT kind, count(*) FROM payments_ledger_entry WHERE kind IN ('RETURN', 'REFUND') GROUP BY 1 ORDER BY 1"
    ) == [
        ("REFUND", 1),
        ("RETURN", 1),
    ]
