"""From sessions to tensors: profiles, order, feedback, candidates, and the favourite genre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from batches import LENGTH, film_of, same_batch

from recdemo.core.batch import Batch
from recdemo.core.errors import RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, DISLIKED, GENDERS, JUST_WATCHED, LIKED, OCCUPATIONS
from recdemo.encoding.encode import encode, favourite_genre
from recdemo.encoding.schema import Schema

IDS = {None: JUST_WATCHED, False: DISLIKED, True: LIKED}


def test_batch_counts_users_and_candidates(schema: Schema, sessions: list[Session]) -> None:
    batch = encode(schema, sessions, torch.arange(1, 8))
    assert (batch.users, batch.candidates) == (len(sessions), 7)
    assert torch.equal(batch.history_mask, batch.history > 0)


def test_encode_numbers_a_profile_from_one(schema: Schema) -> None:
    people = [Session(gender=g) for g in GENDERS] + [Session(age=a) for a in AGES]
    people += [Session(occupation=o) for o in OCCUPATIONS]
    batch = encode(schema, people, torch.tensor([1]))
    rest = [0] * len(people)
    assert batch.gender.tolist() == [1, 2, *rest[2:]]
    assert batch.age.tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, *rest[9:]]
    assert batch.occupation.tolist() == [*rest[:9], *range(1, 22)]


def test_encode_leaves_the_unknown_at_zero(schema: Schema) -> None:
    batch = encode(schema, [Session()], torch.tensor([1]))
    for field in fields(Batch):
        value = getattr(batch, field.name)
        assert field.name == "target_movie" or (value == 0).all(), field.name


def test_encode_keeps_order_and_feedback(schema: Schema, sessions: list[Session]) -> None:
    batch = encode(schema, sessions, torch.tensor([1]))
    for row, session in enumerate(sessions):
        latest = list(session.history)[-LENGTH:]
        pad = [0] * (LENGTH - len(latest))
        films = [film_of(schema, w.movie_id) for w in latest]
        assert batch.history[row].tolist() == films + pad
        assert batch.feedback[row].tolist() == [IDS[w.liked] for w in latest] + pad
        newest = films[::-1][:5]
        assert batch.last_five[row].tolist() == newest + [0] * (5 - len(newest))


def test_encode_reads_the_last_films_only(schema: Schema, sessions: list[Session]) -> None:
    long = sessions[-1]
    assert len(long.history) > LENGTH
    short = replace(long, history=long.history[-LENGTH:])
    one = torch.tensor([1])
    same_batch(encode(schema, [long], one), encode(schema, [short], one))


def test_encode_gives_all_the_same_candidates_or_each_their_own(
    schema: Schema, sessions: list[Session]
) -> None:
    pair = sessions[:2]
    assert encode(schema, pair, torch.tensor([3, 1])).target_movie.tolist() == [3, 1, 3, 1]
    own = torch.tensor([[3, 1], [2, 5]])
    assert encode(schema, pair, own).target_movie.tolist() == [3, 1, 2, 5]


def test_unknown_film_is_named(schema: Schema) -> None:
    with pytest.raises(RequestError, match=r"\b99999\b"):
        schema.index_of(99999)
    with pytest.raises(RequestError, match=r"\b99999\b"):
        encode(schema, [Session(history=[Watched(99999)])], torch.tensor([1]))


def test_index_counts_films_from_one(schema: Schema) -> None:
    assert schema.size == 38
    for row, movie_id in enumerate(schema.movies["movie_id"]):
        assert schema.index_of(int(movie_id)) == row + 1


# Taste


def test_favourite_genre_is_counted_by_hand(schema: Schema, favourite_by_hand: Callable) -> None:
    rng = np.random.default_rng(8)
    liked = {JUST_WATCHED: None, DISLIKED: False, LIKED: True}
    history = np.zeros((300, LENGTH), dtype=int)
    feedback = np.zeros_like(history)
    wanted = []
    for row in range(300):
        count = row % (LENGTH + 1)
        history[row, :count] = rng.choice(np.arange(1, schema.size + 1), count, replace=False)
        feedback[row, :count] = rng.choice([1, 2, 3], count)
        watched = [
            (int(f), liked[b]) for f, b in zip(history[row], feedback[row], strict=True) if f
        ]
        wanted.append(favourite_by_hand(schema.movies, watched))
    found = favourite_genre(
        torch.from_numpy(history), torch.from_numpy(feedback), schema.genre_flags
    )
    assert found.tolist() == wanted
    assert len(set(wanted)) > 12


def _favourite(schema: Schema, *watched: tuple[int, int]) -> int:
    history, feedback = torch.tensor(watched).T.unsqueeze(1)
    return int(favourite_genre(history, feedback, schema.genre_flags))


def test_favourite_genre_in_ties_and_without_likes(schema: Schema) -> None:
    """Film i has the genre i alone, for i up to 18; film 37 has none."""
    assert _favourite(schema, (9, LIKED), (4, LIKED)) == 4  # a tie: the lower id
    assert _favourite(schema, (9, LIKED), (4, DISLIKED), (4, DISLIKED)) == 9  # likes come first
    assert (
        _favourite(schema, (4, LIKED), (9, LIKED), (9, JUST_WATCHED)) == 9
    )  # equal likes: watched
    assert (
        _favourite(schema, (4, LIKED), (9, LIKED), (9, DISLIKED)) == 4
    )  # a dislike does not count
    assert _favourite(schema, (7, JUST_WATCHED), (9, DISLIKED)) == 7
    assert _favourite(schema, (9, DISLIKED)) == 0
    assert _favourite(schema, (37, LIKED), (0, 0)) == 0  # no genre at all
    assert _favourite(schema, (0, 0), (0, 0)) == 0


def test_favourite_genre_does_not_change_with_padding(schema: Schema) -> None:
    watched = [(4, LIKED), (9, DISLIKED), (9, JUST_WATCHED), (9, JUST_WATCHED)]
    padded = [*watched, *[(0, 0)] * 200]
    assert _favourite(schema, *padded) == _favourite(schema, *watched) == 4
