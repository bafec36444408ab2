"""From ratings to tensors: never the future, the same ids for training and answering, and what training forgets."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
from batches import LENGTH, film_of, same_batch
from torch import Tensor

from recdemo.core.batch import Batch
from recdemo.core.errors import RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import DISLIKED, JUST_WATCHED, LIKED
from recdemo.data import Dataset
from recdemo.encoding.encode import encode, favourite_genre
from recdemo.encoding.ratings import Ratings, by_chance
from recdemo.encoding.schema import Schema


@pytest.fixture(scope="module")
def dataset(small_films: pd.DataFrame) -> Dataset:
    """Six users whose numbers have gaps; their 1, 2, 6, 7, 20 and 38 ratings lie one after another."""
    rng = np.random.default_rng(4)
    numbers, counts = [3, 4, 10, 11, 50, 90], [1, 2, 6, 7, 20, 38]
    rated = pd.DataFrame(
        {
            "user_id": np.repeat(numbers, counts),
            "movie_id": np.concatenate(
                [rng.choice(small_films["movie_id"], count, replace=False) for count in counts]
            ),
        }
    )
    people = pd.DataFrame(
        {
            "user_id": numbers,
            "gender": list("FMMFFM"),
            "age": [1, 18, 25, 35, 45, 56],
            "occupation": [0, 20, 7, 3, 12, 1],
        }
    )
    ratings = rated.assign(rating=rng.integers(1, 6, len(rated)))
    return Dataset("made-up", "Made up", small_films, people, ratings, simulated=True)


@pytest.fixture(scope="module")
def ratings(dataset: Dataset, schema: Schema) -> Ratings:
    return Ratings(dataset, schema)


def _all_rows(ratings: Ratings) -> Tensor:
    return torch.arange(len(ratings))


def _history_by_hand(dataset: Dataset, schema: Schema, row: int) -> tuple[list[int], list[int]]:
    """Films and feedbacks of the same user on the rows above, oldest first, the last six."""
    user, movie, stars = (dataset.ratings[name].tolist() for name in dataset.ratings)
    films, feedback = [], []
    for above in range(row):
        if user[above] == user[row]:
            films.append(film_of(schema, movie[above]))
            feedback.append(LIKED if stars[above] >= 4 else DISLIKED)
    return films[-LENGTH:], feedback[-LENGTH:]


def test_history_ends_before_its_target(dataset: Dataset, ratings: Ratings, schema: Schema) -> None:
    batch = ratings.batch(_all_rows(ratings))
    full = 0
    for row in range(len(ratings)):
        films, feedback = _history_by_hand(dataset, schema, row)
        target = film_of(schema, dataset.ratings["movie_id"].iloc[row])
        pad = [0] * (LENGTH - len(films))
        assert target not in films
        assert batch.history[row].tolist() == films + pad
        assert batch.feedback[row].tolist() == feedback + pad
        newest = films[::-1][:5]
        assert batch.last_five[row].tolist() == newest + [0] * (5 - len(newest))
        assert int(batch.target_movie[row]) == target
        full += len(films) == LENGTH
    assert full > 20


def test_history_does_not_change_with_what_comes_later(
    dataset: Dataset, ratings: Ratings, schema: Schema
) -> None:
    """Tampering with a row and every later one leaves the batches up to that row alone."""
    cut = 20
    later = np.arange(len(dataset.ratings)) >= cut
    stars = dataset.ratings["rating"].where(~later, 6 - dataset.ratings["rating"])
    movie = dataset.ratings["movie_id"].where(~later, int(schema.movie_ids[0]))
    tampered = dataset.ratings.assign(rating=stars, movie_id=movie)
    rows = torch.arange(cut + 1)
    same = torch.ones(len(rows), 1, dtype=torch.long)
    other = Ratings(replace(dataset, ratings=tampered), schema)
    same_batch(other.batch(rows, same), ratings.batch(rows, same))


@pytest.mark.parametrize("order", ["backward", "repeated"])
def test_rows_may_come_in_any_order(order: str, ratings: Ratings) -> None:
    rows = _all_rows(ratings).flip(0) if order == "backward" else torch.tensor([9, 9, 2])
    together = ratings.batch(rows)
    for i, row in enumerate(rows):
        alone = ratings.batch(row.unsqueeze(0))
        for field in fields(Batch):
            assert torch.equal(getattr(together, field.name)[i], getattr(alone, field.name)[0])


def test_ratings_take_candidates(ratings: Ratings) -> None:
    rows = torch.tensor([5, 30])
    batch = ratings.batch(rows, torch.tensor([[1, 2, 3], [4, 5, 6]]))
    assert batch.candidates == 3
    assert batch.target_movie.tolist() == [1, 2, 3, 4, 5, 6]
    assert torch.equal(batch.history, ratings.batch(rows).history)


def test_ratings_keep_stars_and_likes(dataset: Dataset, ratings: Ratings) -> None:
    assert ratings.stars.tolist() == dataset.ratings["rating"].tolist()
    assert ratings.liked.tolist() == [stars >= 4 for stars in dataset.ratings["rating"]]


def test_users_are_counted_from_one_in_the_order_of_the_data(
    dataset: Dataset, ratings: Ratings
) -> None:
    order = dataset.users["user_id"].tolist()
    found = ratings.batch(_all_rows(ratings)).user.tolist()
    assert found == [order.index(user) + 1 for user in dataset.ratings["user_id"]]


def test_any_film_rated_counts_as_picked_where_asked(dataset: Dataset, schema: Schema) -> None:
    assert Ratings(dataset, schema, every_film=True).picked.all()
    ratings = Ratings(dataset, schema)
    assert torch.equal(ratings.picked, ratings.liked)


def test_ratings_of_a_film_outside_the_catalogue_are_refused(
    dataset: Dataset, schema: Schema
) -> None:
    foreign = dataset.ratings.copy()
    foreign.loc[7, "movie_id"] = 4  # ids of the catalogue end on 2 and 7
    with pytest.raises(RequestError, match="film 4 "):
        Ratings(replace(dataset, ratings=foreign), schema)


def test_visitor_is_read_like_the_training_user_they_are(
    dataset: Dataset, ratings: Ratings, schema: Schema
) -> None:
    rated, people = dataset.ratings, dataset.users.set_index("user_id")
    visitors = []
    for row in range(len(rated)):
        user = rated["user_id"].iloc[row]
        above = rated.iloc[:row]
        above = above[above["user_id"] == user]
        person = people.loc[user]
        films = zip(above["movie_id"], above["rating"], strict=True)
        visitors.append(
            Session(
                gender=person["gender"],
                age=int(person["age"]),
                occupation=int(person["occupation"]),
                history=[Watched(int(movie), bool(stars >= 4)) for movie, stars in films],
            )
        )
    batch = ratings.batch(_all_rows(ratings))
    nobody = replace(batch, user=torch.zeros_like(batch.user))  # a visitor has no number
    same_batch(encode(schema, visitors, batch.target_movie.unsqueeze(1)), nobody)


def test_a_batch_without_histories_is_the_same_but_for_them(ratings: Ratings) -> None:
    rows = _all_rows(ratings)
    told, untold = ratings.batch(rows), ratings.batch(rows, histories=False)
    for name in ("user", "gender", "age", "occupation", "target_movie"):
        assert torch.equal(getattr(untold, name), getattr(told, name)), name
    assert untold.history.shape == untold.feedback.shape == (len(rows), 1)
    for name in ("history", "feedback", "favourite_genre", "last_five"):
        assert (getattr(untold, name) == 0).all(), name
    hidden = ratings.batch(rows, mask_profile=0.9, truncate_history=0.5, histories=False)
    assert (hidden.gender == 0).any()
    assert (hidden.feedback == 0).all()


def test_strangers_have_a_history_and_no_number(
    dataset: Dataset, schema: Schema, ratings: Ratings
) -> None:
    rows = _all_rows(ratings)
    known = ratings.batch(rows)
    strange = Ratings(dataset, schema, strangers=True).batch(rows, histories=False)
    assert (known.user > 0).all()
    same_batch(strange, replace(known, user=torch.zeros_like(known.user)))


# Forgetting, in training


def test_mask_profile_only_hides(ratings: Ratings) -> None:
    torch.manual_seed(0)
    rows = _all_rows(ratings).repeat(20)
    full, part = ratings.batch(rows), ratings.batch(rows, mask_profile=0.3)
    for name in ("history", "last_five", "target_movie", "user"):
        assert torch.equal(getattr(part, name), getattr(full, name)), name
    for name in ("gender", "age", "occupation"):
        seen, truth = getattr(part, name), getattr(full, name)
        hidden = seen != truth
        assert (seen[hidden] == 0).all()
        assert hidden.float().mean() == pytest.approx(0.3, abs=0.05)
    hidden = part.feedback != full.feedback
    assert (part.feedback[hidden] == JUST_WATCHED).all()
    real = full.history_mask
    assert not hidden[~real].any()  # padding stays padding
    assert hidden[real].float().mean() == pytest.approx(1 - 0.7 * 0.7, abs=0.05)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.9])
def test_a_share_of_places_is_drawn(share: float) -> None:
    torch.manual_seed(0)
    drawn = by_chance(share, (1001, 997))
    assert drawn.shape == (1001, 997)
    deviation = (share * (1 - share) / drawn.numel()) ** 0.5
    assert drawn.double().mean() == pytest.approx(share, abs=4 * deviation)
    columns = drawn.double().mean(0)  # no place is favoured
    assert (columns - share).abs().max() < 5 * deviation * 997**0.5
    assert by_chance(1.0, (1001, 997)).all()


def test_mask_profile_hides_whole_histories_too(ratings: Ratings) -> None:
    torch.manual_seed(0)
    rows = torch.full((2000,), len(ratings) - 1)  # six films before it
    feedback = ratings.batch(rows, mask_profile=0.3).feedback
    whole = (feedback == JUST_WATCHED).all(1).float().mean()
    assert whole == pytest.approx(0.3, abs=0.05)  # one by one it would be 0.3 ** 6


def test_forgotten_feedback_does_not_leak_through_the_taste(
    ratings: Ratings, schema: Schema
) -> None:
    torch.manual_seed(0)
    rows = _all_rows(ratings).repeat(10)
    part = ratings.batch(rows, mask_profile=0.5)
    taste = favourite_genre(part.history, part.feedback, schema.genre_flags)
    assert torch.equal(part.favourite_genre, taste)
    assert not torch.equal(part.favourite_genre, ratings.batch(rows).favourite_genre)


def test_forgetting_everything_leaves_a_stranger_who_watched(ratings: Ratings) -> None:
    part = ratings.batch(_all_rows(ratings), mask_profile=1.0)
    assert (part.gender == 0).all()
    assert (part.age == 0).all()
    assert (part.occupation == 0).all()
    assert torch.equal(part.feedback, part.history_mask.long() * JUST_WATCHED)


def test_truncate_history_keeps_the_latest_films(
    dataset: Dataset, ratings: Ratings, schema: Schema
) -> None:
    torch.manual_seed(0)
    rows = _all_rows(ratings).repeat(10)
    short = ratings.batch(rows, truncate_history=1.0)
    by_hand = [_history_by_hand(dataset, schema, row) for row in range(len(ratings))]
    lengths = set()
    for i, row in enumerate(rows.tolist()):
        films, feedback = by_hand[row]
        kept = int(short.history_mask[i].sum())
        pad = [0] * (LENGTH - kept)
        assert short.history[i].tolist() == films[len(films) - kept :] + pad
        assert short.feedback[i].tolist() == feedback[len(films) - kept :] + pad
        newest = films[len(films) - kept :][::-1][:5]
        assert short.last_five[i].tolist() == newest + [0] * (5 - len(newest))
        lengths.add(kept)
    assert lengths == set(range(LENGTH + 1))
    for name in ("gender", "age", "occupation", "target_movie", "user"):
        assert torch.equal(getattr(short, name), getattr(ratings.batch(rows), name))


def test_truncate_history_cuts_the_share_it_is_given(ratings: Ratings) -> None:
    torch.manual_seed(0)
    rows = torch.full((2000,), len(ratings) - 1)  # six films before it
    lengths = ratings.batch(rows, truncate_history=0.3).history_mask.sum(1)
    # Cut to n films with the chance log((n + 2) / (n + 1)) / log(L + 2).
    share = torch.bincount(lengths) / len(rows)
    chances = [0.3 * math.log((n + 2) / (n + 1)) / math.log(LENGTH + 2) for n in range(LENGTH + 1)]
    chances[LENGTH] += 0.7
    assert share.tolist() == pytest.approx(chances, abs=0.03)


def test_without_mask_profile_a_batch_is_always_the_same(ratings: Ratings) -> None:
    same_batch(ratings.batch(_all_rows(ratings)), ratings.batch(_all_rows(ratings)))
