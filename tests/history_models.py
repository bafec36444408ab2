"""The models that read a history, made small, and each visitor's own films, without padding and without a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import by_hand
import numpy as np
import pytest
import torch
from by_hand import numbers, scores_of, weights_of
from small_models import SMALL, drawn, small_arguments
from torch import Tensor, nn

from recdemo.core.batch import Batch
from recdemo.core.session import Session
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED
from recdemo.encoding.schema import Schema

K, HEADS, WIDE = (SMALL[name] for name in ("embed_dim", "heads", "feed_forward"))
FILMS = [4, 29, 11]
CELLS = ("rnn", "gru", "lstm")
WAYS = ("unit", "item", "user", "dot", "bilinear", "elementwise")
PROFILE = ("gender", "age", "occupation", "favourite_genre")
NOTHING_KEPT = 1 - 1e-7  # a share of units dropped

close = partial(by_hand.close, tolerance=3e-5)
score = partial(scores_of, films=FILMS)


def make(kind: type, schema: Schema, *, seed: int = 0, std: float = 0.5, **more: Any) -> Any:
    """A small model of a class in evaluation mode."""
    torch.manual_seed(seed)
    return drawn(kind(schema, **small_arguments(kind) | more), std)


@dataclass
class Visitor:
    """A visitor's films as vectors: what every formula starts from."""

    films: np.ndarray  # [M + 1, k], row 0 never read
    ids: list[int]  # films watched, oldest first, the latest `history_length`
    watched: np.ndarray  # [n, k] with what was thought of them
    profile: Callable[[nn.Module, tuple[str, ...]], list[float]]


def visitors_of(
    schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> Callable[..., list[Visitor]]:
    """See the fixture `visitors`."""

    def made(embedding: nn.Module, length: int = schema.history_length) -> list[Visitor]:
        def vectors(module: nn.Module, names: Any, session: Session, film: int) -> list:
            tables = {name: numbers(module.weight(name)) for name in names}
            return list(vectors_by_hand(tables, schema.movies, length, session, film).values())

        films = np.array(
            [np.full(K, np.nan)]
            + [
                sum(vectors(embedding.fields, embedding.fields.fields, Session(), film))
                for film in range(1, schema.size + 1)
            ]
        )
        feedback = numbers(embedding.feedback.weight)
        kinds = {None: JUST_WATCHED, False: DISLIKED, True: LIKED}
        found = []
        for session in sessions:
            seen = session.history[-length:]
            ids = [schema.index[w.movie_id] for w in seen]
            watched = [films[i] + feedback[kinds[w.liked]] for i, w in zip(ids, seen, strict=True)]

            def profile(
                module: nn.Module, names: tuple[str, ...], session: Session = session
            ) -> list[float]:
                return [v for vector in vectors(module, names, session, 1) for v in vector]

            found.append(Visitor(films, ids, np.array(watched).reshape(-1, K), profile))
        return found

    return made


def by_films(visitors: list[Visitor], logit: Callable[[Visitor, int], float]) -> list[list[float]]:
    """[U, C] for the candidates `FILMS`."""
    return [[logit(visitor, film) for film in FILMS] for visitor in visitors]


def interest_head(
    head: nn.Module, visitor: Visitor, interest: np.ndarray, film: int, profile: bool = True
) -> float:
    q = visitor.films[film]
    x = [*interest, *q, *(interest * q)]
    if profile:
        x += visitor.profile(head.profile, PROFILE)
    w = weights_of(head)
    (logit,) = by_hand.mlp(x, w, "network.", by_hand.dice)
    return logit + w["film_bias.weight"][film, 0]


def two_sided(head: nn.Module, interest: np.ndarray, q: np.ndarray) -> float:
    """The MLP over [interest, q]."""
    (logit,) = by_hand.two_sided([*interest, *q], weights_of(head), "")
    return logit


def catalogue_loss(state: np.ndarray, films: np.ndarray, bias: np.ndarray, film: int) -> float:
    """Cross-entropy of state · film + bias over films 1 to M."""
    scores = films[1:] @ state + bias[1:]
    return math.log(sum(math.exp(s - scores[film - 1]) for s in scores))


@dataclass
class Caught:
    """What a model gave to `next_film_loss`."""

    states: Tensor
    following: Tensor
    mask: Tensor


def catch(monkeypatch: pytest.MonkeyPatch, file: Any, model: nn.Module, batch: Batch) -> Caught:
    caught: list[Caught] = []

    def instead(states: Tensor, following: Tensor, mask: Tensor, *_: Any) -> Tensor:
        caught.append(Caught(states.detach(), following, mask))
        return states.sum() * 0

    with monkeypatch.context() as patch:
        patch.setattr(file, "next_film_loss", instead)
        model.joint(batch)
    assert len(caught) == 1
    return caught[0]


def other_film(batch: Batch, place: int) -> Batch:
    """The film at one place of each history exchanged for another, its feedback too."""
    history, feedback = batch.history.clone(), batch.feedback.clone()
    real = history[:, place] != 0
    history[:, place] = torch.where(real, history[:, place] % 37 + 1, 0)
    feedback[:, place] = torch.where(real, feedback[:, place] % 3 + 1, 0)
    return replace(batch, history=history, feedback=feedback)
