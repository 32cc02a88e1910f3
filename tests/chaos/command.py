"""The command: deals the scenes, ends the faults, waits for the cure, and judges by the gateway's own log."""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.laboratory import Laboratory, laboratory
from welfare_portal.environment import BASE_DIR

if TYPE_CHECKING:  # its models can be imported only once Django is set up on the laboratory's database
    from tests.chaos.run import Run

CURE_SECONDS = 60.0  # after the faults stop everything has ended, or is with people, within this time
Reached = Counter[tuple[str, str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    options = _parser().parse_args(arguments)
    directory: Path = options.directory or Path(tempfile.mkdtemp(prefix="chaos-", dir=_var()))
    commit = _commit()
    reached: Reached = Counter()
    seeds: list[int] = options.seed or [1]
    # Dealt seeds share a portal and play a part of the scenes each; others begin anew and play them all.
    portals = [seeds] if options.deal else [[seed] for seed in seeds]
    ends_at = time.monotonic() + options.minutes * 60
    with laboratory(directory.absolute()) as lab:
        for play in portals:
            told = _on_one_portal(lab, play, only=options.scene)
            if told is None:
                again = " ".join(f"--seed {seed}" for seed in play) + (" --deal" if options.deal else "")
                sys.stdout.write(
                    f"FAILED at commit {commit}, seed {', '.join(map(str, play))}.\n"
                    f"Again: python -m tests.chaos {again}\nLogs: {directory}\n"
                )
                return 1
            reached += told
            if play is portals[-1] and time.monotonic() < ends_at:
                portals.append([play[-1] + 1])
    if options.report:
        rows = [[fault, state, times] for (fault, state), times in sorted(reached.items())]
        options.report.write_text(json.dumps({"commit": commit, "reached": rows}))
    sys.stdout.write(f"{sum(map(len, portals))} runs hold at commit {commit}.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="one run each; repeat for several (default: 1)")
    parser.add_argument("--deal", action="store_true", help="deal the scenes over the seeds instead of all to each")
    parser.add_argument("--minutes", type=float, default=0, help="go on with the seeds that follow, at least so long")
    parser.add_argument("--scene", action="append", help="only these scenes")
    parser.add_argument("--report", type=Path, help="where to write what was reached, as JSON")
    parser.add_argument("--directory", type=Path, help="where logs are kept (default: a new folder below var)")
    return parser


def _var() -> Path:
    var = BASE_DIR / "var"
    var.mkdir(exist_ok=True)
    return var


def _commit() -> str:
    """What is checked out, so that a failure can be repeated by whoever reads of it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def _on_one_portal(lab: Laboratory, seeds: list[int], *, only: list[str] | None) -> Reached | None:
    """Play and judge; what was reached, or None when something does not hold."""
    from tests.chaos.bank import StruckBank
    from tests.chaos.crew import Crew
    from tests.chaos.judge import judge
    from tests.chaos.run import Run
    from tests.chaos.window import the_gateway_forgets
    from tests.factories import make_office

    started = time.monotonic()

    def say(what: str) -> None:
        sys.stdout.write(f"[seed {run.seed} {time.monotonic() - started:5.1f} s] {what}\n")
        sys.stdout.flush()

    logs = lab.begin(f"chaos_{seeds[0]}")
    broken = ["the run broke off"]
    reached: Reached = Counter()
    try:
        with Crew(lab, logs=logs) as crew, closing(StruckBank()) as bank:
            run = Run(seed=seeds[0], lab=lab, crew=crew, bank=bank, office=make_office(), say=say)
            for place, seed in enumerate(seeds):
                _play(run, seed, only=only, part=place, parts=len(seeds))
            if only is None:
                say("the_gateway_forgets")
                the_gateway_forgets(run)
            broken, reached = judge(run), run.reached
            say(f"{crew.restarts} restarts, {len(run.for_people)} payments for people")
    except Exception:
        traceback.print_exc()
    for finding in broken:
        sys.stdout.write(f"BROKEN: {finding}\n")
    return None if broken else reached


def _play(run: "Run", seed: int, *, only: list[str] | None, part: int, parts: int) -> None:
    from tests.chaos.judge import cure, judge
    from tests.chaos.scenes import SCENES

    run.begin(seed)
    names = [name for name in SCENES if only is None or name in only]
    random.Random(0).shuffle(names)  # the same deal for everybody, so that the parts together are the whole
    names = names[part::parts]
    run.chance.shuffle(names)
    for name in names:
        run.say(name)
        SCENES[name](run)
    run.say(f"everything has ended {cure(run, seconds=CURE_SECONDS):.1f} s after the faults stopped")
    if broken := judge(run):
        raise AssertionError("; ".join(broken))
