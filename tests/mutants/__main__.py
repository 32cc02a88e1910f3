"""`python -m tests.mutants [NAME …]`: exit code 0 only when the tests are green without a mistake and red with each."""

import sys

from rich.console import Console
from rich.table import Table

from tests.mutants.running import Mutant, Verdict, applied, copy_tree, mutants, run_tests

console = Console()


def main(names: list[str]) -> int:
    """Run all mutants, or those that are named; the exit code."""
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    misfits = {mutant.name: mutant.misfits() for mutant in chosen if mutant.misfits()}
    for name, wrong in misfits.items():
        console.print(f"[red]{name}[/] does not fit the sources any more: {'; '.join(wrong)}")
    if misfits or not chosen:
        return 1
    tree = copy_tree()
    sound = run_tests(sorted({test for mutant in chosen for test in mutant.tests}), tree)
    if not sound.is_green:
        console.print(sound.said)
        console.print("[red]The tests are not green without any mistake: nothing can be said.[/]")
        return 1
    console.print(f"Green without any mistake, {sound.seconds:.0f} s.")
    verdicts = []
    for mutant in chosen:
        with applied(mutant, tree):
            verdicts.append((mutant, run_tests(mutant.tests, tree)))
        _tell(*verdicts[-1])
    console.print(_table(verdicts))
    return 0 if all(_is_caught(verdict) for _, verdict in verdicts) else 1


def _is_caught(verdict: Verdict) -> bool:
    return verdict.could_run and bool(verdict.failed)


def _tell(mutant: Mutant, verdict: Verdict) -> None:
    if not verdict.could_run:
        console.print(verdict.said)
    console.print(f"{_word(verdict)} {mutant.name}", highlight=False)


def _word(verdict: Verdict) -> str:
    if not verdict.could_run:
        return "[yellow]does not run[/]"
    return "[green]red[/]" if verdict.failed else "[bold red]SURVIVES[/]"


def _table(verdicts: list[tuple[Mutant, Verdict]]) -> Table:
    table = Table("mistake", "breaks", "tests", "first that failed", "s")
    for mutant, verdict in verdicts:
        first = verdict.failed[0].rpartition("::")[2] if verdict.failed else ""
        table.add_row(mutant.name, mutant.breaks, _word(verdict), first, f"{verdict.seconds:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
