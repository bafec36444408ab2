"""The films watched as vectors, pooled, and the loss of naming the next one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from by_hand import close, draw, mask_of, normal, numbers, tables_of
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, history_shares
from recdemo.blocks.history import FilmEmbedding, LearnedRecency, next_film_loss, pooled
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

U, L, IN = 4, 5, 3
LENGTHS = (5, 2, 0, 1)
_mask = partial(mask_of, LENGTHS, L)


# Films watched


def _film_by_hand(
    block: FilmEmbedding, schema: Schema, vectors_by_hand: Callable, film: int
) -> np.ndarray:
    tables = tables_of(block, "fields.")
    vectors = vectors_by_hand(tables, schema.movies, schema.history_length, Session(), film)
    return sum(vectors.values())


@pytest.mark.parametrize("fields", [("movie", "genres", "year"), ("movie",)])
def test_film_is_the_sum_of_its_fields_and_what_was_thought_of_it(
    fields: tuple[str, ...], schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    block = draw(FilmEmbedding(schema, embed_dim=IN, fields=fields))
    catalogue = block.catalogue()
    assert catalogue.shape == (schema.size + 1, IN)
    films = [None] + [
        _film_by_hand(block, schema, vectors_by_hand, film) for film in range(1, schema.size + 1)
    ]
    close(catalogue[1:], films[1:])
    watched = block.watched(catalogue, encode(schema, sessions, torch.tensor([1])))
    thought = {None: 1, False: 2, True: 3}
    feedback = numbers(block.feedback.weight)
    for u, session in enumerate(sessions):
        for i, film in enumerate(session.history[-schema.history_length :]):
            wanted = films[schema.index[film.movie_id]] + feedback[thought[film.liked]]
            close(watched[u, i], wanted)


def test_feedback_of_padding_is_never_learned(schema: Schema, sessions: list[Session]) -> None:
    block = FilmEmbedding(schema, embed_dim=IN)
    assert (block.feedback.weight[0] == 0).all()
    assert (block.feedback.weight[1:] != 0).any(1).all()
    block.watched(block.catalogue(), encode(schema, sessions, torch.tensor([1]))).sum().backward()
    assert (block.feedback.weight.grad[0] == 0).all()
    assert (block.feedback.weight.grad[1:] != 0).all()


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_pooled_counts_films_only(how: str) -> None:
    values = normal(U, L, IN)
    found = pooled(values, _mask(), how)
    for u, length in enumerate(LENGTHS):
        total = sum((numbers(values[u, i]) for i in range(length)), np.zeros(IN))
        close(found[u], total / (length if how == "mean" and length else 1))


# The next film


def _steps() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """States, films that follow, films and their biases, and the loss of each step by hand, in order."""
    films, bias = normal(10, IN, seed=5), normal(10, 1, seed=6)
    states = normal(U, L, IN)
    following = torch.randint(1, 10, (U, L), generator=torch.Generator().manual_seed(7)) * _mask()
    losses = []
    for u, length in enumerate(LENGTHS):
        for t in range(length):
            scores = torch.stack([states[u, t] @ films[m] + bias[m, 0] for m in range(1, 10)])
            target = following[u, t] - 1
            losses.append(nn.functional.cross_entropy(scores.unsqueeze(0), target.unsqueeze(0)))
    return states, following, films, bias, torch.stack(losses)


@pytest.mark.parametrize("most", [8, 1000])
def test_next_film_loss_is_the_mean_over_all_steps(most: int) -> None:
    states, following, films, bias, losses = _steps()
    assert len(losses) == 8
    close(next_film_loss(states, following, _mask(), films, bias, most), losses.mean())


def test_next_film_loss_draws_some_steps_where_there_are_many() -> None:
    states, following, films, bias, losses = _steps()
    torch.manual_seed(0)
    found = [next_film_loss(states, following, _mask(), films, bias, 1).item() for _ in range(200)]
    nearest = [(losses - value).abs().min().item() for value in found]
    assert max(nearest) < 1e-5  # always the loss of one step
    drawn = {int((losses - value).abs().argmin()) for value in found}
    assert drawn == set(range(8))  # and any step is drawn
    pairs = [next_film_loss(states, following, _mask(), films, bias, 2).item() for _ in range(100)]
    means = (losses.unsqueeze(0) + losses.unsqueeze(1)) / 2
    assert max((means - value).abs().min().item() for value in pairs) < 1e-5


def test_next_film_loss_of_no_step_is_zero_and_harmless() -> None:
    states, following, films, bias, _ = _steps()
    learned = [value.requires_grad_() for value in (states, films, bias)]
    loss = next_film_loss(states, following, torch.zeros_like(_mask()), films, bias, 4)
    assert loss.item() == 0
    for gradient in torch.autograd.grad(loss, learned):  # ranks wait for all of them
        assert (gradient == 0).all()


# How long ago


def test_a_watched_film_says_how_long_ago_it_was(schema: Schema, sessions: list[Session]) -> None:
    block = draw(FilmEmbedding(schema, embed_dim=IN, recency=True))
    plain = FilmEmbedding(schema, embed_dim=IN)
    plain.load_state_dict(block.state_dict(), strict=False)
    batch = encode(schema, sessions, torch.tensor([1]))
    with_it, without = (b.watched(b.catalogue(), batch) for b in (block, plain))
    table = numbers(block.recency.weight)
    for u, session in enumerate(sessions):
        read = len(session.history[-schema.history_length :])
        for place in range(read):
            close(with_it[u, place] - without[u, place], table[read - place])


def test_learned_recency_is_a_softmax_over_distances(
    schema: Schema, sessions: list[Session]
) -> None:
    block = LearnedRecency(schema.history_length, start=2.0)
    found = block(encode(schema, sessions, torch.tensor([1])))
    for u, session in enumerate(sessions):
        read = len(session.history[-schema.history_length :])
        wanted = np.exp([-(read - place) / 2.0 for place in range(read)])
        close(found[u, :read].detach(), wanted / max(wanted.sum(), 1e-9))
        assert (found[u, read:] == 0).all()


@pytest.mark.parametrize("recency", [None, 1.5])
def test_shares_of_a_history_add_up_to_one(
    recency: float | None, schema: Schema, sessions: list[Session]
) -> None:
    found = history_shares(encode(schema, sessions, torch.tensor([1])), recency)
    for u, session in enumerate(sessions):
        read = len(session.history[-schema.history_length :])
        ages = np.arange(read)[::-1]
        wanted = np.ones(read) if recency is None else np.exp(-ages / recency)
        close(found[u, :read], wanted / max(wanted.sum(), 1e-9))
        assert (found[u, read:] == 0).all()


def test_a_history_so_long_that_its_first_films_vanish_is_no_division_by_zero(
    schema: Schema, sessions: list[Session]
) -> None:
    found = history_shares(encode(schema, sessions, torch.tensor([1])), 1e-3)
    assert found.isfinite().all()
    assert found.sum(1).tolist() == [float(bool(session.history)) for session in sessions]


@pytest.mark.parametrize("recency", [0.0, -1.0])
def test_a_time_constant_is_above_zero(recency: float, schema: Schema) -> None:
    with pytest.raises(ValueError, match=rf"recency {recency}"):
        FieldEmbedding(schema, embed_dim=IN, recency=recency)
