"""What a run says to people: the figures in a table, each ratio beside its bar."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from welfare_portal.bench.measures import Measure


def table(console: Console, measures: Sequence[Measure]) -> None:
    """The figures side by side, each ratio beside the bar that it has to reach."""
    shown = Table("", "lines", "a second", "floor", "plain way", "of the floor", "times plain", "most memory")
    for column in shown.columns[1:]:
        column.justify = "right"
    for measure in measures:
        told = measure.as_json()
        ratio = told["ratio_to_plain"]
        shown.add_row(
            measure.name,
            f"{told['n']:,}",
            f"{told['per_second']:,}",
            f"{told['floor_per_second']:,}",
            f"{told['plain_per_second']:,}" if told["plain_per_second"] else "",
            f"{'[green]' if measure.holds else '[red]'}{told['ratio_to_floor']:.2f}[/] (bar {measure.bar})",
            f"{ratio:,}" if ratio else "",
            f"{told['peak_mb']} MB",
        )
    console.print(shown)
