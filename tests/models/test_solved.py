"""Models that are solved: what they solve, against plain loops over the ratings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import dense_of, numbers, scores_of
from torch import Tensor, nn

from recdemo.blocks import solved
from recdemo.blocks.solved import SHARE, fit_scale, log_popularity, rows_of, split_known
from recdemo.core.batch import Known
from recdemo.core.errors import RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import DISLIKED, LIKED
from recdemo.data import simulate
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import ease, linear_next
from recdemo.models.ease import EASE
from recdemo.models.ials import IALS
from recdemo.models.linear_next import LinearNext

M = 38  # films of the small schema


@pytest.fixture(scope="module")
def known(small_films: pd.DataFrame) -> Known:
    """All that 25 people rated."""
    schema = Schema(small_films, history_length=6)
    ratings = Ratings(simulate(small_films, users=25, seed=3), schema)
    return Known(ratings.user, ratings.movie, ratings.feedback, ratings.picked)


def _people(known: Known) -> Iterator[list[tuple[int, bool]]]:
    """(film, liked) of each user, in order."""
    users = known.user.tolist()
    for user in sorted(set(users)):
        rows = [i for i, other in enumerate(users) if other == user]
        yield [(int(known.movie[i]), int(known.feedback[i]) == LIKED) for i in rows]


def _in_proportion(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal but for one scale, which is fitted to what was picked."""
    scale = (found * wanted).sum() / (wanted * wanted).sum()
    assert scale > 0
    assert np.abs(wanted).max() > 20 * np.abs(found / scale - wanted).max()
    assert found / scale == pytest.approx(wanted, abs=2e-3 * np.abs(wanted).max())


