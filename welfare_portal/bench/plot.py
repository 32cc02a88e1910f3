"""The figures of a run as a drawing beside its lines: the portal, the floor and the plain way on one scale."""

import json
from collections.abc import Sequence
from pathlib import Path

from welfare_portal.bench.measures import Measure

FOLDER = Path("docs/benchmarks")
WIDTH, HEIGHT_OF_ONE = 8.0, 0.95
COLOURS = {"floor": "#9aa5b1", "portal": "#0b5d4e", "plain way": "#c1440e"}


def keep(measures: Sequence[Measure], *, lines: int) -> list[Path]:
    """Keep a run of so many lines: its JSON lines, and a drawing of them; what was kept of that size before is replaced."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    figures, drawing = FOLDER / f"throughput-{lines}.jsonl", FOLDER / f"throughput-{lines}.svg"
    figures.write_text("".join(f"{json.dumps(measure.as_json())}\n" for measure in measures))
    _draw(measures, drawing, lines)
    return [figures, drawing]


def _draw(measures: Sequence[Measure], path: Path, lines: int) -> None:
    import matplotlib as mpl  # only here: it is a tool of those who develop

    mpl.use("svg")
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    mpl.rcParams.update({"svg.hashsalt": "bench", "font.family": "sans-serif", "font.size": 9})
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.2 + HEIGHT_OF_ONE * len(measures)))
    for row, measure in enumerate(reversed(measures)):
        told = measure.as_json()
        bars = [("floor", told["floor_per_second"]), ("portal", told["per_second"])]
        if told["plain_per_second"]:
            bars.append(("plain way", told["plain_per_second"]))
        for place, (who, value) in enumerate(bars):
            at = row + 0.27 - 0.27 * place
            axes.barh(at, value, height=0.24, color=COLOURS[who])
            note = f"  {value:,}" if who != "portal" else f"  {value:,}  ({told['ratio_to_floor']:.2f} of the floor)"
            axes.text(value, at, note, va="center")
    axes.set_yticks(range(len(measures)), [measure.name for measure in reversed(measures)])
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 6)
    axes.set_xlabel(f"lines a second, {lines:,} lines, two cores, median of the slices")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [Patch(color=colour, label=who) for who, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
