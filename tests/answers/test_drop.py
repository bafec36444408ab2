"""The fewest films whose removal drops one: against brute force, and worlds where the answer is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from drop_by_hand import Lists, checked
from torch import nn

from recdemo import Session, Watched, checkpoints
from recdemo.answers import drop as search
from recdemo.answers.drop import what_it_takes
from recdemo.answers.recommend import Recommender
from recdemo.core.batch import Batch
from recdemo.encoding.schema import Schema


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory,
    schema: Schema,
    make_model: Callable,
    write_checkpoint: Callable,
) -> Callable[[str], Recommender]:
    """A small model of any card as a recommender over the small films; histories of six are read."""

    def make(key: str, seed: int = 0) -> Recommender:
        folder = tmp_path_factory.mktemp(key)
        counted = Schema(schema.movies.assign(ratings=1), schema.history_length)
        model = make_model(key, counted, seed=seed)
        card = write_checkpoint(folder, key, model, counted)
        return Recommender(checkpoints.Checkpoint(model, card, counted, folder))

    return make


@pytest.mark.parametrize("key", ["fm", "afm", "din", "bst", "mf"])
def test_what_it_takes_is_what_brute_force_finds(
    small: Callable, sessions: list[Session], key: str
) -> None:
    model = small(key)
    sets = 0
    for session in (sessions[2], sessions[4], sessions[5], sessions[7]):  # one to six films
        lists = Lists(model, session)
        for k, place in ((1, 0), (3, 0), (3, 2), (6, 4)):
            movie = lists.without(())[place]
            drop = checked(lists, movie, k)
            every = range(1, len(session.history) + 1)
            sizes = [size for size in every if lists.sets(movie, k, size)]
            sets += len(sizes)
            assert len(drop.films) == min(sizes, default=0), "up to six films, every set is tried"
            assert drop.smallest == bool(drop.films)
            if not sizes and not drop.unread:
                assert drop.tried == len(session.history)
    assert sets, "nothing of this was a test"


@pytest.mark.parametrize("key", ["din", "fm", "mf"])
def test_histories_longer_than_what_is_read_are_searched(
    small: Callable, sessions: list[Session], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SETS", 40)  # pairs of nine films, and no larger sets
    model = small(key)
    found = []
    for session in sessions[-2:]:  # nine and twelve films, of which six are read
        lists = Lists(model, session)
        for k, place in ((2, 0), (4, 3)):
            found.append(checked(lists, lists.without(())[place], k))
    assert any(drop.films for drop in found)
    assert {drop.tried for drop in found} <= {1, 2}


def test_a_set_found_step_by_step_has_no_part_that_suffices(
    small: Callable, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SETS", 0)
    found = []
    for seed in range(3):
        lists = Lists(small("din", seed), sessions[9])  # seven films
        found += [checked(lists, lists.without(())[place], 3) for place in range(3)]
    assert {drop.tried for drop in found} <= {0, 1}
    assert any(drop.parts_tried and len(drop.films) > 2 and not drop.smallest for drop in found)


def test_what_the_first_look_at_few_rivals_misses_is_found(
    small: Callable, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STRONGEST", 1)
    monkeypatch.setattr(search, "STEP_ROWS", 0)
    monkeypatch.setattr(search, "STEP_RIVALS", 0)
    for seed in range(3):
        lists = Lists(small("din", seed), sessions[9])
        for place in range(3):
            checked(lists, lists.without(())[place], 3)


class Planted(nn.Module):
    """Film 1's logit is what a function says of the films watched; any other film f scores −f / 100."""

    def __init__(self, score: Callable[[set[int]], float]) -> None:
        super().__init__()
        self.score = score

    def forward(self, batch: Batch) -> torch.Tensor:
        films = batch.target_movie.view(batch.users, -1)
        logits = -films.float() / 100
        for row in range(batch.users):
            logits[row, films[row] == 1] = self.score(set(batch.history[row].tolist()))
        return logits.flatten()


@pytest.fixture
def planted(small: Callable) -> Callable[..., Recommender]:
    """``planted(score)``: a recommender with a known answer that reads twenty films."""

    def make(score: Callable[[set[int]], float]) -> Recommender:
        checkpoint = small("fm").checkpoint
        schema = Schema(checkpoint.schema.movies, history_length=20)
        return Recommender(replace(checkpoint, model=Planted(score), schema=schema))

    return make


def visitor(model: Recommender, rows: range) -> Session:
    ids = model.catalogue["movie_id"].tolist()
    return Session(history=[Watched(ids[row - 1], True) for row in rows])


def test_one_film_that_holds_a_film_up_is_found(planted: Callable) -> None:
    adds = {31: 0.1, 32: 0.1, 33: 5.0, 35: -5.0}
    model = planted(lambda watched: sum(adds.get(film, 0.0) for film in watched))
    session = visitor(model, range(30, 36))
    movie = int(model.catalogue["movie_id"][0])
    drop = checked(Lists(model, session), movie, 1)
    ids = model.catalogue["movie_id"].tolist()
    assert drop.films == (ids[32],)
    assert drop.smallest
    by_film = dict(drop.alone)
    # The best rival is film 2, with −0.02.
    assert drop.margin == pytest.approx(0.2 + 0.02, abs=1e-6)
    assert by_film[ids[32]] == pytest.approx(0.2 - 5 + 0.02, abs=1e-6)
    assert by_film[ids[34]] == pytest.approx(5.2 + 0.02, abs=1e-6)
    assert by_film[ids[29]] == pytest.approx(0.22, abs=1e-6)
    assert [value for _, value in drop.alone] == sorted(by_film.values())
    assert drop.alone[0][0] == ids[32]


