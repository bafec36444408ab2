"""The leaderboard: every card's figures in one table, with how much they vary and what an answer costs.

Everything but the milliseconds is read from cards, so the table holds nothing that a card does not state. Cards of
runs whose weights are not shipped, other seeds and other splits, are kept under ``checkpoints/evidence/``.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from recdemo import checkpoints
from recdemo.checkpoints import CheckpointCard
from recdemo.core.figures import MAIN, SPLITS
from recdemo.core.report import Faithfulness, Report
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import Objective, Split
from recdemo.encoding.encode import encode
from recdemo.leaderboard import published
from recdemo.leaderboard.table import (
    Figure,
    Leaderboard,
    Row,
    below_in_words,
    best_first,
    faithfulness_of,
    figure_of,
    is_baseline,
    seeds_in_words,
)
from recdemo.models import CARDS
from recdemo.training.evaluation import measure_again, weigh_attention
from recdemo.training.train_all import EVIDENCE

REQUESTS = 17  # answers timed per model; the shortest counts
HISTORY = 50  # films of the visitor who is answered


def measure_missing(
    base: Path, source: str, on_start: Callable[[str], None] = lambda what: None
) -> None:
    """Measure every shipped checkpoint whose card has no report, or does not say how far its attention can be trusted."""
    for model, objective in checkpoints.available(base):
        card = checkpoints.read_card(checkpoints.folder_of(model, objective, base))
        if card.report is None:
            on_start(f"{model}, {objective}: measured in detail")
            measure_again(model, objective, source, base)
        elif CARDS[model].shows and _is_untested(card.report.get("faithfulness")):
            on_start(f"{model}, {objective}: faithfulness of its attention")
            weigh_attention(model, objective, source, base)


def _is_untested(told: dict[str, dict[str, Any]] | None) -> bool:
    """Whether it is not known how far attention can be trusted, by all tests that there are."""
    return told is None or (
        bool(told) and all(kind.get("deletion") is None for kind in told.values())
    )


def cards_of(base: Path) -> list[CheckpointCard]:
    """Every card under a folder of checkpoints, the shipped ones first."""
    shipped = [
        checkpoints.read_card(checkpoints.folder_of(model, objective, base))
        for model, objective in checkpoints.available(base)
    ]
    others = sorted((base / EVIDENCE).glob(f"*/*/*/{checkpoints.CARD}"))
    return shipped + [checkpoints.read_card(path.parent) for path in others]


def assemble(cards: Iterable[CheckpointCard], base: Path, date: str) -> Leaderboard:
    """Rows in the order of the menus; runs that differ by seed only are one row.

    Args:
        cards: as `cards_of` gives them.
        base: folder of checkpoints; models shipped there are timed and weighed.
        date: of today.
    """
    runs: dict[tuple[str, str, str], list[CheckpointCard]] = defaultdict(list)
    for card in cards:
        runs[card.split, card.model, card.objective].append(card)
    order = list(CARDS)
    rows = [
        _row(group, base)
        for _, group in sorted(
            runs.items(), key=lambda item: (item[0][0], order.index(item[0][1]), item[0][2])
        )
    ]
    return Leaderboard(date=date, versions=checkpoints.versions(), rows=rows)


def markdown(board: Leaderboard) -> str:
    """The table for people, one section per split and objective: what to know of it first, then the rows."""
    lines = [
        "# Leaderboard",
        "",
        f"Made by `python -m recdemo leaderboard` on {board.date} from the cards of all checkpoints. "
        "The splits and metrics are those of `recdemo/data/split.py` and `recdemo/training/metrics.py`. "
        f"± is the deviation over the seeds named; one seed has none. Milliseconds are the shortest of {REQUESTS} answers to one "
        f"visitor with {HISTORY} films over the whole catalogue, on one thread of the machine that made the table.",
        "",
        "A *baseline* is counted, or solved in closed form, in seconds; a trained model below one has to say why it is "
        "there. *Attention tells* is the mean rank correlation, over up to 200 test users, between the weights that a model "
        "shows and what removing each item does to its logit: 1 if weights tell what mattered, 0 if they tell nothing. In brackets: "
        "how much farther than in random order the logit moves while the heaviest are taken away, how much nearer it comes while they "
        "are put in, and, where weights are attention, their rank correlation with those of the same model shuffled.",
    ]
    sections: dict[tuple[Split, Objective], list[Row]] = defaultdict(list)
    for row in board.rows:
        sections[row.split, row.objective].append(row)
    for (split, objective), rows in sections.items():
        lines += ["", f"## `{objective}`, split `{split}`", "", SPLITS[split]]
        lines += [f"Figures: {seeds_in_words(rows)}."]
        for sentence in below_in_words(rows, MAIN[objective]):
            lines += ["", f"**{sentence}**"]
        lines += ["", *_table(rows, objective), *_in_print(objective, split)]
    return "\n".join(lines) + "\n"


def _table(rows: list[Row], objective: Objective) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    head = ["model", *names, "coverage"] if objective == "next" else ["model", *names]
    attention = any(map(faithfulness_of, rows))
    head += ["attention tells"] if attention else []
    head += ["seeds", "parameters", "kB", "training s", "samples/s", "ms", "command"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in best_first(rows):
        cells = [f"`{row.model}`" + " (baseline)" * is_baseline(row)]
        cells += [_shown(row.figures.get(name)) for name in names]
        if objective == "next":
            coverage = figure_of(row, "coverage")
            cells.append("–" if coverage is None else f"{coverage.mean:.1%}")
        if attention:
            found = (row.report and row.report.faithfulness) or {}
            cells.append("; ".join(_told(kind, one) for kind, one in found.items()) or "–")
        cells += [
            ", ".join(map(str, row.seeds)),
            f"{row.parameters:,}",
            "–" if row.kilobytes is None else f"{row.kilobytes:,}",
            f"{row.train_seconds:,.0f}",
            "–" if row.samples_per_second is None else f"{row.samples_per_second:,.0f}",
            "–" if row.milliseconds is None else f"{row.milliseconds:.1f}",
            f"`{row.command}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _told(kind: str, found: Faithfulness) -> str:
    """``weights 0.50 (+1.15, +0.60, +0.02)``: correlation, deletion, insertion, shuffled; the last where measured; of a
    head, which has no more, the first alone."""
    if found.deletion is None or found.insertion is None:
        return f"{kind} {found.mean:.2f}"
    tests = [found.deletion, found.insertion, *([] if found.shuffled is None else [found.shuffled])]
    return f"{kind} {found.mean:.2f} ({', '.join(f'{value:+.2f}' for value in tests)})"


def _in_print(objective: Objective, split: Split) -> list[str]:
    """What others have published under the same protocol, apart from the rows."""
    found = published.beside(objective, split)
    if not found:
        return []
    names = list(found[0].figures)
    return [
        "",
        f"In print, {published.DATA}, the same protocol: quoted, not measured here.",
        "",
        "| model | " + " | ".join(names) + " | source |",
        "|" + "---|" * (len(names) + 2),
        *(
            f"| {one.title} | "
            + " | ".join(f"{one.figures[name]:.3f}" for name in names)
            + f" | [{one.source}]({one.url}) |"
            for one in found
        ),
    ]


def _row(cards: list[CheckpointCard], base: Path) -> Row:
    first = min(cards, key=lambda card: card.seed)
    by_seed = {card.seed: card for card in cards}
    figures = {}
    for name in first.metrics.test:
        values = [c.metrics.test[name] for c in by_seed.values() if name in c.metrics.test]
        deviation = statistics.stdev(values) if len(values) > 1 else None
        figures[name] = Figure(mean=statistics.fmean(values), deviation=deviation)
    speeds = [float(epoch["samples_per_second"]) for epoch in first.epochs]
    weights = checkpoints.folder_of(first.model, first.objective, base) / checkpoints.WEIGHTS
    shipped = first.split == "order" and weights.is_file()
    return Row(
        model=first.model,
        title=CARDS[first.model].title,
        family=CARDS[first.model].family,
        objective=first.objective,
        split=first.split,
        figures=figures,
        seeds=sorted(by_seed),
        parameters=first.parameters,
        kilobytes=round(weights.stat().st_size / 1000) if shipped else None,
        train_seconds=first.seconds,
        samples_per_second=statistics.fmean(speeds) if speeds else None,
        milliseconds=_milliseconds(first.model, first.objective, base) if shipped else None,
        report=Report.model_validate(first.report) if first.report else None,
        data=first.data.title,
        simulated=first.data.simulated,
        date=first.date,
        command=first.command,
    )


def _milliseconds(model: str, objective: Objective, base: Path) -> float:
    """Shortest time of one answer, encoding included: the one that other work on the machine disturbed least."""
    loaded = checkpoints.load(model, objective, base)
    schema = loaded.schema
    films = schema.movies.sort_values("ratings", ascending=False)["movie_id"].head(HISTORY)
    session = Session("F", 25, 12, [Watched(int(movie), liked=True) for movie in films])
    everything = torch.arange(1, schema.size + 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    try:
        with torch.inference_mode():
            for _ in range(REQUESTS):
                started = time.perf_counter()
                loaded.model(encode(schema, [session], everything))
                times.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return 1000 * min(times)


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    spread = "" if figure.deviation is None else f" ± {figure.deviation:.4f}"
    return f"{figure.mean:.4f}{spread}"
