"""The counts shipped about a data set: again in naive loops, never about fewer than five people."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recdemo import checkpoints
from recdemo.charts import data as charts
from recdemo.core.errors import CheckpointError
from recdemo.data import DataError, Dataset, simulate
from recdemo.data.dataset import people
from recdemo.data.summary import FEWEST, FILE, Range, aggregates_of, head, ranges, read_aggregates

ROOT = Path(__file__).resolve().parents[2]
DAY = "2000-01-01"


@pytest.fixture(scope="module")
def world(small_films: pd.DataFrame) -> Dataset:
    """Forty people: some groups, and some films' viewers, are fewer than five."""
    return simulate(small_films, users=40, seed=3)


def test_counts_are_those_of_naive_loops(world: Dataset) -> None:
    found = aggregates_of(world, DAY)
    users = {u.user_id: u for u in world.users.itertuples()}
    films = {m.movie_id: m for m in world.movies.itertuples()}
    groups: dict[tuple[str, object], list[tuple[int, int]]] = defaultdict(list)
    likes: dict[tuple[str, str], int] = defaultdict(int)
    genre_likes: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    per_film: dict[int, int] = dict.fromkeys(films, 0)
    stars = dict.fromkeys(range(1, 6), 0)
    for rating in world.ratings.itertuples():
        user, film = users[rating.user_id], films[rating.movie_id]
        stars[rating.rating] += 1
        per_film[rating.movie_id] += 1
        own = (rating.user_id, rating.rating)
        groups["year", film.year].append(own)
        for field in ("gender", "age", "occupation"):
            groups[field, str(getattr(user, field))].append(own)
        for genre in film.genres:
            groups["genre", genre].append(own)
        if rating.rating >= 4:
            for field in ("gender", "age"):
                code = str(getattr(user, field))
                likes[field, code] += 1
                for genre in film.genres:
                    genre_likes[field, code, genre].append(rating.user_id)

    assert (found.users, found.films, found.ratings) == (40, 38, len(world.ratings))
    assert found.films_rated == sum(count > 0 for count in per_film.values())
    assert found.stars == stars
    assert found.mean_stars == pytest.approx(world.ratings["rating"].mean(), abs=1e-5)
    assert found.liked == pytest.approx((stars[4] + stars[5]) / len(world.ratings), abs=1e-5)
    assert found.density == len(world.ratings) / (40 * 38)
    assert found.simulated

    shown = {("genre", key): group for key, group in found.genres.items()}
    shown |= {("year", key): group for key, group in found.years.items()}
    for field, codes in found.profile.items():
        shown |= {(field, code): group for code, group in codes.items()}
    enough = {
        key: given for key, given in groups.items() if len({user for user, _ in given}) >= FEWEST
    }
    assert set(shown) == set(enough) < set(groups), "some groups must be too small"
    for key, given in enough.items():
        group = shown[key]
        assert group.users == len({user for user, _ in given})
        assert group.ratings == len(given)
        assert group.mean_stars == pytest.approx(np.mean([s for _, s in given]), abs=1e-5)
        assert group.liked == pytest.approx(np.mean([s >= 4 for _, s in given]), abs=1e-5)

    tastes = {
        (field, code, genre): share
        for field, codes in found.tastes.items()
        for code, genres in codes.items()
        for genre, share in genres.items()
    }
    enough_likes = {key: ids for key, ids in genre_likes.items() if len(set(ids)) >= FEWEST}
    assert set(tastes) == set(enough_likes) < set(genre_likes)
    for (field, code, genre), ids in enough_likes.items():
        assert tastes[field, code, genre] == pytest.approx(len(ids) / likes[field, code], abs=1e-5)


def test_the_crowd_is_counted_by_gender_and_age(world: Dataset) -> None:
    found = aggregates_of(world, DAY).crowd
    cells: dict[tuple[str, int], int] = defaultdict(int)
    for user in world.users.itertuples():
        cells[user.gender, user.age] += 1
    expected = {cell: count for cell, count in cells.items() if count >= FEWEST}
    shown = {(gender, age): n for gender, ages in found.items() for age, n in ages.items()}
    assert shown == expected
    assert len(expected) < len(cells)


