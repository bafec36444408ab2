"""How well films are found by how other sources write them.

    python benchmarks/matching.py

MovieLens Latest Small knows 2,949 of the films of MovieLens-1M by the same ids, and writes many of their titles otherwise. Each
is looked for, without its id, as sources write it. Printed is, of all, the share found (recall) and, of those found,
the share that is the right film (precision); what is left for the person to choose is neither.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recdemo.core.places import shipped
from recdemo.data.catalogue import read_catalogue
from recdemo.data.history.bring import shipped_finder
from recdemo.data.history.entries import Entry
from recdemo.data.titles import split_title

GROUP = re.compile(r" \(([^()]*)\)")
ROMAN = {" II": " 2", " III": " 3", " IV": " 4", " V": " 5", " VI": " 6"}


def plain(title: str) -> str:
    """The title proper."""
    return GROUP.sub("", title).strip() or title


def unaccented(title: str) -> str:
    """Without accents, in lower case."""
    return "".join(
        c for c in unicodedata.normalize("NFKD", title.lower()) if not unicodedata.combining(c)
    )


def arabic(title: str) -> str:
    """With figures for Roman numerals."""
    return re.sub(r" (?:II|III|IV|V|VI)(?=$|:)", lambda found: ROMAN[found[0]], title)


def main() -> None:
    """Print the table."""
    here = set(read_catalogue(shipped("checkpoints") / "catalogue.csv")["movie_id"])
    with ZipFile(shipped("data") / "ml-latest-small.zip") as archive:
        movies = pd.read_csv(archive.open("ml-latest-small/movies.csv"))
    movies = movies[movies["movieId"].isin(here)]
    films = [
        (movie, *split_title(title))
        for movie, title in zip(movies["movieId"], movies["title"], strict=True)
    ]
    films = [(movie, title, year) for movie, title, year in films if year]
    ways = {
        "as MovieLens now has it": lambda title, year: (title, year),
        "Letterboxd, Trakt: the title proper": lambda title, year: (plain(title), year),
        "lower case, no accents": lambda title, year: (unaccented(plain(title)), year),
        "figures for Roman numerals": lambda title, year: (arabic(plain(title)), year),
        "the original title": lambda title, year: (
            next(iter(GROUP.findall(title)), plain(title)).removeprefix("a.k.a. "),
            year,
        ),
        "a year late": lambda title, year: (plain(title), year + 1),
        "Netflix: no year": lambda title, year: (plain(title), None),
    }
    finder = shipped_finder()
    print(
        f"{len(films):,} films\n\n| written | recall | precision | to choose | not found | wrong |"
    )
    print("|---|---|---|---|---|---|")
    for way, write in ways.items():
        counts: Counter[str] = Counter()
        wrong = []
        for movie, title, year in films:
            match = finder.find(Entry(*write(title, year)))
            if match.how in ("ambiguous", "unknown"):
                counts[match.how] += 1
            elif match.films == (movie,):
                counts["right"] += 1
            else:
                counts["wrong"] += 1
                wrong.append(f"{title} ({year})")
        found = counts["right"] + counts["wrong"]
        print(
            f"| {way} | {counts['right'] / len(films):.4f} | {counts['right'] / found:.4f} | {counts['ambiguous']} | "
            f"{counts['unknown']} | {counts['wrong']} {'; '.join(wrong[:6])} |"
        )


if __name__ == "__main__":
    main()
