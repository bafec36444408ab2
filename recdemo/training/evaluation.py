"""How a model does on the test part, in detail: figures, slices by who is asked, calibration, coverage."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from recdemo import checkpoints
from recdemo.blocks.precision import round_weights
from recdemo.checkpoints import CheckpointCard
from recdemo.core.report import Bin, Report
from recdemo.core.vocabulary import GROUPS, PROFILE, Objective
from recdemo.encoding.ratings import Ratings
from recdemo.training.faithfulness import measure_faithfulness
from recdemo.training.metrics import Answers, ask, questions
from recdemo.training.opening import open_test_part

BINS = 10
LEAST = 50  # rows, or users in `next`, that a slice needs to be reported


def measure(
    model: nn.Module, ratings: Ratings, rows_of: Tensor, objective: Objective
) -> tuple[dict[str, float], Report]:
    """The protocol's figures on one part, whose rows are True in `rows_of` [N], and the detail behind them."""
    answers = ask(model, ratings, questions(ratings, rows_of, objective), objective)
    return answers.metrics, report_of(answers, films=ratings.schema.size)


def report_of(answers: Answers, *, films: int) -> Report:
    """The detail behind the figures of a model's answers, for a catalogue of so many films."""
    if answers.objective == "next":
        shown = answers.shown
        coverage = len(shown[shown > 0].unique()) / films
        return Report(slices=_slices(answers), coverage=coverage)
    if answers.objective == "rating":
        return Report(slices=_slices(answers))
    probability = torch.sigmoid(answers.given.double())
    return Report(slices=_slices(answers), calibration=calibration(probability, answers.truth))


def calibration(probability: Tensor, liked: Tensor) -> list[Bin]:
    """Ten bins with as many predictions in each, by rising probability."""
    order = torch.argsort(probability, stable=True)
    return [
        Bin(
            count=len(part),
            predicted=float(probability[part].mean()),
            liked=float(liked[part].double().mean()),
        )
        for part in order.tensor_split(BINS)
        if len(part)
    ]


def _slices(answers: Answers) -> dict[str, dict[str, dict[str, float]]]:
    """Figures for each gender, age group and occupation with at least `LEAST` rows.

    A slice of `like` whose truth is all one answer has no AUC, and is left out.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for column, name in enumerate(PROFILE):
        found[name] = {}
        for number, code in enumerate(GROUPS[name], start=1):
            chosen = torch.nonzero(answers.profile[:, column] == number).squeeze(1)
            part = answers.of(chosen)
            one_answer = answers.objective == "like" and len(part.truth.unique()) < 2
            if len(chosen) < LEAST or one_answer:
                continue
            found[name][code] = {"count": float(len(chosen)), **part.metrics}
    return found


def measure_again(
    model: str, objective: Objective, source: str, base: Path | None = None
) -> CheckpointCard:
    """Measure a checkpoint in detail, and save it with what was found in its card."""
    loaded = checkpoints.load(model, objective, base)
    round_weights(loaded.model)
    _, ratings, test = open_test_part(loaded, source)
    figures, report = measure(loaded.model, ratings, test, objective)
    report = report.model_copy(
        update={"faithfulness": measure_faithfulness(loaded.model, ratings, test)}
    )
    metrics = loaded.card.metrics.model_copy(update={"test": figures})
    card = loaded.card.model_copy(update={"metrics": metrics, "report": report.model_dump()})
    return checkpoints.save(loaded.model, card, loaded.folder)


def weigh_attention(
    model: str, objective: Objective, source: str, base: Path | None = None
) -> CheckpointCard:
    """Measure how far a checkpoint's attention tells what mattered, and write it into its card's report, nothing else."""
    loaded = checkpoints.load(model, objective, base)
    _, ratings, test = open_test_part(loaded, source)
    report = Report.model_validate(loaded.card.report).model_copy(
        update={"faithfulness": measure_faithfulness(loaded.model, ratings, test)}
    )
    card = loaded.card.model_copy(update={"report": report.model_dump()})
    checkpoints.write_card(card, loaded.folder)
    return card