@pytest.mark.parametrize("needed", [1, 2, 3, 4])
def test_as_many_films_as_hold_it_up_together_must_go(planted: Callable, needed: int) -> None:
    model = planted(lambda watched: 1.0 if len(watched & {31, 32, 33, 34}) >= needed else -1.0)
    session = visitor(model, range(30, 36))
    drop = checked(Lists(model, session), int(model.catalogue["movie_id"][0]), 1)
    assert len(drop.films) == 4 - needed + 1
    assert drop.smallest


def test_of_a_set_found_step_by_step_the_smallest_part_is_kept(
    planted: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step takes film 33, the only one that counts alone, but without films 31 and 32 it is not needed."""
    monkeypatch.setattr(search, "SETS", 0)
    model = planted(lambda watched: (1.0 if watched & {31, 32} else -1.0) + 0.3 * (33 in watched))
    session = visitor(model, range(30, 36))
    drop = checked(Lists(model, session), int(model.catalogue["movie_id"][0]), 1)
    ids = model.catalogue["movie_id"].tolist()
    assert drop.films == (ids[30], ids[31])


def test_a_film_that_stays_in_any_case_has_no_such_set(planted: Callable) -> None:
    model = planted(lambda watched: 0.0)
    session = visitor(model, range(30, 36))
    drop = what_it_takes(model, session, int(model.catalogue["movie_id"][0]), 1)
    assert drop.unread
    assert (drop.films, drop.rank, drop.rank_bare) == ((), 1, 1)
    model = planted(lambda watched: 0.5 * (31 in watched))
    drop = checked(Lists(model, session), int(model.catalogue["movie_id"][0]), 1)
    assert not drop.unread
    assert (drop.films, drop.rank_bare, drop.tried) == ((), 1, 6)


def test_a_film_taken_away_is_no_rival(planted: Callable) -> None:
    """Film 3 is watched; not watched it would stand above film 4, which nothing else moves."""
    model = planted(lambda watched: -9.0 * (35 in watched))
    session = visitor(model, range(2, 4))
    ids = model.catalogue["movie_id"].tolist()
    session = replace(session, history=[*session.history, Watched(ids[34], True)])
    drop = checked(Lists(model, session), ids[3], 1)
    assert model.recommend(session, 1)["movie_id"].tolist() == [ids[3]]
    # Only film 35, which keeps film 1 down, makes room for another film that was never watched.
    assert drop.films == (ids[34],)


def test_equal_scores_are_in_the_order_of_the_catalogue(planted: Callable) -> None:
    model = planted(lambda watched: -1.0 if 35 in watched else -0.02)
    lists = Lists(model, visitor(model, range(30, 36)))
    ids = model.catalogue["movie_id"].tolist()
    assert checked(lists, ids[1], 1).films == (ids[34],), "film 1 comes before film 2"
    model = planted(lambda watched: 1.0 if 35 in watched else -0.02)
    lists = Lists(model, visitor(model, range(30, 36)))
    assert checked(lists, ids[0], 1).films == ()


def test_more_films_than_are_taken_away_are_not_found(planted: Callable) -> None:
    model = planted(lambda watched: 1.0 if watched & {*range(30, 38)} else -1.0)
    session = visitor(model, range(30, 38))
    drop = what_it_takes(model, session, int(model.catalogue["movie_id"][0]), 1)
    assert drop.films == ()
    assert (drop.rank, drop.rank_bare) == (1, 30)
    assert drop.tried == 2, "all pairs, but not all sets of three"


def test_a_film_off_the_list_or_watched_needs_nothing(
    small: Callable, sessions: list[Session]
) -> None:
    model, session = small("fm"), sessions[7]
    last = int(model.recommend(session, 5000)["movie_id"].iloc[-1])
    drop = what_it_takes(model, session, last, 3)
    assert (drop.films, drop.tried) == ((), 0)
    assert drop.rank == len(model.catalogue) - len(session.history)
    assert what_it_takes(model, session, session.movie_ids[0], 3).rank is None
    empty = what_it_takes(model, Session(), last, 38)
    assert (empty.films, empty.rank_bare) == ((), empty.rank)


def test_fewer_films_than_the_list_is_long_hold_any_film(
    small: Callable, sessions: list[Session]
) -> None:
    model, session = small("fm"), sessions[7]
    movie = int(model.recommend(session, 1)["movie_id"].iloc[0])
    assert what_it_takes(model, session, movie, 38).films == ()


def test_models_with_weights_for_padding_keep_it(
    schema: Schema, small: Callable, make_model
) -> None:
    base = small("bst")
    network = make_model("bst", schema, read="flatten")
    model = Recommender(replace(base.checkpoint, model=network))
    session = Session(history=[Watched(2, True)])
    rows = np.arange(schema.size)
    assert search._logits(model, [session], rows)[0] == pytest.approx(
        model.logits(session), abs=1e-5
    )
