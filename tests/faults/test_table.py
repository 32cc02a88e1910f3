"""The table of faults is whole, its page is current, and every test that it names is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from payments.states import BatchState, ChunkState, TransferState
from tests.chaos.scenes import ANSWERS, CALLBACKS
from tests.faults.table import CHAOS, FAULTS, PAGE, draw
from tests.faults.witness import BEFORE_ANY_ROW, declared

ROOT = Path(__file__).parents[2]
STATES = (
    BEFORE_ANY_ROW
    | {state.value for state in TransferState}
    | {f"chunk {state.value}" for state in ChunkState}
    | {f"batch {state.value}" for state in BatchState}
)
NAMED = sorted({test for fault in FAULTS for state in fault.struck for test in fault.tests(state)} - {CHAOS})


@cache
def sentences_of(path: str) -> frozenset[str]:
    names = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
    return frozenset(names)


def test_names_every_fault_once() -> None:
    assert [fault.code for fault in FAULTS] == [f"F{number}" for number in range(1, 51)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
def test_says_of_each_where_it_is_struck_or_why_it_is_not(fault) -> None:
    assert bool(fault.struck) != bool(fault.not_struck)
    assert set(fault.struck) <= STATES


@pytest.mark.parametrize("test", NAMED)
def test_every_test_that_is_named_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert name in sentences_of(path)


def test_tests_are_held_to_the_states_that_they_are_named_for() -> None:
    assert len(declared()) > 30


def test_every_wrong_answer_of_the_mocked_gateway_has_a_scene() -> None:
    from mock_gateway import faults

    kinds = {*faults.BEFORE, faults.HALF, *faults.ANSWERS, *faults.LINES, *faults.CALLBACKS}
    assert kinds == {*ANSWERS, *CALLBACKS}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == draw(), "python -m tests.faults.table"