def test_the_parts_are_each_user_s_own(world: Dataset) -> None:
    parts = aggregates_of(world, DAY).split
    sizes = world.ratings.groupby("user_id").size().tolist()
    assert parts["order"].test == sum(n // 10 for n in sizes)
    assert parts["order"].validation == sum(n // 5 - n // 10 for n in sizes)
    assert parts["last"].test == parts["last"].validation == len(sizes)
    for part in parts.values():
        assert part.train + part.validation + part.test == len(world.ratings)


def test_the_head_is_the_share_of_the_most_rated() -> None:
    counts = np.array([0, 5, 1, 100, 0, 20, 4, 0, 0, 70])
    found = head(counts)
    assert len(found) == 101
    assert found[:2] == [0, 0]
    assert found[10] == pytest.approx(100 / 200)
    assert found[20] == pytest.approx(170 / 200)
    assert found[60] == found[100] == 1
    for percent in range(101):
        films = round(percent * len(counts) / 100)
        assert found[percent] == pytest.approx(sum(sorted(counts)[::-1][:films]) / 200, abs=1e-5)


def test_ranges_double_and_hold_everybody_once() -> None:
    counts = np.array([0, 0, 1, 2, 3, 3, 4, 7, 8, 1023, 1024])
    found = ranges(counts)
    assert [(r.low, r.high, r.count) for r in found] == [
        (0, 0, 2),
        (1, 1, 1),
        (2, 3, 3),
        (4, 7, 2),
        (8, 15, 1),
        (512, 1023, 1),
        (1024, 2047, 1),
    ]
    for part in found:
        assert part.count == sum(part.low <= count <= part.high for count in counts)


def test_small_ranges_join_their_neighbour() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        counts = (rng.pareto(1.0, 60) * 10).astype(int)
        found = ranges(counts, fewest=FEWEST)
        assert all(part.count >= FEWEST for part in found)
        assert sum(part.count for part in found) == 60
        for part in found:
            assert part.count == sum(part.low <= count <= part.high for count in counts)
        assert all(a.high < b.low for a, b in itertools.pairwise(found))
    assert ranges(np.array([20] * 6 + [40] * 4 + [90]), fewest=5) == [
        Range(low=16, high=31, count=6),
        Range(low=32, high=127, count=5),
    ]
    assert ranges(np.array([20] * 6 + [90]), fewest=5) == [Range(low=16, high=127, count=7)]


def test_what_a_source_does_not_know_is_left_out(world: Dataset) -> None:
    """Half stars, films without a year, users of whom nothing is known."""
    unknown = Dataset(
        "own",
        "Own",
        world.movies.assign(year=world.movies["year"].where(world.movies["year"] > 1970, 0)),
        people(world.users["user_id"].to_numpy()),
        world.ratings.assign(rating=world.ratings["rating"] - 0.5),
    )
    found = aggregates_of(unknown, DAY)
    assert found.profile == {"gender": {}, "age": {}, "occupation": {}}
    assert found.crowd == {}
    assert found.tastes == {"gender": {}, "age": {}}
    assert min(found.years) > 1970
    assert sum(found.stars.values()) == len(world.ratings)
    assert found.stars[4.5] == (world.ratings["rating"] == 5).sum()
    assert found.stars[5] == 0
    assert found.liked == pytest.approx((world.ratings["rating"] == 5).mean(), abs=1e-5)
    assert charts.stars(found.stars, 4).data[0].x[0] == "0.5 ★"


def test_fewer_than_five_people_are_not_counted(small_films: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="fewer than 5"):
        aggregates_of(simulate(small_films, users=4), DAY)


@pytest.mark.parametrize("damage", [None, "", "{}", "counts", "smaller"])
def test_what_holds_no_counts_is_named_with_the_way_out(
    tmp_path: Path, world: Dataset, damage: str | None
) -> None:
    path = tmp_path / FILE
    whole = aggregates_of(world, DAY).model_dump(mode="json")
    if damage == "smaller":
        whole["crowd"]["F"] = {"25": 4}
        damage = json.dumps(whole)
    if damage is not None:
        path.write_text(damage)
    with pytest.raises(CheckpointError, match="python -m recdemo data aggregates") as error:
        read_aggregates(path)
    assert str(path) in str(error.value)


def test_the_command_writes_what_the_page_reads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *f"-m recdemo data aggregates simulated --json --out {tmp_path}".split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = read_aggregates(tmp_path / FILE)
    assert json.loads(done.stdout) == found.model_dump(mode="json")
    assert (found.name, found.simulated, found.users) == ("simulated", True, 3000)


def test_the_shipped_counts_are_small_and_those_of_the_data(ml_1m: Dataset) -> None:
    path = ROOT / "checkpoints" / FILE
    assert path.stat().st_size < 60_000
    shipped = read_aggregates(path)
    assert shipped == aggregates_of(ml_1m, shipped.date)


def test_the_shipped_counts_are_the_catalogue_s() -> None:
    from recdemo.data.catalogue import read_catalogue

    shipped = read_aggregates(ROOT / "checkpoints" / FILE)
    films = read_catalogue(ROOT / "checkpoints" / checkpoints.CATALOGUE)
    counts = films["ratings"].to_numpy()
    assert (shipped.films, shipped.ratings) == (len(films), counts.sum())
    assert shipped.films_rated == (counts > 0).sum()
    assert shipped.liked == pytest.approx(films["likes"].sum() / counts.sum(), abs=1e-5)
    assert shipped.head == head(counts)
    assert shipped.per_film == ranges(counts)


def test_charts_hold_the_counts(world: Dataset) -> None:
    found = aggregates_of(world, DAY)
    assert list(charts.long_tail(found.head).data[1].y) == found.head
    assert sum(charts.stars(found.stars, 4).data[0].y) == pytest.approx(1)
    bars = charts.histogram(found.per_film, "films", [found.per_film[-1].low]).data[0]
    assert list(bars.y) == [part.count for part in found.per_film]
    assert [text for text in bars.text if text] == ["1"]
    assert bars.text[-1] == "1"
    rated, liked = charts.genres(found.genres).data
    assert list(rated.x) == [group.ratings for group in found.genres.values()]
    assert list(liked.x) == [group.liked for group in found.genres.values()]
    assert list(liked.y) == list(rated.y) == list(found.genres)
    rated, liked = charts.years(found.years).data
    assert list(rated.x) == list(liked.x) == list(found.years)
    assert list(liked.y) == [group.liked for group in found.years.values()]
    bars = charts.crowd({"F": {25: 7}, "M": {18: 5, 25: 9}}, ("M", 25)).data
    assert [list(bar.x) for bar in bars] == [[7], [5, 9]]
    assert [list(bar.text) for bar in bars] == [[""], ["", "this visitor"]]
    sizes = charts.sizes(found.profile["gender"], "M").data[0]
    assert list(sizes.x) == sorted(sizes.x, reverse=True)
    assert len(set(sizes.marker.color)) == 2


def test_tastes_are_two_dots_joined_by_a_line() -> None:
    table = pd.DataFrame({"Women": [0.2, 0.1], "Men": [0.1, 0.3]}, index=["Romance", "Action"])
    line, women, men = charts.tastes(table).data
    assert list(line.x) == [0.2, 0.1, None, 0.1, 0.3, None]
    assert list(line.y) == ["Romance"] * 3 + ["Action"] * 3
    assert (list(women.x), women.name) == ([0.2, 0.1], "Women")
    assert (list(men.x), men.name) == ([0.1, 0.3], "Men")


def test_the_picture_of_the_split_is_the_split() -> None:
    train, validation, test = charts.split([10, 15]).data
    assert (train.name, validation.name, test.name) == ("training", "validation", "test")
    assert [list(part.y).count("10 films") for part in (train, validation, test)] == [8, 1, 1]
    assert [list(part.y).count("15 films") for part in (train, validation, test)] == [12, 2, 1]
    assert list(test.x) == [10, 15]
