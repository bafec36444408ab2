"""How often a film is found by what people type, and how long that takes.

    python benchmarks/search.py

Every title of a catalogue is typed as people do; counted is how often the film comes first, and among the first five.
Films of one title and another year count as the film itself where no year is typed: nobody could tell them apart. Then the
titles that MovieLens Latest Small has and MovieLens-1M does not are typed there: counted is how often Enter would
take a film, and how often one that is not called so.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recdemo.core.places import shipped
from recdemo.data.catalogue import read_catalogue
from recdemo.data.search import FilmSearch
from recdemo.data.titles import ARTICLES, names_of, split_title, words_of

FIRST = 5  # films that people look at
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def plain(title: str) -> list[str]:
    """The title proper in lower case, without accents and punctuation, and without the article before it."""
    words = words_of(re.sub(r"['’]", "", names_of(title)[0]))
    return words[1:] if len(words) > 1 and words[0] in ARTICLES else words


def misspelt(title: str) -> list[str]:
    """The same with one letter wrong, left out, doubled or swapped in its longest word."""
    words = plain(title)
    place = max(range(len(words)), key=lambda i: len(words[i]), default=0)
    if not words or len(words[place]) < 4:
        return words
    rng = random.Random(title)
    word, i = words[place], rng.randrange(1, len(words[place]) - 1)
    words[place] = rng.choice(
        [
            word[:i] + rng.choice(LETTERS) + word[i + 1 :],
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        ]
    )
    return words


WAYS: dict[str, Callable[[str, int], str]] = {
    "the whole title, as it is": lambda title, year: title,
    "lower case, no article, accents, punctuation": lambda title, year: " ".join(plain(title)),
    "the same, the words in reverse": lambda title, year: " ".join(plain(title)[::-1]),
    "its first three words": lambda title, year: " ".join(plain(title)[:3]),
    "its first two words": lambda title, year: " ".join(plain(title)[:2]),
    "its first two words and the year": lambda title, year: " ".join(
        [*plain(title)[:2], str(year)]
    ),
    "one letter wrong": lambda title, year: " ".join(misspelt(title)),
}


def recent() -> pd.DataFrame:
    """The films of MovieLens Latest Small, and how many people rated each."""
    with ZipFile(shipped("data") / "ml-latest-small.zip") as archive:
        movies, ratings = (
            pd.read_csv(archive.open(f"ml-latest-small/{name}.csv"))
            for name in ("movies", "ratings")
        )
    counts = ratings["movieId"].value_counts()
    rows = [
        (movie, *split_title(title), counts.get(movie, 0))
        for movie, title in zip(movies["movieId"], movies["title"], strict=True)
    ]
    films = pd.DataFrame(rows, columns=["movie_id", "title", "year", "ratings"])
    return films[films["year"].notna()].astype({"year": int}).reset_index(drop=True)


def measure(name: str, films: pd.DataFrame) -> None:
    """Print how often each film is found."""
    search = FilmSearch(films)
    columns = (films[column].tolist() for column in ("movie_id", "title", "year"))
    rows = [row for row in zip(*columns, strict=True) if plain(row[1])]
    called = {movie: (" ".join(plain(title)), year) for movie, title, year in rows}
    seconds = []
    print(
        f"\n{name}: {len(rows):,} films\n\n| typed | first | among the first {FIRST} |\n|---|---|---|"
    )
    for way, write in WAYS.items():
        places = []
        for movie, title, year in rows:
            typed = write(title, year)
            began = time.process_time()
            found = search.find(typed).films
            seconds.append(time.process_time() - began)
            same = (
                2 if str(year) in typed else 1
            )  # what must agree: the title alone, or the year, too
            wanted = called[movie][:same]
            listed = [called.get(one, ("", 0))[:same] == wanted for one in found[:FIRST]]
            places.append(listed.index(True) if True in listed else FIRST)
        first, among = (sum(p < most for p in places) / len(places) for most in (1, FIRST))
        print(f"| {way} | {first:.3f} | {among:.3f} |")
    slow = statistics.quantiles(seconds, n=100)[-1]
    print(f"\n{1000 * statistics.median(seconds):.2f} ms of processor time a query (median), {1000 * slow:.2f} ms (99th percentile)")  # fmt: skip


def measure_missing(here: pd.DataFrame, there: pd.DataFrame) -> None:
    """Print how often words for a film that is not here take one that is."""
    search = FilmSearch(here)
    missing = there[~there["movie_id"].isin(here["movie_id"])]
    titles = [" ".join(plain(title)) for title in missing["title"]]
    taken = {typed: search.find(typed).named for typed in titles if typed}
    namesakes = sum(bool(search.called(typed)) for typed in taken)
    wrong = [typed for typed, movie in taken.items() if movie and not search.called(typed)]
    print(
        f"\nOf {len(taken):,} titles that MovieLens-1M does not have, Enter takes a film of just that name for {namesakes}, "
        f"another for {len(wrong)}: {', '.join(wrong[:8])}"
    )


def main() -> None:
    """Print the tables."""
    here, there = read_catalogue(shipped("checkpoints") / "catalogue.csv"), recent()
    measure("MovieLens-1M", here)
    measure("MovieLens Latest Small", there)
    measure_missing(here, there)


if __name__ == "__main__":
    main()
