"""Who judges a model after an epoch: its figures on the validation part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from recdemo.core.vocabulary import Objective
from recdemo.data import VALIDATION
from recdemo.training.feed import Source, each
from recdemo.training.metrics import Answers, ask, evaluate, join, questions

VALIDATION_USERS = 1000  # users ranked after each epoch of `next`


def answers_of(
    model: nn.Module, source: Source, asked: Sequence[Tensor], objective: Objective
) -> Answers:
    """What a model answers about rows of each part, joined; a part without any is not read."""
    places = [place for place, rows in enumerate(asked) if len(rows)] or [0]
    return join([ask(model, source[place][0], asked[place], objective) for place in places])


def validation(source: Source, objective: Objective) -> Callable[[nn.Module], dict[str, float]]:
    """What judges a model after an epoch: its figures on the validation part, for `next` on a sample of the users."""
    if objective != "next" and len(source) == 1:
        ratings, part = source[0]
        return lambda model: evaluate(model, ratings, part == VALIDATION, objective)
    asked = [questions(ratings, part == VALIDATION, objective) for ratings, part in each(source)]
    if objective == "next":
        whole = torch.cat(asked)
        draw = torch.Generator("cpu").manual_seed(0)
        chosen = torch.randperm(len(whole), generator=draw, device="cpu")[:VALIDATION_USERS]
        ends = list(accumulate(map(len, asked)))
        asked = [
            whole[chosen[(chosen >= end - len(rows)) & (chosen < end)]]
            for rows, end in zip(asked, ends, strict=True)
        ]
    return lambda model: answers_of(model, source, asked, objective).metrics
