"""From what a person exported to the history of a session."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.places import shipped
from recdemo.core.session import MAX_SESSION_FILMS, Session, Watched
from recdemo.core.wording import counted
from recdemo.core.worlds import WORLDS, folder_of_world
from recdemo.data.catalogue import label_of, read_catalogue
from recdemo.data.history.entries import Entry, Export
from recdemo.data.history.exports import read_export
from recdemo.data.history.finder import Finder, How, Match
from recdemo.data.titles import split_title


@dataclass(frozen=True, slots=True)
class Brought:
    """An export beside a catalogue: what is in both, and what is not. Nothing of it is stored.

    Args:
        export: what the file said.
        matches: one for each entry, in the order watched, as far as it is known.
    """

    export: Export
    matches: tuple[Match, ...]

    def of(self, *how: How) -> tuple[Match, ...]:
        """The matches that came about so."""
        return tuple(match for match in self.matches if match.how in how)

    @property
    def found(self) -> tuple[Match, ...]:
        """Entries that mean one film."""
        return self.of("id", "title and year", "title")

    @property
    def films(self) -> int:
        """How many films were found, each counted once."""
        return len({match.films for match in self.found})

    @property
    def ambiguous(self) -> tuple[Match, ...]:
        """Entries that could mean several films, or one that is not quite sure; each title once."""
        return _once(self.of("ambiguous"))

    @property
    def unknown(self) -> tuple[Match, ...]:
        """Entries whose film is not in the catalogue; each title once."""
        return _once(self.of("unknown"))

    def sentences(self, most: int = 5) -> list[str]:
        """What was found and what was not, for people; so many titles are named of each kind at most."""
        said = [f"{self.export.source}: {counted(self.films, 'film')} found."]
        unsure = _once(self.of("title"))
        if unsure:
            said.append(
                f"{counted(len(unsure), 'film')} found by title alone, as no year is given: {_named(unsure, most)}."
            )
        if self.ambiguous:
            said.append(
                f"{counted(len(self.ambiguous), 'film')} could be more than one, so left out: "
                f"{_named(self.ambiguous, most)}."
            )
        if self.unknown:
            said.append(
                f"{counted(len(self.unknown), 'film')} not among the films these models know: {_named(self.unknown, most)}."
            )
        return said

    def history(
        self,
        *,
        liked_from: float | None = None,
        disliked_to: float | None = None,
        choices: Mapping[Entry, int] | None = None,
        most: int = MAX_SESSION_FILMS,
    ) -> tuple[Watched, ...]:
        """The films watched, oldest first, each once, where it was watched last.

        Args:
            liked_from: marks from here on, of 0 to 1, mean "liked"; the source's own border where None.
            disliked_to: marks up to here mean "disliked".
            choices: MovieLens id of entries that were ambiguous; others of these are left out.
            most: so many of the latest are kept.
        """
        liked_from = self.export.liked_from if liked_from is None else liked_from
        disliked_to = self.export.disliked_to if disliked_to is None else disliked_to
        marks: dict[int, float | None] = {}
        for match in self.matches:
            chosen = (choices or {}).get(match.entry)
            movie = chosen or (
                match.films[0] if match.how not in ("ambiguous", "unknown") else None
            )
            if movie is not None:
                mark = match.entry.mark if match.entry.mark is not None else marks.get(movie)
                marks.pop(movie, None)  # seen again: it moves to where it was watched last
                marks[movie] = mark

        def liked(mark: float | None) -> bool | None:
            if mark is None or disliked_to < mark < liked_from:
                return None
            return mark >= liked_from

        return tuple(Watched(movie, liked(mark)) for movie, mark in list(marks.items())[-most:])

    def session(self, visitor: Session | None = None) -> Session:
        """A visitor with this history."""
        return replace(visitor or Session(), history=self.history())


def bring(export: Export, finder: Finder) -> Brought:
    """Find the films of an export, and put them in the order watched.

    Entries without a date come first, as in the file; a file that begins with the latest is turned round.
    """
    entries: Sequence[Entry] = export.entries
    dated = [entry.when for entry in entries if entry.when]
    if len(dated) > 1 and dated[0] > dated[-1]:
        entries = entries[::-1]
    entries = sorted(entries, key=lambda entry: entry.when or datetime.datetime.min)
    return Brought(export, tuple(finder.find(entry) for entry in entries))


def read_history(path: str | Path, *, person: str = "", world: str = "") -> Brought:
    """What somebody exported, matched to the films that the models of a world know.

    Args:
        path: a CSV, JSON, text or zip file of Letterboxd, IMDb, Netflix, Trakt, Douban, Goodreads …
        person: whose lines to take where a file holds several people's; by default who has most.
        world: see `recdemo.core.worlds`; the first one, if left out.

    Raises:
        DataError: it cannot be read, or nothing in it is understood.
    """
    path = Path(os.path.expanduser(path))
    if not path.is_file():
        raise DataError(f"{path} is not a file; name the file that you exported")
    return bring(read_export(path.read_bytes(), path.name, person), shipped_finder(world))


@lru_cache(maxsize=len(WORLDS))
def shipped_finder(world: str = "") -> Finder:
    """Of the films that the models of a world know, with IMDb's ids and later namesakes from MovieLens Latest Small."""
    here = read_catalogue(folder_of_world(shipped("checkpoints"), world) / "catalogue.csv")
    with ZipFile(shipped("data") / "ml-latest-small.zip") as archive:
        links, movies = (
            pd.read_csv(archive.open(f"ml-latest-small/{name}.csv")) for name in ("links", "movies")
        )
    known = dict(zip(links["imdbId"].tolist(), links["movieId"].tolist(), strict=True))
    later = movies["title"][~movies["movieId"].isin(here["movie_id"])]
    named = (split_title(title) for title in later)
    return Finder(here, known, [(title, year) for title, year in named if year])


def _once(matches: Sequence[Match]) -> tuple[Match, ...]:
    return tuple({(m.entry.title, m.entry.year): m for m in matches}.values())


def _named(matches: Sequence[Match], most: int) -> str:
    names = [label_of(m.entry.title, m.entry.year or 0) or str(m.entry.movie_id) for m in matches]
    more = [f"and {len(names) - most:,} more"] if len(names) > most else []
    return ", ".join(names[:most] + more)
