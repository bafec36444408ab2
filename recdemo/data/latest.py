"""MovieLens Latest Small, 20M, 25M and 32M: two CSV files, half stars, nothing about who rated.

Format: the README of each set, https://grouplens.org/datasets/movielens/. The ratings are read in pieces. Of a
larger set a sample of users is kept: those with the smallest hashes of their ids (a bottom-k sample), so that one
pass and bounded memory are enough, and the same users are kept every time.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.vocabulary import GENRES
from recdemo.data.archive import Archive, Member, open_archive
from recdemo.data.dataset import Dataset, people, stars_column
from recdemo.data.grouplens import SOURCES
from recdemo.data.matching import COLUMNS, check_catalogue, match_films, most_rated, to_catalogue
from recdemo.data.titles import split_title

MAX_USERS = 10_000  # kept
MAX_RATINGS = 5_000_000  # of the users kept
MAX_ID = 10_000_000  # of a film: MovieLens is at 300,000
TITLES = {name: source.title for name, source in SOURCES.items()} | {
    "ml-latest": "MovieLens Latest",
    "ml-20m": "MovieLens-20M",
    "ml-25m": "MovieLens-25M",
}
# Users of MovieLens Latest Small who are MovieLens-1M's users too: of the films in both they gave the same stars to the same ones.
# Whatever has learned from MovieLens-1M has seen them. `python benchmarks/same_people.py` finds them.
_SAME = (
    "1 19 27 57 79 101 155 188 216 265 288 292 299 333 355 368 409 430 450 453 465 469 546 571 579"
)
SAME_PEOPLE = tuple(map(int, _SAME.split()))
_MOVIES, _RATINGS = "movies.csv", "ratings.csv"
_MOVIES_HEADER = "movieId,title,genres"
_RATINGS_HEADER = "userId,movieId,rating,timestamp"
_TYPES = {"user_id": "int64", "movie_id": "int64", "rating": "float64", "time": "int64"}
_OTHER_NAMES = {"Children": "Children's", "IMAX": None, "(no genres listed)": None}
_LINE = rb"\d{1,9},\d{1,9},\d(?:\.\d)?,\d{1,12}\n"  # small enough for a float to be exact
_LINES = re.compile(rb"(?:" + _LINE + rb")*+")
_PIECE = 1 << 23  # bytes read at a time
_LONGEST = 10_000  # bytes of a line that could be right or wrong


def read_latest(source: str | Path | Archive, catalogue: pd.DataFrame | None = None) -> Dataset:
    """Read a set of ``movies.csv`` and ``ratings.csv``.

    Args:
        source: the official zip, the unzipped folder, or the folder that holds it.
        catalogue: films by MovieLens-1M id; the set's films are matched to them by title and year. Left out, or if it lists
            the set's own films, these are kept, at most `recdemo.data.matching.MAX_FILMS` of them.

    Raises:
        DataError: something is missing, damaged or out of range; names the file and the line.
    """
    archive = source if isinstance(source, Archive) else open_archive(source)
    if archive.layout != "ml-latest":
        raise DataError(f"{archive.path} holds no {_MOVIES} and {_RATINGS} but {archive.layout}")
    name, title = _name_of(archive)
    movies = None if catalogue is None else check_catalogue(catalogue, title)[COLUMNS]
    films = _films(archive.member(_MOVIES))
    own_films = movies is None or _are_among(movies, films)
    rated, notes = _rated(archive, films.index.to_numpy())
    films = films.loc[np.unique(rated["movie_id"])]
    if movies is None or own_films:
        ratings, more = most_rated(rated)
        movies = films[films.index.isin(ratings["movie_id"])].reset_index()
    else:
        titles = [(t, y or None) for t, y in zip(films["title"], films["year"], strict=True)]
        found = dict(zip(films.index.tolist(), match_films(titles, movies), strict=True))
        ratings, more = to_catalogue(rated, found, title)
    users = np.unique(ratings["user_id"])
    as_published = name == "ml-latest-small" and len(rated) == SOURCES[name].ratings
    same = SAME_PEOPLE if as_published else ()
    if same:
        more = (
            *more,
            f"{len(same)} users are MovieLens-1M's too: their ratings train, and nothing is tested on them.",
        )
    return Dataset(
        name,
        title,
        movies,
        people(users),
        ratings,
        notes=(*notes, *more, "Gender, age and occupation of the users are unknown."),
        own_films=own_films,
        only_train=same,
    )


def _are_among(movies: pd.DataFrame, films: pd.DataFrame) -> bool:
    """Whether a catalogue, with ``movie_id`` as a column, lists films of a set: by id, title and year."""
    columns = ["title", "year"]
    known = films.reindex(movies["movie_id"])[columns]
    return known.to_numpy().tolist() == movies[columns].to_numpy().tolist()


def _name_of(archive: Archive) -> tuple[str, str]:
    """Key and title, by the name of the folder in the zip, of the zip, or of the folder."""
    for place in (Path(archive.folder).name, archive.path.stem, archive.path.name):
        if place in TITLES:
            return place, TITLES[place]
    return "ml-latest", f"MovieLens ({archive.path.name})"


def _films(member: Member) -> pd.DataFrame:
    """Columns title, year (0 where unknown) and genres, by movie_id."""
    try:
        text = member.raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = member.raw.count(b"\n", 0, wrong.start) + 1
        raise member.error(line, "the text is not UTF-8") from wrong
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    films: dict[int, tuple[str, int, tuple[str, ...]]] = {}
    try:
        _check_header(member, ",".join(next(reader, [])), _MOVIES_HEADER)
        for values in reader:
            line = reader.line_num
            if len(values) != 3:
                raise member.error(line, f"expected 3 fields, found {len(values)}")
            number = member.whole_number(line, values[0], "film id")
            if number > MAX_ID:
                raise member.error(line, f"film id {number} is above {MAX_ID:,}")
            if number in films:
                raise member.error(line, f"film {number} is listed twice")
            title, year = split_title(values[1])
            films[number] = (title, year or 0, _genres(member, line, values[2]))
    except csv.Error as wrong:
        problem = f"the quotation marks do not match up ({wrong})"
        raise member.error(reader.line_num, problem) from wrong
    if not films:
        raise member.error(1, "the file lists no film")
    frame = pd.DataFrame.from_dict(films, orient="index", columns=["title", "year", "genres"])
    return frame.rename_axis("movie_id").sort_index()


def _genres(member: Member, line: int, names: str) -> tuple[str, ...]:
    found = []
    for name in names.split("|"):
        genre = _OTHER_NAMES.get(name, name)
        if genre is None:
            continue
        if genre not in GENRES:
            raise member.error(line, f"genre {name!r} is unknown")
        found.append(genre)
    return tuple(found)


def _check_header(member: Member, found: str, expected: str) -> None:
    if found != expected:
        raise member.error(1, f"expected the columns {expected}, found {found[:80]!r}")


def _rated(archive: Archive, known: np.ndarray) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """As ``Dataset.ratings``, of the set's own films; and a sentence if users were left out.

    Args:
        archive: the set.
        known: ids of its films.
    """
    member = Member(archive.where(_RATINGS), b"")  # names lines; the file itself is streamed
    is_known = np.zeros(MAX_ID + 1, dtype=bool)
    is_known[known] = True
    kept = pd.DataFrame(columns=[*_TYPES, "line"], dtype=np.int64)
    everybody, chosen, most = np.zeros(0, np.int64), np.zeros(0, np.int64), MAX_USERS
    highest = np.uint64(2**64 - 1)  # hash of anybody chosen
    with archive.stream(_RATINGS) as file:
        for first, lines in _pieces(file, member):
            piece = _parsed(first, lines, member, is_known)
            everybody = np.union1d(everybody, piece["user_id"])
            piece = piece[_hash(piece["user_id"].to_numpy()) <= highest]
            kept = pd.concat([kept, piece], ignore_index=True) if len(kept) else piece
            chosen = np.union1d(chosen, piece["user_id"])
            while len(chosen) > most or (len(kept) > MAX_RATINGS and len(chosen) > 1):
                most = most if len(chosen) > most else len(chosen) // 2
                hashes = _hash(chosen)
                highest = np.partition(hashes, most - 1)[most - 1]
                chosen = chosen[hashes <= highest]
                kept = kept[_hash(kept["user_id"].to_numpy()) <= highest]
    if kept.empty:
        raise member.error(1, "the file holds no rating")
    again = kept.duplicated(["user_id", "movie_id"]).to_numpy()
    if again.any():
        row = kept.iloc[int(again.argmax())]
        problem = f"user {row['user_id']:.0f} has rated the same film on an earlier line"
        raise member.error(int(row["line"]), problem)
    order = np.lexsort((kept["time"], kept["user_id"]))  # stable: in the order of the lines
    ratings = kept[["user_id", "movie_id", "rating"]].iloc[order].reset_index(drop=True)
    ratings["rating"] = stars_column(ratings["rating"].to_numpy())
    if len(chosen) == len(everybody):
        return ratings, ()
    note = f"Of {len(everybody):,} users a sample of {len(chosen):,} is kept, drawn by their ids."
    return ratings, (note,)


def _pieces(file: IO[bytes], member: Member) -> Iterator[tuple[int, bytes]]:
    """Whole lines of the file after its header, and the number of the first of them."""
    rest, line = b"", 1
    while True:
        read = file.read(_PIECE)
        lines = (rest + read).replace(b"\r\n", b"\n")
        end = lines.rfind(b"\n") + 1 if read else len(lines)
        lines, rest = lines[:end], lines[end:]
        if len(rest) > _LONGEST:
            raise member.error(line + lines.count(b"\n"), "the line has no end")
        if not read and lines:
            lines = lines.rstrip(b"\n") + b"\n"
        if line == 1 and lines:
            header, _, lines = lines.partition(b"\n")
            text = header.decode("utf-8-sig", errors="replace")
            _check_header(member, text, _RATINGS_HEADER)
            line = 2
        if lines:
            yield line, lines
            line += lines.count(b"\n")
        if not read:
            return


def _parsed(first: int, lines: bytes, member: Member, is_known: np.ndarray) -> pd.DataFrame:
    match = _LINES.match(lines)
    end = match.end() if match else 0
    if end < len(lines):
        bad = lines[end:].split(b"\n", 1)[0].decode("utf-8", errors="replace")
        raise member.error(
            first + lines.count(b"\n", 0, end),
            f"expected user, film, rating and time as numbers, found {bad[:80]!r}",
        )
    piece = pd.read_csv(io.BytesIO(lines), header=None, names=list(_TYPES), dtype=_TYPES)
    film, stars = piece["movie_id"].to_numpy(), piece["rating"].to_numpy()
    outside, unknown = (stars < 0.5) | (stars > 5), ~is_known[np.minimum(film, MAX_ID)]
    member.refuse(outside, stars, "rating {} is outside 0.5 to 5", first)
    member.refuse(stars * 2 % 1 != 0, stars, "rating {} is not a whole or half star", first)
    member.refuse(unknown | (film > MAX_ID), film, f"film {{}} is not in {_MOVIES}", first)
    return piece.assign(line=np.arange(first, first + len(piece)))


def _hash(ids: np.ndarray) -> np.ndarray:
    """The splitmix64 hash of each id: as good as drawn by lot, and the same on every machine."""
    mixed = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