@pytest.mark.parametrize(("window", "at_once"), [(0, 64), (0, 5), (4, 64), (4, 1)])
def test_ease_predicts_each_film_from_all_others(
    window: int, at_once: int, known: Known, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The closed form is, column by column, a ridge regression that may not use the film itself."""
    monkeypatch.setattr(ease, "AT_ONCE", at_once)
    model = EASE(schema, ridge=3.0, window=window, unliked=0.4)
    model.solve(known, "next")
    rows = []
    for films in _people(known):
        for begin in range(0, len(films), window or len(films)):
            row = np.zeros(M)
            for film, liked in films[begin : begin + (window or len(films))]:
                row[film - 1] = 1.0 if liked else 0.4
            rows.append(row)
    x = np.array(rows)
    wanted = np.zeros((M, M))
    for film in range(M):
        others = [other for other in range(M) if other != film]
        gram = x[:, others].T @ x[:, others] + 3.0 * np.eye(M - 1)
        wanted[others, film] = np.linalg.solve(gram, x[:, others].T @ x[:, film])
    _in_proportion(dense_of(model.sum.weights), wanted)


@pytest.mark.parametrize("at_once", [1, 5, 128])
def test_linear_next_predicts_what_is_picked_from_what_was_watched_before(
    at_once: int, known: Known, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_next, "PICKS", at_once)
    nothing = known.user == known.user[0]  # somebody who liked nothing
    feedback = known.feedback.masked_fill(nothing, DISLIKED)
    known = replace(known, feedback=feedback, answer=known.answer & ~nothing)
    model = LinearNext(schema, ridge=2.0, fade=0.5, reach=9.0, disliked=0.3)
    model.solve(known, "next")
    x, y = [], []
    for films in _people(known):
        for place, (film, liked) in enumerate(films):
            if not liked:
                continue  # not what `next` asks for
            x.append(np.zeros(M))
            y.append(np.eye(M)[film - 1])
            for before, (other, well) in enumerate(films[:place]):
                age = place - 1 - before
                faded = (1 + age) ** -0.5 * math.exp(-age / 9)
                x[-1][other - 1] = faded * (1.0 if well else 0.3)
    rows, picks = np.array(x), np.array(y)
    wanted = np.linalg.solve(rows.T @ rows + 2.0 * np.eye(M), rows.T @ picks)
    np.fill_diagonal(wanted, 0.0)
    _in_proportion(dense_of(model.sum.weights), wanted)


@pytest.mark.parametrize("make", [EASE, LinearNext])
def test_a_logit_is_the_sum_over_the_films_watched(
    make: Callable[..., nn.Module], known: Known, schema: Schema, sessions: list[Session]
) -> None:
    model = make(schema, keep=9, fade=0.6, watched=0.7, disliked=0.2)
    model.solve(known, "next")
    weights, bias = dense_of(model.sum.weights), numbers(model.sum.bias)
    found = scores_of(model, schema, sessions, torch.tensor([4, 29]))
    value = {True: 1.0, None: 0.7, False: 0.2}
    ids = schema.movie_ids.tolist()
    for u, session in enumerate(sessions):
        read = session.history[-6:]
        for c, film in enumerate((4, 29)):
            logit = bias[film]
            for age, watched in enumerate(read[::-1]):
                counts = value[watched.liked] * (1 + age) ** -0.6
                logit += counts * weights[ids.index(watched.movie_id), film - 1]
            assert float(found[u, c]) == pytest.approx(logit, abs=1e-5)


def _ials(schema: Schema, known: Known, **more: float) -> IALS:
    torch.manual_seed(0)
    arguments = {"embed_dim": 4, "unobserved": 0.3, "pull": 0.02, "balance": 0.7, "rounds": 6}
    model = IALS(schema, **arguments | {"fade": 0.5, "disliked": 0.4, "window": 5} | more)
    model.solve(known, "next")
    return model


def test_ials_gives_a_visitor_the_best_vector(known: Known, schema: Schema) -> None:
    """The loss of a row, written out, has no slope there."""
    model = _ials(schema, known)
    films = model.films.weight.double()[1:]
    ids = schema.movie_ids
    watched = [Watched(int(ids[film - 1]), liked) for film, liked in ((3, True), (9, False))]
    batch = encode(schema, [Session(history=watched)], torch.tensor([1]))
    user = (model.user_vectors(batch)[0] / model.scale).double().requires_grad_()
    counts = {3: 0.4**0 * 2**-0.5, 9: 0.4}
    loss = 0.3 * sum((user @ q) ** 2 for q in films)
    for film, c in counts.items():
        loss = loss + c * (user @ films[film - 1] - 1) ** 2
    loss = loss + 0.02 * (sum(counts.values()) + 0.3 * M) ** 0.7 * (user @ user)
    (slope,) = torch.autograd.grad(loss, user)
    assert slope.abs().max() < 1e-4
    assert user.abs().max() > 0.1


def test_ials_ends_where_no_film_s_vector_could_be_better(known: Known, schema: Schema) -> None:
    """The loss of all ratings, written out, over rows of five ratings."""
    model = _ials(schema, known, rounds=200)
    films = model.films.weight.double()[1:].clone().requires_grad_()
    rows = []
    for person in _people(known):
        rows += [person[begin : begin + 5] for begin in range(0, len(person), 5)]
    users = []
    for row in rows:  # each row's best vector for these films
        counts = {film - 1: 1.0 if liked else 0.4 for film, liked in row}
        q = films.detach()
        system = 0.3 * q.T @ q + 0.02 * (sum(counts.values()) + 0.3 * M) ** 0.7 * torch.eye(4)
        pull = torch.zeros(4, dtype=torch.double)
        for film, c in counts.items():
            system = system + c * torch.outer(q[film], q[film])
            pull = pull + c * q[film]
        users.append(torch.linalg.solve(system, pull))
    loss, met = torch.zeros((), dtype=torch.double), [0.0] * M
    for row, user in zip(rows, users, strict=True):
        loss = loss + 0.3 * (films @ user).square().sum()
        for film, liked in row:
            c = 1.0 if liked else 0.4
            met[film - 1] += c
            loss = loss + c * (films[film - 1] @ user - 1) ** 2
    for film in range(M):
        loss = loss + 0.02 * (met[film] + 0.3 * len(rows)) ** 0.7 * films[film].square().sum()
    (slope,) = torch.autograd.grad(loss, films)
    assert slope.abs().max() < 0.02 * loss / M  # films are stored in half precision
    assert films.detach().square().sum(1).max() > 0.1


@pytest.mark.filterwarnings("ignore:OpenBLAS is configured")  # 4 x 4 matrices
def test_ials_solves_a_visitor_as_the_package_implicit_does(known: Known, schema: Schema) -> None:
    """There what was watched counts 1 + c / α₀ in all, and wants the score that times larger."""
    als = pytest.importorskip("implicit.cpu.als")
    from scipy.sparse import csr_matrix

    model = _ials(schema, known, balance=0.0, fade=0.0, reach=0.0)
    films = numbers(model.films.weight)[1:].astype(np.float32)
    watched = [2, 11, 30]
    reference = als.AlternatingLeastSquares(
        factors=4, regularization=0.02 / 0.3, alpha=1.0, num_threads=1
    )
    reference.item_factors = films
    confidence = 1 + 1 / 0.3
    ratings = csr_matrix(([confidence] * 3, ([0] * 3, [f - 1 for f in watched])), shape=(1, M))
    theirs = reference.recalculate_user(0, ratings.astype(np.float32))
    history = [Watched(int(schema.movie_ids[film - 1]), True) for film in watched]
    batch = encode(schema, [Session(history=history)], torch.tensor([1]))
    ours = numbers(model.user_vectors(batch) / model.scale)[0]
    assert ours == pytest.approx((confidence - 1) / confidence * theirs.ravel(), rel=1e-3, abs=1e-5)


def test_rows_are_users_or_stretches_of_them() -> None:
    user = torch.tensor([4, 4, 4, 4, 4, 7, 7, 9])
    nothing = torch.zeros(8)
    known = Known(user, nothing, nothing, nothing)
    assert rows_of(known).tolist() == [1, 1, 1, 1, 1, 2, 2, 3]
    assert rows_of(known, 2).tolist() == [1, 1, 2, 2, 3, 4, 4, 5]
    assert rows_of(known, 100).tolist() == rows_of(known).tolist()


def test_the_scale_is_that_of_the_highest_likelihood(known: Known) -> None:
    draw = torch.Generator().manual_seed(5)
    table = torch.randn(M + 1, M + 1, generator=draw)

    def score(history: Tensor, feedback: Tensor) -> Tensor:
        return table[history].sum(1) + (feedback == DISLIKED).sum(1, keepdim=True)

    bias = log_popularity(known, M)
    assert float((bias / SHARE).exp().sum()) == pytest.approx(1, abs=0.01)

    def unlikely(scale: float) -> float:
        total, count = 0.0, 0
        for person in _people(known):
            for place, (film, liked) in enumerate(person):
                if not liked:
                    continue
                read = person[max(0, place - 3) : place]
                history = [other for other, _ in read] + [0] * (3 - len(read))
                scores = numbers(table[history].sum(0)) + sum(not well for _, well in read)
                logits = numbers(bias) + scale * scores
                left = [f for f in range(1, M + 1) if f not in history]
                total += math.log(sum(math.exp(logits[f]) for f in left)) - logits[film]
                count += 1
        return total / count

    best = fit_scale(known, torch.arange(len(known.movie)), bias, 3, score)
    assert unlikely(best) < min(unlikely(0.9 * best), unlikely(1.1 * best), unlikely(0.0))


def test_the_scale_is_fitted_on_what_was_not_solved_from(
    known: Known, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, list[int]]] = []

    def recorded(known: Known, asked: Tensor, *_: object) -> float:
        seen.append((len(known.movie), asked.tolist()))
        return 2.0

    monkeypatch.setattr(solved, "fit_scale", recorded)
    model = LinearNext(schema)
    model.solve(known, "next")
    lasts = [
        i for i in range(1, len(known.user) + 1) if known.user[i - 1 : i + 1].unique().numel() > 1
    ]
    earlier, later = split_known(known)
    assert seen == [(len(known.movie), later.tolist())]
    assert len(earlier.movie) + len(later) == len(known.movie)
    for end in [*lasts, len(known.user)]:  # one place after each user's last rating
        count = int((known.user == known.user[end - 1]).sum())
        wanted = list(range(end - count // 10, end))
        assert [row for row in later.tolist() if end - count <= row < end] == wanted
    assert len(later) > 0


def test_without_ratings_to_ask_about_the_scale_is_one(known: Known) -> None:
    nothing = torch.zeros(0, dtype=torch.long)
    assert fit_scale(known, nothing, log_popularity(known, M), 3, lambda *_: torch.empty(0)) == 1.0


@pytest.mark.parametrize("make", [EASE, LinearNext])
def test_too_many_films_for_one_matrix_are_refused(
    make: Callable[..., nn.Module], known: Known, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solved, "MOST_FILMS", 37)
    with pytest.raises(RequestError, match="38 films"):
        make(schema).solve(known, "next")


@pytest.mark.parametrize("wrong", [{"fade": -1.0}, {"reach": -2.0}, {"keep": 0}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, float], schema: Schema) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        LinearNext(schema, **wrong)
