"""From sessions and ratings to tensors: never the future, the same ids for training and answering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from recdemo.core.batch import Batch
from recdemo.core.errors import RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, DISLIKED, GENDERS, JUST_WATCHED, LIKED, OCCUPATIONS
from recdemo.data import Dataset
from recdemo.encoding.encode import encode, favourite_genre
from recdemo.encoding.ratings import Ratings, by_chance
from recdemo.encoding.schema import YEAR_EDGES, Schema, year_label
from recdemo.encoding.words import words_of

LENGTH = 6
IDS = {None: JUST_WATCHED, False: DISLIKED, True: LIKED}


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


def _same(found: Batch, wanted: Batch) -> None:
    for field in fields(Batch):
        assert torch.equal(getattr(found, field.name), getattr(wanted, field.name)), field.name


def _film(schema: Schema, movie_id: int) -> int:
    return schema.movies["movie_id"].tolist().index(movie_id) + 1


# Sessions


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
        films = [_film(schema, w.movie_id) for w in latest]
        assert batch.history[row].tolist() == films + pad
        assert batch.feedback[row].tolist() == [IDS[w.liked] for w in latest] + pad
        newest = films[::-1][:5]
        assert batch.last_five[row].tolist() == newest + [0] * (5 - len(newest))


def test_encode_reads_the_last_films_only(schema: Schema, sessions: list[Session]) -> None:
    long = sessions[-1]
    assert len(long.history) > LENGTH
    short = replace(long, history=long.history[-LENGTH:])
    one = torch.tensor([1])
    _same(encode(schema, [long], one), encode(schema, [short], one))


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


# Ratings


def _history_by_hand(dataset: Dataset, schema: Schema, row: int) -> tuple[list[int], list[int]]:
    """Films and feedbacks of the same user on the rows above, oldest first, the last six."""
    user, movie, stars = (dataset.ratings[name].tolist() for name in dataset.ratings)
    films, feedback = [], []
    for above in range(row):
        if user[above] == user[row]:
            films.append(_film(schema, movie[above]))
            feedback.append(LIKED if stars[above] >= 4 else DISLIKED)
    return films[-LENGTH:], feedback[-LENGTH:]


def test_history_ends_before_its_target(dataset: Dataset, ratings: Ratings, schema: Schema) -> None:
    batch = ratings.batch(_all_rows(ratings))
    full = 0
    for row in range(len(ratings)):
        films, feedback = _history_by_hand(dataset, schema, row)
        target = _film(schema, dataset.ratings["movie_id"].iloc[row])
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
    _same(other.batch(rows, same), ratings.batch(rows, same))


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


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Schindler's List", ["schindler's", "list"]),
        ("Misérables, Les", ["miserables", "les"]),
        ("2001: A Space Odyssey", ["2001", "a", "space", "odyssey"]),
        ("…!", []),
        ("a b c d e f g h i j k l", list("abcdefghij")),
    ],
)
def test_titles_are_cut_into_words(title: str, words: list[str]) -> None:
    assert words_of(title) == words


def test_titles_as_word_ids(small_films: pd.DataFrame) -> None:
    titles = ["b a", "", *("c" for _ in range(len(small_films) - 2))]
    schema = Schema(small_films.assign(title=titles))
    assert schema.words == ("a", "b", "c")
    assert schema.title_words.shape == (len(small_films) + 1, 10)
    assert schema.title_words[0].tolist() == [0] * 10
    assert schema.title_words[1].tolist() == [2, 1] + [0] * 8
    assert schema.title_words[2].tolist() == [0] * 10
    assert schema.title_words[3].tolist() == [3] + [0] * 9


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
    _same(encode(schema, visitors, batch.target_movie.unsqueeze(1)), nobody)


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
    _same(strange, replace(known, user=torch.zeros_like(known.user)))


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
    whole = (lengths == LENGTH).float().mean()
    assert whole == pytest.approx(0.7 + 0.3 / (LENGTH + 1), abs=0.05)


def test_without_mask_profile_a_batch_is_always_the_same(ratings: Ratings) -> None:
    _same(ratings.batch(_all_rows(ratings)), ratings.batch(_all_rows(ratings)))


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


# The schema


def test_genre_flags_and_years_follow_the_catalogue(schema: Schema) -> None:
    from recdemo.core.vocabulary import GENRES

    assert schema.genre_flags.shape == (39, 18)
    assert (schema.genre_flags[0] == 0).all()
    assert int(schema.year_ids[0]) == 0
    for film, (year, names) in enumerate(
        zip(schema.movies["year"], schema.movies["genres"], strict=True), start=1
    ):
        flags = [float(genre in names) for genre in GENRES]
        assert schema.genre_flags[film].tolist() == flags
        assert int(schema.year_ids[film]) == 1 + sum(edge < year for edge in YEAR_EDGES)
    assert set(schema.year_ids.tolist()) == set(range(schema.years + 1))


def _year_label(bucket: int) -> str:
    if bucket == 0:
        return "unknown"
    edges = sorted(YEAR_EDGES)
    if bucket == 1:
        return f"before {edges[0] + 1}"
    if bucket == len(edges) + 1:
        return f"from {edges[-1] + 1}"
    years = [str(y) for y in range(1900, 2100) if edges[bucket - 2] < y <= edges[bucket - 1]]
    return years[0] if len(years) == 1 else f"{years[0]}–{years[-1]}"


def test_every_year_bucket_has_its_label(schema: Schema) -> None:
    labels = [year_label(bucket) for bucket in range(schema.years + 1)]
    assert labels == [_year_label(bucket) for bucket in range(schema.years + 1)]
    assert labels[:3] == ["unknown", "before 1930", "1930–1939"]
    assert labels[-2:] == ["1999", "from 2000"]
    assert "1994" in labels
    assert len(set(labels)) == len(labels)


def _films_with(films: pd.DataFrame, column: str, row: int, value: object) -> pd.DataFrame:
    values = films[column].tolist()
    values[row] = value
    return films.assign(**{column: values})


def test_hash_is_that_of_what_gives_ids_their_meaning(small_films: pd.DataFrame) -> None:
    def digest(films: pd.DataFrame = small_films, length: int = LENGTH) -> str:
        return Schema(films, history_length=length).hash

    others = [
        digest(length=LENGTH + 1),
        digest(small_films.iloc[:-1]),
        digest(small_films.iloc[::-1]),
        digest(_films_with(small_films, "movie_id", 3, 999)),
        digest(_films_with(small_films, "genres", 3, ("War", "Western"))),
        digest(_films_with(small_films, "year", 3, 1975)),
        digest(_films_with(small_films, "title", 3, "Retitled")),
    ]
    assert len({digest(), *others}) == 1 + len(others)
    assert digest(small_films.copy()) == digest()
    assert len(digest()) == 16
