"""The state graphs: whole, enforced as they are written, and drawn as they are enforced."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from beneficiaries import states as register_states
from foundation.audit.graphs import edges
from payments import states
from payments.management.commands import draw_states
from payments.management.commands.draw_states import GRAPHS, PATH, Graph, draw

every_graph = pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title)


@every_graph
def test_a_graph_names_every_state_and_no_other(graph: Graph) -> None:
    known = {str(state) for state in graph.labels}
    assert {str(state) for state in graph.moves} == known
    assert {new for _, new in edges(graph.moves)} <= known
    assert set(graph.initial) <= known


@every_graph
def test_every_state_can_be_reached_from_a_first_one(graph: Graph) -> None:
    reached, waiting = set(graph.initial), list(graph.initial)
    moves = edges(graph.moves)
    while waiting:
        state = waiting.pop()
        onward = {new for old, new in moves if old == state} - reached
        reached |= onward
        waiting += onward
    assert {str(state) for state in graph.moves} - reached == set()


@every_graph
def test_no_state_moves_to_itself(graph: Graph) -> None:
    assert [old for old, new in edges(graph.moves) if old == new] == []


@pytest.mark.django_db
@every_graph
def test_the_database_enforces_the_graph_that_is_drawn(graph: Graph) -> None:
    """The condition of the installed triggers, not of the ones in the code: a forgotten migration is found."""
    model = next(
        model
        for model in apps.get_models()
        if any(trigger.name == f"{graph.trigger}_moves" for trigger in getattr(model._meta, "triggers", ()))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled = 'O' "
            "AND (tgname LIKE %s OR tgname LIKE %s) ORDER BY tgname",
            [model._meta.db_table, f"pgtrigger_{graph.trigger}_moves_%", f"pgtrigger_{graph.trigger}_starts_%"],
        )
        (moves,), (starts,) = cursor.fetchall()
    assert quoted(moves.partition("ARRAY[")[2]) == {f"{old}>{new}" for old, new in edges(graph.moves)}
    assert quoted(starts.partition("ARRAY[")[2]) == set(graph.initial)


def quoted(sql: str) -> set[str]:
    return set(sql.partition("]")[0].replace("::text", "").replace("'", "").split(", "))


def test_every_graph_of_the_two_apps_is_drawn() -> None:
    written = {name for module in (states, register_states) for name in vars(module) if name.endswith("_MOVES")}
    drawn = {
        name
        for module in (states, register_states)
        for name, value in vars(module).items()
        if any(value is graph.moves for graph in GRAPHS)
    }
    assert drawn == written


def test_the_drawn_page_is_current() -> None:
    assert PATH.read_text(encoding="utf-8") == draw()


class TestDrawStates:
    @pytest.fixture
    def page(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "states.md"
        monkeypatch.setattr(draw_states, "PATH", path)
        return path

    def test_shows_first_states_moves_last_states_and_labels(self, page: Path) -> None:
        call_command("draw_states")
        text = page.read_text(encoding="utf-8")
        assert text.count("```mermaid\nstateDiagram-v2\n") == len(GRAPHS)
        for line in ("[*] --> BUILDING", "DRAFT --> SUBMITTED", "CLOSED --> [*]", "| `DRAFT` | Bản nháp |"):
            assert line in text, line

    def test_check_passes_on_the_page_that_was_drawn(self, page: Path) -> None:
        call_command("draw_states")
        call_command("draw_states", check=True)

    def test_check_fails_on_a_stale_page_and_leaves_it(self, page: Path) -> None:
        page.write_text("old", encoding="utf-8")
        with pytest.raises(CommandError, match="draw_states"):
            call_command("draw_states", check=True)
        assert page.read_text(encoding="utf-8") == "old"

    def test_check_fails_where_there_is_no_page(self, page: Path) -> None:
        with pytest.raises(CommandError):
            call_command("draw_states", check=True)

    def test_is_in_vietnamese_whatever_the_language_of_the_caller(self, page: Path, settings: Any) -> None:
        settings.LANGUAGE_CODE = "en"
        call_command("draw_states")
        assert "Đang lập danh sách" in page.read_text(encoding="utf-8")
