"""I-29: every event sits in one place of one sealed tree, later heads extend earlier ones, and whoever meddles is found out."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from foundation.audit import sealing
from foundation.audit.models import AuditEvent, SealedEvent, TreeHead
from foundation.audit.operations import SYSTEM, record_event
from foundation.audit.sealing import seal_events, verify_trail
from tests.conftest import Clock
from tests.payments.helpers import as_criminal, at_once


def happen(count: int) -> list[int]:
    for number in range(count):
        record_event(
            kind="test.happened", actor=SYSTEM, subject_kind="test", subject_id=number, payload={"n": number, "ắ": "đ"}
        )
    return list(AuditEvent.objects.order_by("-id").values_list("id", flat=True)[:count])[::-1]


@pytest.mark.django_db
class TestI29:
    def test_gives_every_event_its_place_and_signs_the_head(self) -> None:
        ids = happen(7)
        assert seal_events() == 7
        assert list(SealedEvent.objects.order_by("tree_index").values_list("tree_index", "event_id")) == list(
            enumerate(ids)
        )
        check = verify_trail()
        assert (check.findings, check.events, check.heads, check.size) == ([], 7, 1, 7)

    def test_extends_what_was_sealed_before(self) -> None:
        for count in (3, 1, 5):
            happen(count)
            seal_events()
        assert seal_events() == 0
        assert list(TreeHead.objects.order_by("size").values_list("previous_size", "size")) == [(0, 3), (3, 4), (4, 9)]
        noted = [(head.size, bytes(head.root)) for head in TreeHead.objects.all()]
        assert verify_trail(noted=noted).holds

    def test_goes_on_in_portions(self) -> None:
        happen(11)
        assert [seal_events(limit=4) for _ in range(4)] == [4, 4, 3, 0]
        assert verify_trail().holds

    def test_finds_a_head_that_another_key_signed(self, settings: Any) -> None:
        happen(2)
        seal_events()
        settings.AUDIT_SIGNING_KEYS = ["a1:" + "A" * 43 + "="]
        assert verify_trail().findings == ["the head of 2 events is not signed by a key of ours"]

    def test_an_old_key_verifies_what_it_signed(self, settings: Any) -> None:
        happen(1)
        seal_events()
        settings.AUDIT_SIGNING_KEYS = ["a2:" + "B" * 43 + "=", *settings.AUDIT_SIGNING_KEYS]
        happen(1)
        seal_events()
        assert list(TreeHead.objects.order_by("size").values_list("key_id", flat=True)) == ["a1", "a2"]
        assert verify_trail().holds

    def test_says_when_nobody_seals(self, clock: Clock) -> None:
        happen(2)
        assert verify_trail().holds
        clock.shift("11 minutes")
        assert verify_trail().findings == ["2 events have no place in the tree"]

    def test_seals_nothing_without_a_key(self, settings: Any) -> None:
        settings.AUDIT_SIGNING_KEYS = []
        happen(1)
        with pytest.raises(sealing.NoSealingKey):
            seal_events()

    def test_is_held_by_the_database_as_well(self) -> None:
        happen(2)
        seal_events()
        row = "INSERT INTO audit_sealed_event (tree_index, event_id, event_at, leaf) VALUES (%s, 900, now(), sha256('x'))"
        for index in (3, 7):
            with (
                pytest.raises(DatabaseError, match="sealed_event_without_gap"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(row, [index])
        for sql, rule in (
            ("UPDATE audit_sealed_event SET leaf = sha256('x')", "permission denied"),
            ("DELETE FROM audit_tree_head", "permission denied"),
            ("TRUNCATE audit_sealed_event", "permission denied"),
        ):
            with pytest.raises(DatabaseError, match=rule), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)
        head = TreeHead.objects.get()
        for size, previous in ((2, 2), (5, 2), (4, 0)):
            with pytest.raises(DatabaseError, match="tree_head"), transaction.atomic():
                TreeHead.objects.create(
                    size=size, root=head.root, frontier=[], previous_size=previous, sealed_through=0, at=head.at,
                    key_id="a1", signature=b"",
                )  # fmt: skip

    def test_a_command_says_the_head_and_ends_in_1_when_it_does_not_hold(self, capsys: Any, clock: Clock) -> None:
        happen(1)
        seal_events()
        call_command("verify_trail")
        head = TreeHead.objects.get()
        assert f"1 events, 1 heads; head 1:{bytes(head.root).hex()}" in capsys.readouterr().out
        happen(1)
        clock.shift("11 minutes")
        with pytest.raises(SystemExit) as end:
            call_command("verify_trail", "--head", f"1:{'00' * 32}")
        assert end.value.code == 1
        assert "✗ the head of 1 events is not the one that was noted" in capsys.readouterr().out


class TestI29Tampering:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE audit_event SET payload = '{\"n\": 99}' WHERE id = %s",
            "UPDATE audit_event SET actor_label = 'somebody else' WHERE id = %s",
            "UPDATE audit_event SET at = at + interval '1 microsecond' WHERE id = %s",
            "UPDATE audit_event SET salt = gen_random_uuid() WHERE id = %s",
            "DELETE FROM audit_event WHERE id = %s",
            "UPDATE audit_sealed_event SET leaf = sha256('x') WHERE event_id = %s",
            "UPDATE audit_sealed_event SET event_id = 100000 + event_id WHERE event_id = %s",
            "DELETE FROM audit_sealed_event WHERE event_id = %s",
        ],
    )
    def test_finds_what_a_superuser_changed(self, committed: None, superuser: Any, clock: Clock, sql: str) -> None:
        ids = happen(5)
        seal_events()
        assert as_criminal(superuser, sql, ids[2]) == 1
        clock.shift("1 hour")
        assert not verify_trail().holds

    def test_finds_two_events_that_changed_places(self, committed: None, superuser: Any) -> None:
        happen(4)
        seal_events()
        as_criminal(superuser, "UPDATE audit_sealed_event SET tree_index = -1 WHERE tree_index = 1")
        as_criminal(superuser, "UPDATE audit_sealed_event SET tree_index = 1 WHERE tree_index = 2")
        as_criminal(superuser, "UPDATE audit_sealed_event SET tree_index = 2 WHERE tree_index = -1")
        assert not verify_trail().holds

    def test_finds_a_trail_that_was_written_and_sealed_anew(self, committed: None, superuser: Any) -> None:
        ids = happen(3)
        seal_events()
        first = TreeHead.objects.get()
        noted = [(first.size, bytes(first.root))]
        as_criminal(superuser, "UPDATE audit_event SET payload = '{}' WHERE id = %s", ids[1])
        as_criminal(superuser, "DELETE FROM audit_sealed_event")
        as_criminal(superuser, "DELETE FROM audit_tree_head")
        seal_events()
        assert verify_trail().holds, "alone, the new seal is a good one"
        assert verify_trail(noted=noted).findings == ["the head of 3 events is not the one that was noted"]


class TestI29Races:
    def test_an_event_that_is_committed_after_a_later_one_gets_a_later_place(
        self, committed: None, superuser: Any
    ) -> None:
        with superuser.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO audit_event (kind, actor_kind, actor_label, subject_kind, subject_id, payload, version, request_id) "
                "VALUES ('slow.one', 'SYSTEM', '', 'test', '1', '{}', 1, '') RETURNING id"
            )
            early = cursor.fetchone()[0]
            [late] = happen(1)
            assert early < late
            assert seal_events() == 1
            cursor.execute("COMMIT")
        assert seal_events() == 1
        assert list(SealedEvent.objects.order_by("tree_index").values_list("event_id", flat=True)) == [late, early]
        assert verify_trail().holds

    def test_two_sealers_at_once_give_each_event_one_place(self, committed: None) -> None:
        happen(300)
        done = at_once(*[lambda: seal_events(limit=50)] * 4)
        assert not [result for result in done if isinstance(result, Exception)]
        while seal_events(limit=50):
            pass
        assert SealedEvent.objects.count() == 300
        assert verify_trail().holds
