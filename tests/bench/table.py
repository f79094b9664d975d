"""Numbers as people read them: median and spread, in a markdown table."""

from collections.abc import Sequence
from statistics import median


def spread(values: Sequence[float], digits: int = 0, unit: str = "") -> str:
    """Returns "median (least-greatest)"."""
    middle, least, most = (f"{f(values):,.{digits}f}" for f in (median, min, max))
    return f"{middle}{unit} ({least}-{most})"


def quantile(values: Sequence[float], share: float) -> float:
    """Returns the least of the values that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table; the first column to the left, the others to the right."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * width) if not n else "-" * (width - 1) + ":" for n, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *map(line, rows)])
