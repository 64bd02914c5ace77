"""How a run is shown: a table for a terminal, JSON, Markdown, and the block of a page that Markdown replaces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Against, Fault, Figure, Spread, Verdict

BEGIN = "<!-- benchmarks: begin, written by python -m benchmarks --write -->"
END = "<!-- benchmarks: end -->"

_COLUMNS = ("row", "what", "ours", "against", "theirs", "ratio", "goal", "", "rounds")


class PageError(Exception):
    """The page has no block that could be replaced."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run has to say. `seconds` is how long it took; a quick one is for trying things out."""

    machine: Mapping[str, str]
    figures: Sequence[Figure]
    faults: Sequence[Fault]
    seconds: float
    quick: bool = False

    def rendered(self, form: str) -> str:
        """`form` is table, json or markdown."""
        return {"table": self.table, "json": self.json, "markdown": self.markdown}[form]()

    def table(self) -> str:
        facts = [f"{name + ':':<16}{text}" for name, text in self.machine.items()]
        lines = [_COLUMNS, *(_cells(figure) for figure in self.figures)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
        rows = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([*facts, "", *rows, "", *self._remarks()]) + "\n"

    def markdown(self) -> str:
        facts = ", ".join(f"{name} {text}" for name, text in self.machine.items())
        lines = [_COLUMNS, ("---",) * len(_COLUMNS), *(_cells(figure) for figure in self.figures)]
        rows = [f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines]
        return "\n".join([f"Measured: {facts}.", "", *rows, "", *self._remarks()]) + "\n"

    def json(self) -> str:
        document = {
            "machine": dict(self.machine),
            "quick": self.quick,
            "seconds": round(self.seconds, 1),
            "figures": [_values(figure) for figure in self.figures],
            "faults": [{"row": fault.row, "problem": fault.problem} for fault in self.faults],
        }
        return json.dumps(document, indent=2) + "\n"

    def _remarks(self) -> list[str]:
        counts = {verdict: sum(figure.verdict is verdict for figure in self.figures) for verdict in Verdict}
        met, missed = counts[Verdict.MET], counts[Verdict.MISSED]
        lines = [f"{met} met, {missed} missed, {counts[Verdict.REPORTED]} reported; {self.seconds:.0f} s"]
        if self.quick:
            lines.append("Quick sizes: this shows that every row works, and no figure of it counts.")
        lines += [f"{figure.row}: {figure.note}" for figure in self.figures if figure.note]
        if missed:
            rows = " ".join(dict.fromkeys(f.row for f in self.figures if f.verdict is Verdict.MISSED))
            lines.append(f"Where the time of a missed row goes: python -m benchmarks --profile ROW, for {rows}")
        return [*lines, *(f"FAILED {fault.row}: {fault.problem}" for fault in self.faults)]


def replace_block(page: Path, text: str) -> None:
    """Put `text` between the two marks of a page. PageError when they are not there."""
    old = page.read_text(encoding="utf-8")
    start, end = old.find(BEGIN), old.find(END)
    if start < 0 or end < start:
        raise PageError(f"{page} has no lines {BEGIN!r} and {END!r}")
    page.write_text(f"{old[: start + len(BEGIN)]}\n{text.strip()}\n{old[end:]}", encoding="utf-8")


def _cells(figure: Figure) -> tuple[str, ...]:
    ratio = figure.ratio
    return (
        figure.row,
        figure.what,
        _shown(figure.ours, figure.unit),
        figure.peer,
        _shown(figure.theirs, figure.unit) if figure.theirs else "",
        f"{ratio:.2f}x" if ratio is not None else "",
        _goal(figure),
        figure.verdict.value,
        str(figure.ours.count),
    )


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    unit = f" {figure.unit}" if figure.direction is Against.ITSELF else ""
    faster = " faster" if figure.direction is Against.FASTER else ""
    return f"{figure.goal}{faster}{unit}"


def _shown(spread: Spread, unit: str) -> str:
    width = f" ({_number(spread.low)}-{_number(spread.high)})" if spread.count > 1 else ""
    return f"{_number(spread.median)} {unit}{width}"


def _number(value: float) -> str:
    """Three significant digits, and all those before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _values(figure: Figure) -> dict[str, Any]:
    return {
        "row": figure.row,
        "what": figure.what,
        "unit": figure.unit,
        "ours": _spread(figure.ours),
        "peer": figure.peer or None,
        "theirs": _spread(figure.theirs) if figure.theirs else None,
        "ratio": figure.ratio,
        "direction": figure.direction.value,
        "goal": {"sign": figure.goal.sign, "bound": figure.goal.bound} if figure.goal else None,
        "verdict": figure.verdict.name.lower(),
        "note": figure.note,
    }


def _spread(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "low": spread.low, "high": spread.high, "rounds": spread.count}
