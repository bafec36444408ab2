"""News with known tastes, in the layout of MIND: who likes which categories is drawn by lot, and decides the clicks.

Each article has a title of a few words, most of them of its category, and each user two favourite categories. A click is
mostly on one of these. New articles come as time goes on, so that what nobody has clicked yet is judged by its words alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recdemo.core.errors import DataError
from recdemo.data.archive import LAYOUTS
from recdemo.data.dataset import Dataset
from recdemo.data.mind import WHEN, to_news

SIMULATED_NEWS = "simulated-news"
SURE = 0.95  # of a click on a favourite where one is shown
MOST_SHOWN = 15  # in an impression
LEAST = 30  # articles
FRESH = 150  # articles that can be shown at a time
BEGIN = datetime.datetime(2019, 11, 9)

CATEGORIES: dict[str, str] = {
    "sports": "striker goal league coach season playoff quarterback stadium match referee trophy draft",
    "finance": "stocks market bank shares investors earnings inflation tax loan merger rates profit",
    "foodanddrink": "recipe kitchen baking dinner chef flavor cheese soup wine dessert roast breakfast",
    "health": "doctors vaccine sleep diet patients heart hospital symptoms therapy exercise virus clinic",
    "travel": "island flights beach hotel tourists passport cruise mountains airline resort train museum",
    "music": "album singer concert guitar band tour lyrics chart festival drummer vinyl orchestra",
}
COMMON = (
    "the new why here after best first this week says could before how more big year local plan"
)


def simulate_news(*, users: int = 1500, articles: int = 400, seed: int = 0) -> Dataset:
    """Draw a set, of three impressions for each user: the same for the same numbers and seed.

    Raises:
        DataError: too few.
    """
    files = (
        ((f"simulated {name}", line) for line in lines)
        for name, lines in zip(LAYOUTS["mind"], _draw(users, articles, seed), strict=True)
    )
    return to_news(*files, name=SIMULATED_NEWS, title="Simulated news", simulated=True)


def write_news(folder: Path, *, users: int = 1500, articles: int = 400, seed: int = 0) -> Path:
    """The same as MIND's two files in a new folder."""
    folder.mkdir(parents=True)
    for name, lines in zip(LAYOUTS["mind"], _draw(users, articles, seed), strict=True):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _draw(users: int, articles: int, seed: int) -> tuple[list[str], list[str]]:
    """The lines of ``news.tsv`` and of ``behaviors.tsv``."""
    if users < 1 or articles < LEAST:
        raise DataError(
            f"{users} users and {articles} articles are too few to simulate news; ask for 1 and {LEAST} or more"
        )
    draw = np.random.default_rng(seed)
    names = list(CATEGORIES)
    category = draw.integers(len(names), size=articles)
    news = []
    for number, at in enumerate(category, start=1):
        words = [
            *draw.choice(CATEGORIES[names[at]].split(), 5, replace=False),
            *draw.choice(COMMON.split(), 2),
        ]
        draw.shuffle(words)
        title = " ".join(map(str, words)).capitalize()
        news.append(f"N{number}\t{names[at]}\t{names[at]}\t{title}\t\t\t[]\t[]")
    favourites = np.array([draw.choice(len(names), 2, replace=False) for _ in range(users)])
    return news, list(_behaviors(draw, category, favourites))


def _behaviors(
    draw: np.random.Generator, category: np.ndarray, favourites: np.ndarray
) -> Iterator[str]:
    users, articles = len(favourites), len(category)
    old = max(MOST_SHOWN, articles // 4)  # were there before the first impression
    before = [
        _clicks(draw, np.isin(category[:old], mine), int(draw.integers(0, 40)))
        for mine in favourites
    ]
    turns = draw.permutation(np.repeat(np.arange(users), 3))
    for number, user in enumerate(turns):
        newest = old + (articles - old) * (number + 1) // len(turns)
        oldest = max(0, newest - FRESH)
        shown = oldest + draw.choice(
            newest - oldest, int(draw.integers(6, MOST_SHOWN + 1)), replace=False
        )
        liked = np.isin(category[shown], favourites[user])
        clicked = shown[_clicks(draw, liked, int(draw.integers(1, 3)))]
        when = BEGIN + datetime.timedelta(seconds=60 * number)
        yield "\t".join(
            [
                str(number + 1),
                f"U{user + 1}",
                when.strftime(WHEN),
                " ".join(f"N{place + 1}" for place in before[user]),
                " ".join(f"N{place + 1}-{int(place in clicked)}" for place in shown),
            ]
        )


def _clicks(draw: np.random.Generator, liked: np.ndarray, count: int) -> np.ndarray:
    """Places of so many clicks, at most half, mostly where liked."""
    chance = np.where(liked, SURE, 1 - SURE)
    return draw.choice(
        len(liked), min(count, len(liked) // 2), replace=False, p=chance / chance.sum()
    )
