"""What the command line prints: tables, one JSON value, a bar for long work."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from recdemo.core.wording import FILM, Words, counted
from recdemo.training.observer import Epoch, Observer, Step

if TYPE_CHECKING:
    from recdemo.answers.explanation import Explanation
    from recdemo.checkpoints import CheckpointCard, DataCard
    from recdemo.core.steps import Step as Traced
    from recdemo.core.steps import Trace

out = Console()
err = Console(stderr=True)


def print_explanation(explanation: Explanation, words: Words = FILM) -> None:
    terms, other = explanation.contrast_frame(), explanation.contrast
    shown, rest = terms.head(20), terms[20:]
    rows = [[row.label, f"{row.more:+.4f}", f"{row.value:+.4f}"] for row in shown.itertuples()]
    if len(rest):
        more, adds = rest["more"].sum(), rest["value"].sum()
        rows.append([f"{len(rest)} smaller differences", f"{more:+.4f}", f"{adds:+.4f}"])
    gap = sum(term.value for term in other.terms)
    rows.append([f"Sum ({explanation.unit})", f"{gap:+.4f}", f"{explanation.total:+.4f}"])
    print_table(
        f"{explanation.title} by {explanation.model}",
        ["term", f"more than {other.title}", "adds"],
        rows,
    )
    weights = explanation.weights
    if weights is None:
        return
    order = sorted(range(len(weights.labels)), key=lambda i: -abs(weights.weights[i]))[:15]
    rows = [
        [weights.labels[i], f"{weights.weights[i]:+.4f}", f"{weights.removal[i]:+.4f}"]
        for i in order
    ]
    print_table(
        f"Weight of each {words(weights.axis)}",
        [words(weights.axis), "weight", f"{explanation.unit} lost without it"],
        rows,
    )
    if weights.faithfulness is not None:
        out.print(
            f"Faithfulness (rank correlation of the two columns' sizes): {weights.faithfulness:+.2f}"
        )


def print_trace(trace: Trace, words: Words = FILM) -> None:
    names = {step.id: step.name for step in trace.steps}
    rows = (
        [
            f"{'  ' * step.id.count('.')}{step.name}",
            step.operation,
            ", ".join(names[one] for one in step.inputs),
            _in_short(step, words),
        ]
        for step in trace.steps
    )
    print_table(
        f"{trace.film} by {trace.model}, {trace.objective}",
        ["step", "how", "made from", "values"],
        rows,
    )


def _in_short(step: Traced, words: Words) -> str:
    """The value; of a row with names the largest; of anything else its shape."""
    if not step.axes:
        return f"{float(step.values):+.4f}"
    labels, flat = step.axes[0].labels, step.values.ravel()
    if len(step.axes) > 1 or not labels:
        return " × ".join(counted(axis.size, words(axis.name)) for axis in step.axes)
    largest = sorted(range(len(flat)), key=lambda i: -abs(flat[i]))[:3]
    return ", ".join(f"{labels[i]} {flat[i]:+.3f}" for i in largest)


def print_metrics(card: CheckpointCard, as_json: bool) -> None:
    if as_json:
        plain = card.model_dump(mode="json", exclude={"epochs"})
        print_json(plain | {"nothing_learned": card.nothing_learned})
        return
    label = card.data.title + (" (simulated)" if card.data.simulated else "")
    validation, test = card.metrics.validation, card.metrics.test
    rows = ([name, f"{validation[name]:.4f}", f"{test[name]:.4f}"] for name in test)
    print_table(f"{card.model}, {card.objective}, {label}", ["metric", "validation", "test"], rows)
    out.print(f"{card.parameters:,} parameters, {card.seconds:.0f} s of training")


def print_table(title: str, columns: list[str], rows: Any) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f}%"


class Progress(Observer):
    """A bar on standard error and a line per epoch; without a terminal, only the lines; nothing unless `shown`."""

    def __init__(self, label: str = "Epoch", *, shown: bool = True) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = err if shown else Console(quiet=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar("{task.description}", *columns, console=console, transient=True)
        self._task = self._bar.add_task(label, total=None)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def on_start(self, data: DataCard) -> None:
        self.on_problem(f"{data.title}: {data.ratings:,} ratings by {data.users:,} users")

    def on_step(self, step: Step) -> None:
        self.step(step.step, step.steps)

    def on_epoch(self, epoch: Epoch) -> None:
        self._bar.console.print(str(epoch), highlight=False)
        self._bar.update(self._task, completed=0)

    def on_problem(self, problem: str) -> None:
        self._bar.console.print(problem, highlight=False, markup=False, soft_wrap=True)
