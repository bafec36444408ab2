"""What the counts of a data set say, in sentences, and where a visitor stands among its people."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

import pandas as pd

from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GROUPS, LIKED_FROM, OCCUPATIONS
from recdemo.data.summary import FEWEST, Aggregates

PEOPLE = {"F": "Women", "M": "Men"}
FEW_RATINGS = 8  # of a film: fewer are little to learn from; where a range of the histogram begins


def group_names(counts: Aggregates) -> dict[tuple[str, str], str]:
    """The groups whose tastes are counted, by field and code."""
    return {
        (field, code): PEOPLE[code] if field == "gender" else GROUPS[field][code]
        for field, codes in counts.tastes.items()
        for code in codes
    }


def places_of(films: pd.DataFrame, session: Session) -> dict[int, int]:
    """For each film watched, how many films are rated as often or more, itself among them.

    Args:
        films: a catalogue.
        session: films watched, all of them in it.
    """
    rank = films["ratings"].rank(ascending=False, method="max").astype(int)
    place = dict(zip(films["movie_id"], rank, strict=True))
    return {movie: int(place[movie]) for movie in session.movie_ids}


def visitor(counts: Aggregates, session: Session) -> list[str]:
    """How many users are like a visitor: alike in one thing, and in gender and age."""
    gender, age, occupation = session.gender, session.age, session.occupation
    said = {
        "gender": gender and f"are {PEOPLE[gender].lower()}",
        "age": age is not None and f"are in the age group {AGES[age]}",
        "occupation": occupation is not None and f"give “{OCCUPATIONS[occupation]}” as occupation",
    }
    alike = [
        f"{group.users:,} {words}"
        for field, words in said.items()
        if words and (group := counts.profile[field].get(str(getattr(session, field))))
    ]
    lines = [f"Of {counts.users:,} users {', '.join(alike)}."] if alike else []
    if gender is not None and age is not None:
        both = counts.crowd.get(gender, {}).get(age)
        number = f"{both:,}" if both else f"Fewer than {FEWEST}"
        lines.append(f"{number} are {PEOPLE[gender].lower()} of that age.")
    return lines


def watched(places: Mapping[int, int], labels: Mapping[int, str]) -> str:
    """How well known the films watched are.

    Args:
        places: as `places_of` gives them.
        labels: titles of the whole catalogue by film id.
    """
    if not places:
        return "Add films in the sidebar to see how often others rated them."
    rarest = max(places, key=places.__getitem__)
    if len(places) == 1:
        return f"The film watched is among the {places[rarest]:,} most rated."
    half = math.ceil(statistics.median(places.values()))
    return (
        f"Half of the {len(places)} films watched are among the {half:,} most rated of {len(labels):,}; the least rated, "
        f"{labels[rarest]}, is among the {places[rarest]:,} most rated."
    )


def long_tail(counts: Aggregates) -> str:
    return (
        f"The 5% most rated films hold {counts.head[5]:.0%} of the ratings, the less rated half "
        f"{1 - counts.head[50]:.0%}"
    )


def per_film(counts: Aggregates) -> str:
    few = sum(part.count for part in counts.per_film if part.high < FEW_RATINGS)
    return f"{few:,} of {counts.films:,} films have fewer than {FEW_RATINGS} ratings: little to learn from"


def per_user(counts: Aggregates) -> str:
    most = max(counts.per_user, key=lambda part: part.count)
    return f"Most common are {most.low:,} to {most.high:,} ratings a user: {most.count:,} of {counts.users:,} users"


def stars(counts: Aggregates) -> str:
    return f"{counts.liked:.0%} of the ratings are {LIKED_FROM} or 5 stars, which counts as liked"


def years(counts: Aggregates) -> str:
    """The decade rated most, and the one liked most."""
    ratings: dict[int, int] = {}
    likes: dict[int, float] = {}
    for year, group in counts.years.items():
        decade = year // 10 * 10
        ratings[decade] = ratings.get(decade, 0) + group.ratings
        likes[decade] = likes.get(decade, 0.0) + group.ratings * group.liked
    liked = {decade: likes[decade] / ratings[decade] for decade in ratings}
    most, best = max(ratings, key=ratings.__getitem__), max(liked, key=liked.__getitem__)
    return (
        f"Films of the {most}s hold {ratings[most] / counts.ratings:.0%} of the ratings, and {liked[most]:.0%} of "
        f"those are likes; of the {best}s’ ratings {liked[best]:.0%} are"
    )


def genres(counts: Aggregates) -> str:
    groups = counts.genres
    by_liking = sorted(groups, key=lambda genre: -groups[genre].liked)
    first, last = by_liking[0], by_liking[-1]
    often = sorted(groups, key=lambda genre: -groups[genre].ratings)[:2]
    return (
        f"{first} is liked most ({groups[first].liked:.0%} of its ratings), {last} least ({groups[last].liked:.0%}); "
        f"{' and '.join(often)} are rated most"
    )


def compared_tastes(
    counts: Aggregates, one: tuple[str, str], other: tuple[str, str]
) -> pd.DataFrame:
    """Shares of the likes of two groups by genre, the genre that the first likes so much more on top.

    Args:
        counts: any.
        one, other: keys of `group_names`.
    """
    names = group_names(counts)
    table = pd.DataFrame(
        {names[key]: counts.tastes[key[0]][key[1]] for key in (one, other)}
    ).dropna()
    return table.loc[(table[names[one]] - table[names[other]]).sort_values(ascending=False).index]


def tastes(table: pd.DataFrame) -> str:
    """Where two groups differ most, to either side; `table` as `compared_tastes` gives it, not empty."""
    one, other = table.columns
    first, last = table.iloc[0], table.iloc[-1]
    return (
        f"{first.name} takes {first[one]:.0%} of the likes of “{one}”, {first[other]:.0%} of “{other}”; "
        f"{last.name} {last[one]:.0%} and {last[other]:.0%}"
    )


def crowd(counts: Aggregates) -> str:
    total = {gender: sum(ages.values()) for gender, ages in counts.crowd.items()}
    gender = max(total, key=total.__getitem__)
    ages = {code: group.users for code, group in counts.profile["age"].items()}
    age = max(ages, key=ages.__getitem__)
    return (
        f"{total[gender] / counts.users:.0%} of the users are {PEOPLE[gender].lower()}, "
        f"{ages[age] / counts.users:.0%} are {GROUPS['age'][age]}"
    )


def occupations(counts: Aggregates) -> str:
    users = {GROUPS["occupation"][c]: g.users for c, g in counts.profile["occupation"].items()}
    ordered = sorted(users, key=lambda name: -users[name])
    first, last = ordered[0], ordered[-1]
    return f"“{first}” is the largest occupation with {users[first]:,} users, “{last}” the smallest with {users[last]:,}"


def split(counts: Aggregates) -> str:
    parts = counts.split["order"]
    return (
        f"Each user’s last tenth is the test: {parts.test:,} ratings; {parts.validation:,} before them choose the "
        f"best epoch, {parts.train:,} train"
    )
